/** All SQL on channel accounts and bindings. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { AccountRecord, FundingMode } from "./account.ts";

/** An account as it lies in the database. */
export interface SealedAccount extends AccountRecord {
  readonly secrets_sealed: Buffer;
}

const columns =
  "id, owner_merchant_id, channel, name, funding_mode, livemode, status, methods, config, version, created_at";

// An account may serve many merchants, so it belongs to the platform's register; bindings say whom it serves.
const insertStatement = platformStatement(
  "channel_account.insert",
  `insert into channel_accounts (${columns}, secrets_sealed)
   values ($1, $2, $3, $4, $5, $6, $7, $8::text[], $9::jsonb, $10, $11::timestamptz, $12)`,
);

export async function insertAccount(sql: Sql, account: SealedAccount): Promise<void> {
  await sql.query(insertStatement, [
    account.id,
    account.owner_merchant_id,
    account.channel,
    account.name,
    account.funding_mode,
    account.livemode,
    account.status,
    textArray(account.methods),
    JSON.stringify(account.config),
    account.version,
    toRfc3339(account.created_at),
    account.secrets_sealed,
  ]);
}

const updateStatement = platformStatement(
  "channel_account.update",
  `update channel_accounts set name = $2, status = $3, methods = $4::text[], config = $5::jsonb, version = $6,
     secrets_sealed = $7
   where id = $1`,
);

export async function updateAccount(tx: Transaction, account: SealedAccount): Promise<void> {
  await tx.query(updateStatement, [
    account.id,
    account.name,
    account.status,
    textArray(account.methods),
    JSON.stringify(account.config),
    account.version,
    account.secrets_sealed,
  ]);
}

const lockStatement = platformStatement(
  "channel_account.lock",
  `select ${columns}, secrets_sealed from channel_accounts where id = $1 for update`,
);

/** The account, held until the transaction ends. */
export async function lockAccount(tx: Transaction, id: string): Promise<SealedAccount | undefined> {
  const [account] = await tx.query<SealedAccount>(lockStatement, [id]);
  return account;
}

const selectStatement = platformStatement(
  "channel_account.select",
  `select ${columns}, secrets_sealed from channel_accounts where id = any($1::uuid[])`,
);

export async function loadAccounts(sql: Sql, ids: readonly string[]): Promise<SealedAccount[]> {
  return sql.query<SealedAccount>(selectStatement, [plainArray(ids)]);
}

const listStatement = platformStatement(
  "channel_account.list",
  `select ${columns} from channel_accounts where ($1::uuid is null or id < $1::uuid) order by id desc limit $2`,
);

/** Accounts older than the given one, the newest first. */
export async function listAccounts(sql: Sql, older_than: string | null, limit: number): Promise<AccountRecord[]> {
  return sql.query<AccountRecord>(listStatement, [older_than, limit]);
}

const versionsStatement = platformStatement(
  "channel_account.versions",
  "select id, version from channel_accounts where id = any($1::uuid[])",
);

export async function loadVersions(sql: Sql, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.query<{ id: string; version: number }>(versionsStatement, [plainArray(ids)]);
  return new Map(rows.map((row) => [row.id, row.version]));
}

/** A version of an account that was replaced, whose keys still verify for a while. */
export interface ReplacedVersion {
  readonly channel_account_id: string;
  readonly version: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets_sealed: Buffer;
  readonly replaced_at: number;
  /** Epoch milliseconds. */
  readonly trusted_until: number;
}

const insertVersionStatement = platformStatement(
  "channel_account_version.insert",
  `insert into channel_account_versions (channel_account_id, version, config, secrets_sealed, replaced_at, trusted_until)
   values ($1, $2, $3::jsonb, $4, $5::timestamptz, $6::timestamptz)`,
);

export async function insertVersion(tx: Transaction, version: ReplacedVersion): Promise<void> {
  await tx.query(insertVersionStatement, [
    version.channel_account_id,
    version.version,
    JSON.stringify(version.config),
    version.secrets_sealed,
    toRfc3339(version.replaced_at),
    toRfc3339(version.trusted_until),
  ]);
}

const deleteVersionsStatement = platformStatement(
  "channel_account_version.delete",
  "delete from channel_account_versions where channel_account_id = $1",
);

/** Forgets every earlier version of an account. */
export async function deleteVersions(tx: Transaction, channel_account_id: string): Promise<void> {
  await tx.query(deleteVersionsStatement, [channel_account_id]);
}

