/**
 * Finding and opening accounts on the hot path. Routing data may be a second old and is asked for in groups; credentials
 * are kept opened in memory, but only for the version that the database says is the newest at this moment.
 */
import { LRUCache } from "lru-cache";
import type { ChannelAccount } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { createGroup } from "../../kit/sql/group-commit.ts";
import { openSecrets, toChannelAccount } from "./secrets.ts";
import { loadAccounts, loadRoutes, loadTrustedVersions, loadVersions, type RoutedAccount } from "./store.ts";

export interface Book {
  readonly merchant_id: string;
  readonly livemode: boolean;
}

export interface ChannelAccounts {
  /** All enabled accounts that a merchant may collect through, the preferred one first. At most a second old. */
  listForMerchant(wanted: Book): Promise<readonly RoutedAccount[]>;
  /** The same with those that are disabled. */
  listBound(wanted: Book): Promise<readonly RoutedAccount[]>;
  /** An account with its credentials in their newest version, enabled or not; undefined when it does not exist. */
  open(id: string): Promise<ChannelAccount | undefined>;
}

export interface ChannelAccountsOptions {
  db: Sql;
  clock: Clock;
  envelope: Envelope;
  /** How long routing data is believed; 1,000 ms unless given. */
  routes_ttl_ms?: number;
}

const BOOKS_MAX = 50_000;
const OPENED_MAX = 4_096;
const BATCH_MAX = 500;

/** One per process: its caches are what makes asking cheap. */
export function createChannelAccounts(options: ChannelAccountsOptions): ChannelAccounts {
  const { clock, routes_ttl_ms = 1_000 } = options;
  const routes = new LRUCache<string, { accounts: Promise<readonly RoutedAccount[]>; loaded_at: number }>({
    max: BOOKS_MAX,
  });
  const loadBook = createGroup<Book, readonly RoutedAccount[]>({
    name: "channel_account.routes",
    batch_max: BATCH_MAX,
    in_flight_max: 4,
    run: async (books) => groupByBook(books, await loadRoutes(options.db, books)),
  });

  function listBound(book: Book): Promise<readonly RoutedAccount[]> {
    const key = bookKey(book);
    const known = routes.get(key);
    const now = clock.now();
    if (known && now - known.loaded_at < routes_ttl_ms) return known.accounts;
    const accounts = loadBook(book);
    routes.set(key, { accounts, loaded_at: now });
    // A failure is the asker's to see and nobody's to remember.
    accounts.catch(() => {
      if (routes.peek(key)?.accounts === accounts) routes.delete(key);
    });
    return accounts;
  }

  async function listForMerchant(book: Book): Promise<readonly RoutedAccount[]> {
    return (await listBound(book)).filter(({ status }) => status === "enabled");
  }

  return {
    listBound,
    listForMerchant,
    open: createOpener(options),
  };
}

/** An account in its newest version, and when the earlier ones beside it stop being trusted. */
interface Opened {
  readonly account: ChannelAccount;
  /** In the order of `account.previous`. */
  readonly trusted_until: readonly number[];
}

/** Opens accounts; those asked for at the same moment share one question to the database. */
function createOpener(options: ChannelAccountsOptions): (id: string) => Promise<ChannelAccount | undefined> {
  const { db, clock } = options;
  const opened = new LRUCache<string, Opened>({ max: OPENED_MAX });
  return createGroup<string, ChannelAccount | undefined>({
    name: "channel_account.open",
    batch_max: BATCH_MAX,
    async run(ids) {
      const versions = await loadVersions(db, ids);
      const known = ([id, version]: [string, number]) => opened.get(id)?.account.version === version;
      const stale = [...versions].filter((entry) => !known(entry)).map(([id]) => id);
      for (const one of stale.length > 0 ? await openAll(options, stale) : []) opened.set(one.account.id, one);
      const now = clock.now();
      return ids.map((id) => {
        const found = versions.has(id) ? opened.get(id) : undefined;
        const current = found && withoutDistrusted(found, now);
        if (current && current !== found) opened.set(id, current);
        return current?.account;
      });
    },
  });
}

async function openAll({ db, clock, envelope }: ChannelAccountsOptions, ids: readonly string[]): Promise<Opened[]> {
  const [accounts, replaced] = await Promise.all([loadAccounts(db, ids), loadTrustedVersions(db, ids, clock.now())]);
  const byAccount = Map.groupBy(replaced, ({ channel_account_id }) => channel_account_id);
  return accounts.map(({ secrets_sealed, ...record }) => {
    const open = (version: { version: number; config: Readonly<Record<string, unknown>> }, sealed: Buffer) =>
      toChannelAccount({ ...record, ...version }, openSecrets(envelope, record.id, sealed));
    const earlier = byAccount.get(record.id) ?? [];
    const previous = earlier.map(({ version, config, secrets_sealed: sealed }) => open({ version, config }, sealed));
    return {
      account: { ...open(record, secrets_sealed), ...(previous.length > 0 && { previous }) },
      trusted_until: earlier.map(({ trusted_until }) => trusted_until),
    };
  });
}

function withoutDistrusted(opened: Opened, now: number): Opened {
  if (opened.trusted_until.every((until) => until > now)) return opened;
  const { previous = [], ...account } = opened.account;
  const kept = previous.filter((_, index) => opened.trusted_until[index]! > now);
  return {
    account: { ...account, ...(kept.length > 0 && { previous: kept }) },
    trusted_until: opened.trusted_until.filter((until) => until > now),
  };
}

function groupByBook(books: readonly Book[], rows: readonly RoutedAccount[]): (readonly RoutedAccount[])[] {
  const byBook = Map.groupBy(rows, bookKey);
  return books.map((book) => byBook.get(bookKey(book)) ?? []);
}

function bookKey({ merchant_id, livemode }: Book): string {
  return `${merchant_id} ${livemode}`;
}
