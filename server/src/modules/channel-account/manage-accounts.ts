/** Making and changing channel accounts, and binding them to merchants. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel, Method } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { IdSource } from "../../kit/id.ts";
import { brokenConstraint, type Database, type Sql, type Transaction } from "../../kit/sql/database.ts";
import { merchantErrors } from "../merchant/index.ts";
import { type AccountRecord, checkAccount, type FundingMode } from "./account.ts";
import { tryConnection } from "./check-connection.ts";
import { channelAccountErrors } from "./errors.ts";
import { openSecrets, type Secrets, sealSecrets, toChannelAccount } from "./secrets.ts";
import {
  deleteBinding,
  deleteVersions,
  insertAccount,
  insertVersion,
  loadAccounts,
  lockAccount,
  type SealedAccount,
  updateAccount,
  upsertBinding,
} from "./store.ts";

const NAME_LENGTH_MAX = 100;
const PRIORITY_UNLESS_GIVEN = 100;

export interface AccountServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  envelope: Envelope;
  getChannel(id: string): Channel | undefined;
  /** Hosts besides the channels' own that live accounts may call; none unless given. */
  live_hosts_allowed?: readonly string[];
}

/** With a caller, an account is saved only when its channel answers that it takes it. */
export interface SaveOptions {
  readonly check_with?: ChannelCaller | undefined;
}

export interface NewAccount {
  readonly channel: string;
  readonly name: string;
  readonly funding_mode: FundingMode;
  readonly owner_merchant_id?: string | undefined;
  readonly livemode: boolean;
  readonly methods: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Secrets;
}

/**
 * Creates an enabled channel account after checking it against its channel. Nothing is bound to it yet.
 * @throws channel_account.channel_unknown, channel_account.invalid, channel_account.not_connected, merchant.not_found
 */
export async function createChannelAccount(
  services: AccountServices,
  input: NewAccount,
  options: SaveOptions = {},
): Promise<AccountRecord> {
  const { secrets, ...given } = input;
  const record: AccountRecord = {
    ...given,
    id: services.ids.uuid(),
    owner_merchant_id: input.owner_merchant_id ?? null,
    status: "enabled",
    version: 1,
    created_at: services.clock.now(),
  };
  refuseFaults(services, record, secrets);
  await requireConnection(services, record, secrets, options);
  try {
    await insertAccount(services.db, { ...record, secrets_sealed: sealSecrets(services.envelope, record.id, secrets) });
  } catch (error) {
    if (brokenConstraint(error) === "channel_accounts_owner_merchant_id_fkey") {
      throw merchantErrors["merchant.not_found"]();
    }
    throw error;
  }
  return record;
}

export interface AccountChange {
  readonly name?: string;
  readonly status?: "enabled" | "disabled";
  readonly methods?: readonly string[];
  /** Replaces the whole config. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Replaces the secrets named; the others stay. */
  readonly secrets?: Secrets;
  /**
   * How long what the replaced keys verify is still believed, in milliseconds: as long as channels tell a notice again,
   * unless given. 0 forgets every earlier version at once, for a key that has leaked.
   */
  readonly overlap_ms?: number;
}

/** Three days: the longest that a channel goes on telling a notice which it has signed under an earlier secret. */
const OVERLAP_MS = 3 * 86_400_000;

/**
 * Changes an account after checking the result as a whole; one that is only renamed or disabled is not checked, as its
 * certificate may have expired. A change of config or secrets makes a new version, which the next call to the channel
 * uses; the version before it goes on verifying for a while. Who the account is at the channel stays: its payments and refunds are asked about, and
 * their notices compared, by those numbers for months.
 * @throws channel_account.not_found, channel_account.invalid, channel_account.identity_fixed,
 *   channel_account.not_connected
 */
export async function updateChannelAccount(
  services: AccountServices,
  id: string,
  change: AccountChange,
  options: SaveOptions = {},
): Promise<AccountRecord> {
  // The channel is asked before the transaction, of what the transaction will find unless somebody else was faster.
  const tried = options.check_with && (await tryChange(services, id, change, options));
  return services.db.transaction(async (tx) => {
    const current = await lockAccount(tx, id);
    if (!current) throw channelAccountErrors["channel_account.not_found"]();
    if (tried !== undefined && tried !== current.version) {
      const problem = "somebody else has changed it at the same time. Try again.";
      throw channelAccountErrors["channel_account.not_connected"]({ values: { problem } });
    }
    const { record, secrets } = applyChange(services, current, change);
    await updateAccount(tx, { ...record, secrets_sealed: sealSecrets(services.envelope, id, secrets) });
    if (record.version !== current.version) await keepVersion(services, tx, current, change.overlap_ms ?? OVERLAP_MS);
    return record;
  });
}

/** Checks what a change would make against the channel; gives the version that it would change. */
async function tryChange(
  services: AccountServices,
  id: string,
  change: AccountChange,
  options: SaveOptions,
): Promise<number> {
  const [current] = await loadAccounts(services.db, [id]);
  if (!current) throw channelAccountErrors["channel_account.not_found"]();
  const { record, secrets } = applyChange(services, current, change);
  await requireConnection(services, record, secrets, options);
  return current.version;
}

