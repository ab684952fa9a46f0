/**
 * Finding and opening accounts on the hot path. Routing data may be a second old and is asked for in groups; credentials
 * are kept opened in memory, but only for the version that the database says is the newest at this moment.
 */
import { LRUCache } from "lru-cache";
import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { createGroup } from "../../kit/sql/group-commit.ts";
import { openSecrets, toChannelAccount } from "./secrets.ts";
import { loadAccounts, loadRoutes, loadVersions, type RoutedAccount } from "./store.ts";

export interface Book {
  readonly merchant_id: string;
  readonly livemode: boolean;
}

export interface ChannelAccounts {
  /** Enabled accounts that may collect for this merchant by this method, the preferred one first. At most a second old. */
  findForMethod(wanted: Book & { method: string; currency: string }): Promise<readonly RoutedAccount[]>;
  /** All enabled accounts that a merchant may collect through, the preferred one first. At most a second old. */
  listForMerchant(wanted: Book): Promise<readonly RoutedAccount[]>;
  /** An account with its credentials in their newest version, enabled or not; undefined when it does not exist. */
  open(id: string): Promise<ChannelAccount | undefined>;
}

export interface ChannelAccountsOptions {
  db: Sql;
  clock: Clock;
  envelope: Envelope;
  getChannel(id: string): Channel | undefined;
  /** How long routing data is believed; 1,000 ms unless given. */
  routes_ttl_ms?: number;
}

const BOOKS_MAX = 50_000;
const OPENED_MAX = 4_096;
const BATCH_MAX = 500;

/** One per process: its caches are what makes asking cheap. */
export function createChannelAccounts(options: ChannelAccountsOptions): ChannelAccounts {
  const { clock, getChannel, routes_ttl_ms = 1_000 } = options;
  const routes = new LRUCache<string, { accounts: Promise<readonly RoutedAccount[]>; loaded_at: number }>({
    max: BOOKS_MAX,
  });
  const loadBook = createGroup<Book, readonly RoutedAccount[]>({
    name: "channel_account.routes",
    batch_max: BATCH_MAX,
    in_flight_max: 4,
    run: async (books) => groupByBook(books, await loadRoutes(options.db, books)),
  });

  function listForMerchant(book: Book): Promise<readonly RoutedAccount[]> {
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

  return {
    listForMerchant,
    async findForMethod({ method, currency, ...book }) {
      const accounts = await listForMerchant(book);
      return accounts.filter(
        (account) => account.methods.includes(method) && getChannel(account.channel)?.currencies.includes(currency),
      );
    },
    open: createOpener(options),
  };
}

/** Opens accounts; those asked for at the same moment share one question to the database. */
function createOpener({ db, envelope }: ChannelAccountsOptions): (id: string) => Promise<ChannelAccount | undefined> {
  const opened = new LRUCache<string, ChannelAccount>({ max: OPENED_MAX });
  return createGroup<string, ChannelAccount | undefined>({
    name: "channel_account.open",
    batch_max: BATCH_MAX,
    async run(ids) {
      const versions = await loadVersions(db, ids);
      const stale = [...versions].filter(([id, version]) => opened.get(id)?.version !== version).map(([id]) => id);
      for (const { secrets_sealed, ...record } of stale.length > 0 ? await loadAccounts(db, stale) : []) {
        opened.set(record.id, toChannelAccount(record, openSecrets(envelope, record.id, secrets_sealed)));
      }
      return ids.map((id) => (versions.has(id) ? opened.get(id) : undefined));
    },
  });
}

function groupByBook(books: readonly Book[], rows: readonly RoutedAccount[]): (readonly RoutedAccount[])[] {
  const byBook = Map.groupBy(rows, bookKey);
  return books.map((book) => byBook.get(bookKey(book)) ?? []);
}

function bookKey({ merchant_id, livemode }: Book): string {
  return `${merchant_id} ${livemode}`;
}
