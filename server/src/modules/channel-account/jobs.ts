/** The module's worker: warns of credentials that are about to expire, and forgets versions that are trusted no more. */
import type { Channel } from "../../channels/contract.ts";
import { type Clock, toRfc3339 } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import { type IdSource, publicId } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { loadApps } from "../merchant/index.ts";
import { type NewEvent, recordEvents } from "../webhook/index.ts";
import { type DatedExpiry, dueWarning, expiriesOf } from "./expiries.ts";
import { insertWarnings, listAccounts, loadAccounts, purgeVersions, type SealedAccount } from "./store.ts";

export interface UpkeepServices {
  db: Database;
  clock: Clock;
  log: Logger;
  ids: IdSource;
  envelope: Envelope;
  getChannel(id: string): Channel | undefined;
  kick: { webhooks(): void };
}

const EVERY_MS = 86_400_000;
const PAGE = 200;
/** A merchant has a few apps; each is told. */
const APPS_MAX = 100;

type Warning = DatedExpiry & { readonly days: number };

/** Once a day and process, and at its start. Each warning is given once, however many processes look. */
export function createAccountUpkeep(services: UpkeepServices): DueLoop {
  const { clock, log } = services;
  let due_at = clock.now();
  return createDueLoop({
    name: "channel_account.upkeep",
    claim: async () => {
      const now = clock.now();
      if (now < due_at) return [];
      due_at = now + EVERY_MS;
      return [now];
    },
    handle: (now) => keepAccounts(services, now),
    concurrency: 1,
    interval_ms: 60_000,
    log,
  });
}

async function keepAccounts(services: UpkeepServices, now: number): Promise<void> {
  await purgeVersions(services.db, now);
  let last: string | null = null;
  for (;;) {
    const page = await listAccounts(services.db, last, PAGE);
    const enabled = page.filter(({ status }) => status === "enabled").map(({ id }) => id);
    for (const account of await loadAccounts(services.db, enabled)) {
      // One account that cannot be looked at keeps no other from being looked at.
      await warn(services, account, now).catch((err) =>
        services.log.error(
          { err, channel_account: account.id },
          "a channel account's credentials could not be looked at",
        ),
      );
    }
    if (page.length < PAGE) return;
    last = page.at(-1)!.id;
  }
}

async function warn(services: UpkeepServices, account: SealedAccount, now: number): Promise<void> {
  const due = expiriesOf(services, account, now).flatMap((expiry): Warning[] => {
    const days = dueWarning(expiry, now);
    return days === undefined ? [] : [{ ...expiry, days }];
  });
  if (due.length === 0) return;
  const merchant_id = account.owner_merchant_id;
  const apps = merchant_id === null ? [] : await loadApps(services.db, merchant_id, APPS_MAX);
  const given = await services.db.transaction(async (tx) => {
    const taken = await insertWarnings(tx, account.id, due, now);
    const warnings = due.filter(({ name }) => taken.has(name));
    const told = apps.filter(({ status }) => status === "active");
    const events = told.flatMap(({ merchant_id, id }) =>
      warnings.map((warning) => warningEvent(services.ids.uuid(), { merchant_id, app_id: id }, account, warning, now)),
    );
    await recordEvents(tx, events);
    return warnings;
  });
  for (const { name, days_left, expires_at } of given) {
    const facts = { channel: account.channel, channel_account: account.id, credential: name, days_left };
    const line = { ...facts, expires_at: toRfc3339(expires_at) };
    if (days_left < 0) services.log.error(line, "a credential of a channel account has expired");
    else services.log.warn(line, "a credential of a channel account expires soon");
  }
  services.kick.webhooks();
}

/** A direct account is its merchant's own: only the merchant can get a new certificate from the channel. */
function warningEvent(
  id: string,
  app: { merchant_id: string; app_id: string },
  account: SealedAccount,
  { name, label, expires_at, days_left }: Warning,
  now: number,
): NewEvent {
  return {
    ...{ id, ...app, livemode: account.livemode },
    type: "channel_account.credential_expiring",
    object_id: account.id,
    data: {
      id: publicId("channel_account", account.id),
      object: "channel_account",
      livemode: account.livemode,
      channel: account.channel,
      name: account.name,
      credential: { name, label, expires_at: toRfc3339(expires_at), days_left },
    },
    created_at: now,
  };
}
