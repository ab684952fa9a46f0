/**
 * The module's second worker: keeps the channels' own keys that accounts hold new, where a channel replaces them by itself.
 * New keys are added to the old ones, so that nothing is left unverified in between.
 */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { checkAccount } from "./account.ts";
import { openSecrets, toChannelAccount } from "./secrets.ts";
import { listAccounts, loadAccounts, lockAccount, type SealedAccount, updateAccount } from "./store.ts";

export interface KeyRenewalServices {
  db: Database;
  clock: Clock;
  log: Logger;
  envelope: Envelope;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  /** Hosts besides the channels' own that live accounts may call; none unless given. */
  live_hosts_allowed?: readonly string[];
}

const PAGE = 200;
/** How long after its start a process looks first, and how soon it asks a channel again that did not answer. */
const AGAIN_MS = 600_000;

/**
 * Asks for each enabled account as often as its channel wants. Several processes may: who comes second finds the account
 * changed, or nothing new.
 */
export function createKeyRenewal(services: KeyRenewalServices): DueLoop {
  const { clock, log } = services;
  const due_at = new Map<string, number>();
  const waiting: string[] = [];
  let look_at = clock.now() + AGAIN_MS;
  return createDueLoop<string>({
    name: "channel_account.renew_keys",
    claim: async (limit) => {
      const now = clock.now();
      if (now >= look_at) {
        look_at = now + AGAIN_MS;
        const due = (await listRenewable(services)).filter((id) => now >= (due_at.get(id) ?? now));
        waiting.splice(0, waiting.length, ...due);
      }
      return waiting.splice(0, limit);
    },
    handle: async (id) => {
      const every_ms = await renew(services, id);
      if (every_ms !== undefined) due_at.set(id, clock.now() + every_ms);
    },
    concurrency: 2,
    interval_ms: 60_000,
    log,
  });
}

async function listRenewable({ db, getChannel }: KeyRenewalServices): Promise<string[]> {
  const found: string[] = [];
  let last: string | null = null;
  for (;;) {
    const page = await listAccounts(db, last, PAGE);
    const renewable = page.filter(({ status, channel }) => status === "enabled" && getChannel(channel)?.keyRenewal);
    found.push(...renewable.map(({ id }) => id));
    if (page.length < PAGE) return found;
    last = page.at(-1)!.id;
  }
}

/** How long the account needs no further look; undefined when the channel did not say. */
async function renew(services: KeyRenewalServices, id: string): Promise<number | undefined> {
  const [sealed] = await loadAccounts(services.db, [id]);
  const renewal = sealed && services.getChannel(sealed.channel)?.keyRenewal;
  if (!renewal) return undefined;
  const account = toChannelAccount(sealed, openSecrets(services.envelope, sealed.id, sealed.secrets_sealed));
  const outcome = await services.channels.run(`${sealed.channel}.renew_keys`, account, renewal.fetch, {});
  const facts = { channel: sealed.channel, channel_account: sealed.id };
  if (outcome.kind === "unknown") return undefined;
  if (outcome.kind === "failed") {
    services.log.warn({ ...facts, code: outcome.failure.code }, "the channel refuses to show its keys");
    return renewal.every_ms;
  }
  if (outcome.kind === "unchanged") return renewal.every_ms;
  const stored = await storeConfig(services, sealed, outcome.config);
  if (stored) services.log.info(facts, "new keys of the channel were taken over");
  return stored ? renewal.every_ms : undefined;
}

/**
 * Writes the renewed config unless somebody has changed the account meanwhile; the next look then begins from that. The
 * version before needs no keeping: the new one holds all that it verified by.
 */
async function storeConfig(
  services: KeyRenewalServices,
  seen: SealedAccount,
  config: SealedAccount["config"],
): Promise<boolean> {
  const { db, envelope, clock, live_hosts_allowed = [] } = services;
  const renewed: SealedAccount = { ...seen, config, version: seen.version + 1 };
  const opened = toChannelAccount(renewed, openSecrets(envelope, seen.id, seen.secrets_sealed));
  const problems = checkAccount(services.getChannel(seen.channel)!, renewed, opened, { clock, live_hosts_allowed });
  if (problems.length > 0) {
    const facts = { channel: seen.channel, channel_account: seen.id, problem: problems.join("; ") };
    services.log.error(facts, "new keys of the channel do not fit the account");
    return false;
  }
  return db.transaction(async (tx) => {
    const current = await lockAccount(tx, seen.id);
    if (current?.version !== seen.version) return false;
    await updateAccount(tx, { ...current, config, version: renewed.version });
    return true;
  });
}