const purgeVersionsStatement = platformStatement(
  "channel_account_version.purge",
  "delete from channel_account_versions where trusted_until <= $1::timestamptz",
);

export async function purgeVersions(sql: Sql, now: number): Promise<void> {
  await sql.query(purgeVersionsStatement, [toRfc3339(now)]);
}

const selectVersionsStatement = platformStatement(
  "channel_account_version.select",
  `select channel_account_id, version, config, secrets_sealed, replaced_at, trusted_until from channel_account_versions
   where channel_account_id = any($1::uuid[]) and trusted_until > $2::timestamptz
   order by channel_account_id, version desc`,
);

/** The replaced versions of these accounts that are still trusted, the newest first. */
export async function loadTrustedVersions(sql: Sql, ids: readonly string[], now: number): Promise<ReplacedVersion[]> {
  return sql.query<ReplacedVersion>(selectVersionsStatement, [plainArray(ids), toRfc3339(now)]);
}

const insertWarningsStatement = platformStatement(
  "channel_account_warning.insert",
  `insert into channel_account_warnings (channel_account_id, name, expires_at, days, warned_at)
   select $1, name, expires_at, days, $5::timestamptz
   from unnest($2::text[], $3::timestamptz[], $4::int[]) as warned (name, expires_at, days)
   on conflict do nothing returning name`,
);

/** Takes warnings for oneself: the names of those that nobody has given before. */
export async function insertWarnings(
  tx: Transaction,
  channel_account_id: string,
  warnings: readonly { name: string; expires_at: number; days: number }[],
  now: number,
): Promise<Set<string>> {
  const rows = await tx.query<{ name: string }>(insertWarningsStatement, [
    channel_account_id,
    textArray(warnings.map(({ name }) => name)),
    timestampArray(warnings.map(({ expires_at }) => expires_at)),
    plainArray(warnings.map(({ days }) => days)),
    toRfc3339(now),
  ]);
  return new Set(rows.map(({ name }) => name));
}

const bindStatement = tenantStatement(
  "channel_binding.upsert",
  `insert into channel_bindings (merchant_id, channel_account_id, livemode, priority, created_at)
   values ($1, $2, $3, $4, $5::timestamptz)
   on conflict (merchant_id, channel_account_id) do update set priority = excluded.priority`,
);

export interface Binding {
  readonly merchant_id: string;
  readonly channel_account_id: string;
  readonly livemode: boolean;
  /** Accounts with a smaller number are tried first. */
  readonly priority: number;
  readonly created_at: number;
}

export async function upsertBinding(sql: Sql, binding: Binding): Promise<void> {
  const { merchant_id, channel_account_id, livemode, priority, created_at } = binding;
  await sql.query(bindStatement, [merchant_id, channel_account_id, livemode, priority, toRfc3339(created_at)]);
}

const unbindStatement = tenantStatement(
  "channel_binding.delete",
  "delete from channel_bindings where merchant_id = $1 and channel_account_id = $2",
);

export async function deleteBinding(sql: Sql, merchant_id: string, channel_account_id: string): Promise<void> {
  await sql.query(unbindStatement, [merchant_id, channel_account_id]);
}

/** An account that is bound to a merchant, enabled or not. */
export interface RoutedAccount {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly channel: string;
  readonly funding_mode: FundingMode;
  readonly status: AccountRecord["status"];
  readonly methods: readonly string[];
  /** The only currency that the account takes, where its config names one. */
  readonly only_currency?: string | null;
}

// The book of the account is compared again: a binding alone never lends a live account to test money or the reverse.
const routesStatement = tenantStatement(
  "channel_binding.routes",
  `select b.merchant_id, b.livemode, a.id, a.channel, a.funding_mode, a.status, a.methods,
     a.config ->> 'currency' as only_currency
   from unnest($1::uuid[], $2::boolean[]) as wanted (merchant_id, livemode)
   join channel_bindings b on b.merchant_id = wanted.merchant_id and b.livemode = wanted.livemode
   join channel_accounts a on a.id = b.channel_account_id and a.livemode = b.livemode
   order by b.merchant_id, b.priority, a.id`,
);

/** The accounts of each wanted merchant and book, enabled or not, the preferred one first. */
export async function loadRoutes(
  sql: Sql,
  wanted: readonly { merchant_id: string; livemode: boolean }[],
): Promise<RoutedAccount[]> {
  const merchants = plainArray(wanted.map((one) => one.merchant_id));
  return sql.query<RoutedAccount>(routesStatement, [merchants, plainArray(wanted.map((one) => one.livemode))]);
}