function applyChange(
  services: AccountServices,
  current: SealedAccount,
  change: AccountChange,
): { record: AccountRecord; secrets: Secrets } {
  const { secrets: changed, overlap_ms: _, ...fields } = change;
  const isNewVersion = fields.config !== undefined || changed !== undefined;
  const secrets = { ...openSecrets(services.envelope, current.id, current.secrets_sealed), ...changed };
  const record = { ...withoutSecrets(current), ...fields, version: current.version + (isNewVersion ? 1 : 0) };
  const concernsChannel = isNewVersion || fields.methods !== undefined || fields.status === "enabled";
  if (concernsChannel) refuseFaults(services, record, secrets);
  else refuseProblems(problemsOfName(record));
  refuseOtherIdentity(services, current, record);
  return { record, secrets };
}

async function keepVersion(
  services: AccountServices,
  tx: Transaction,
  replaced: SealedAccount,
  overlap_ms: number,
): Promise<void> {
  if (overlap_ms <= 0) return deleteVersions(tx, replaced.id);
  const now = services.clock.now();
  const { id: channel_account_id, version, config, secrets_sealed } = replaced;
  const period = { replaced_at: now, trusted_until: now + overlap_ms };
  await insertVersion(tx, { channel_account_id, version, config, secrets_sealed, ...period });
}

/** Asks the channel whether it takes an account that is not saved yet. */
async function requireConnection(
  services: AccountServices,
  record: AccountRecord,
  secrets: Secrets,
  { check_with: channels }: SaveOptions,
): Promise<void> {
  if (!channels) return;
  // Under an id of its own: what is remembered of it must not be taken for the saved version.
  const candidate = toChannelAccount({ ...record, id: services.ids.uuid() }, secrets);
  const outcome = await tryConnection({ ...services, channels }, record.channel, candidate);
  if (outcome.kind === "connected") return;
  const problem = outcome.kind === "failed" ? outcome.failure.message : `${outcome.reason}: ${outcome.detail}`;
  throw channelAccountErrors["channel_account.not_connected"]({ values: { problem } });
}

function withoutSecrets(account: SealedAccount): AccountRecord {
  const { secrets_sealed: _, ...record } = account;
  return record;
}

function refuseFaults(services: AccountServices, record: AccountRecord, secrets: Secrets): void {
  const channel = services.getChannel(record.channel);
  if (!channel) throw channelAccountErrors["channel_account.channel_unknown"]({ param: "channel" });
  const { clock, live_hosts_allowed = [] } = services;
  refuseProblems([
    ...problemsOfName(record),
    ...checkAccount(channel, record, toChannelAccount(record, secrets), { clock, live_hosts_allowed }),
  ]);
}

function problemsOfName({ name }: AccountRecord): string[] {
  const { length } = name.trim();
  return length > 0 && length <= NAME_LENGTH_MAX ? [] : [`name must have 1 to ${NAME_LENGTH_MAX} characters`];
}

function refuseProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw channelAccountErrors["channel_account.invalid"]({ values: { problem: problems.join("; ") } });
}

/** A number that was not there yet, for a method that is new, may come; none may change or go. */
function refuseOtherIdentity(services: AccountServices, before: AccountRecord, after: AccountRecord): void {
  const channel = services.getChannel(before.channel);
  if (!channel) return;
  for (const method of Object.keys(channel.pay) as Method[]) {
    const [was, is] = [before, after].map((record) => channel.identify(toChannelAccount(record, {}), method));
    for (const number of ["merchant", "app"] as const) {
      if (was?.[number] === undefined || was[number] === is?.[number]) continue;
      throw channelAccountErrors["channel_account.identity_fixed"]({ param: "config" });
    }
  }
}

/**
 * Lets a merchant collect through an account, in the account's book. Binding again changes the order.
 * @param input.priority accounts with a smaller number are tried first; 100 unless given
 * @throws channel_account.not_found, channel_account.binding_refused, merchant.not_found
 */
export async function bindChannelAccount(
  services: { db: Database; clock: Clock },
  input: { merchant_id: string; channel_account_id: string; priority?: number },
): Promise<void> {
  const [account] = await loadAccounts(services.db, [input.channel_account_id]);
  if (!account) throw channelAccountErrors["channel_account.not_found"]();
  if (account.owner_merchant_id !== null && account.owner_merchant_id !== input.merchant_id) {
    throw channelAccountErrors["channel_account.binding_refused"]();
  }
  const priority = input.priority ?? PRIORITY_UNLESS_GIVEN;
  try {
    await upsertBinding(services.db, {
      ...input,
      priority,
      livemode: account.livemode,
      created_at: services.clock.now(),
    });
  } catch (error) {
    if (brokenConstraint(error) === "channel_bindings_merchant_id_fkey") throw merchantErrors["merchant.not_found"]();
    throw error;
  }
}

/** Takes an account from a merchant; what was begun through it goes on. */
export async function unbindChannelAccount(
  sql: Sql,
  input: { merchant_id: string; channel_account_id: string },
): Promise<void> {
  await deleteBinding(sql, input.merchant_id, input.channel_account_id);
}
