/** When keys and certificates of accounts stop being good, and when to warn of it. */
import type { Channel, Expiry } from "../../channels/contract.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { openSecrets, toChannelAccount } from "./secrets.ts";
import { loadAccounts, type SealedAccount } from "./store.ts";

const DAY_MS = 86_400_000;

/** Warnings are given when no more than so many days are left; 0 when it has expired. */
const WARNING_DAYS = [0, 1, 3, 7, 14, 30] as const;

export interface DatedExpiry extends Expiry {
  /** Whole days, rounded down; negative once it has expired. */
  readonly days_left: number;
}

/** The latest warning that is due with so many days left; undefined while there is time. */
export function dueWarning(expiry: Pick<Expiry, "expires_at">, now: number): number | undefined {
  const left_ms = expiry.expires_at - now;
  return WARNING_DAYS.find((days) => left_ms <= days * DAY_MS);
}

/** What of an account expires, the soonest first. Empty for a channel whose credentials do not. */
export function expiriesOf(
  { envelope, getChannel }: { envelope: Envelope; getChannel(id: string): Channel | undefined },
  { secrets_sealed, ...record }: SealedAccount,
  now: number,
): DatedExpiry[] {
  const account = toChannelAccount(record, openSecrets(envelope, record.id, secrets_sealed));
  const expiries = getChannel(record.channel)?.expiries(account) ?? [];
  return expiries
    .map((expiry) => ({ ...expiry, days_left: Math.floor((expiry.expires_at - now) / DAY_MS) }))
    .sort((a, b) => a.expires_at - b.expires_at);
}

/** What expires, of each of these accounts by its id. */
export async function listAccountExpiries(
  services: { db: Sql; envelope: Envelope; getChannel(id: string): Channel | undefined },
  ids: readonly string[],
  now: number,
): Promise<Map<string, DatedExpiry[]>> {
  const accounts = await loadAccounts(services.db, ids);
  return new Map(accounts.map((account) => [account.id, expiriesOf(services, account, now)]));
}
