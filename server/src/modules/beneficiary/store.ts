/** All SQL on beneficiaries. Whoever changes one holds the lock of its row. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { bytesArray } from "../../kit/sql/arrays.ts";
import type { Sql, SqlValue, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import type {
  AccountDetails,
  Beneficiary,
  BeneficiaryChange,
  BeneficiarySettings,
  BeneficiaryStatus,
  BeneficiaryType,
} from "./beneficiary.ts";

const selectKey = platformStatement("beneficiary.select_key", "select id, key_sealed from beneficiary_keys");

export async function loadKey(sql: Sql): Promise<{ id: string; key_sealed: Buffer } | undefined> {
  return (await sql.query<{ id: string; key_sealed: Buffer }>(selectKey))[0];
}

const insertKeyStatement = platformStatement(
  "beneficiary.insert_key",
  "insert into beneficiary_keys (id, key_sealed, created_at) values ($1, $2, $3::timestamptz) on conflict do nothing",
);

/** Does nothing where there is a key. */
export async function insertKey(sql: Sql, key: { id: string; key_sealed: Buffer; created_at: number }): Promise<void> {
  await sql.query(insertKeyStatement, [key.id, key.key_sealed, toRfc3339(key.created_at)]);
}

const selectSettings = tenantStatement(
  "beneficiary.select_settings",
  "select * from beneficiary_settings where merchant_id = $1 and livemode = $2",
);

export async function loadSettings(
  sql: Sql,
  merchant_id: string,
  livemode: boolean,
): Promise<BeneficiarySettings | undefined> {
  return (await sql.query<BeneficiarySettings>(selectSettings, [merchant_id, livemode]))[0];
}

const saveSettingsStatement = tenantStatement(
  "beneficiary.save_settings",
  `insert into beneficiary_settings (merchant_id, livemode, cooling_s, verification, updated_at)
   values ($1, $2, $3, $4, $5::timestamptz)
   on conflict (merchant_id, livemode) do update set cooling_s = excluded.cooling_s,
     verification = excluded.verification, updated_at = excluded.updated_at`,
);

export async function saveSettings(sql: Sql, settings: BeneficiarySettings, now: number): Promise<void> {
  const { merchant_id, livemode, cooling_s, verification } = settings;
  await sql.query(saveSettingsStatement, [merchant_id, livemode, cooling_s, verification, toRfc3339(now)]);
}

const insertStatement = tenantStatement(
  "beneficiary.insert",
  `insert into beneficiaries (merchant_id, id, livemode, status, version, fingerprint, label, metadata, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::timestamptz)
   on conflict (merchant_id, livemode, fingerprint) where status <> 'deleted' do nothing returning id`,
);

/** False when the merchant's book has the account already. */
export async function insertBeneficiary(tx: Transaction, b: Beneficiary): Promise<boolean> {
  const rows = await tx.query(insertStatement, [
    ...[b.merchant_id, b.id, b.livemode, b.status, b.version, b.fingerprint, b.label],
    ...[JSON.stringify(b.metadata), toRfc3339(b.created_at)],
  ]);
  return rows.length === 1;
}

const insertVersionStatement = tenantStatement(
  "beneficiary.insert_version",
  `insert into beneficiary_versions (merchant_id, beneficiary_id, version, type, account_sealed, account_masked,
     name_masked, details, payable_from, verified_at, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::timestamptz, $10::timestamptz, $11::timestamptz)`,
);

/** @param now when this version was entered */
export async function insertVersion(tx: Transaction, b: Beneficiary, now: number): Promise<void> {
  await tx.query(insertVersionStatement, [
    ...[b.merchant_id, b.id, b.version, b.type, b.account_sealed, b.account_masked, b.name_masked],
    ...[JSON.stringify(b.details), toRfc3339(b.payable_from)],
    ...[b.verified_at === null ? null : toRfc3339(b.verified_at), toRfc3339(now)],
  ]);
}

const COLUMNS = `b.merchant_id, b.id, b.livemode, b.status, b.version, b.fingerprint, b.label, b.metadata, b.created_at,
  v.type, v.account_sealed, v.account_masked, v.name_masked, v.details, v.payable_from, v.verified_at`;
const JOIN = `beneficiaries b join beneficiary_versions v
  on v.merchant_id = b.merchant_id and v.beneficiary_id = b.id and v.version = b.version`;

const selectStatement = tenantStatement(
  "beneficiary.select",
  `select ${COLUMNS} from ${JOIN}
   where (b.merchant_id, b.id) in (select * from unnest($1::uuid[], $2::uuid[]))`,
);

/** Beneficiaries by their keys, as they are now. */
export async function loadBeneficiaries(sql: Sql, keys: readonly TenantKey[]): Promise<Map<string, Beneficiary>> {
  if (keys.length === 0) return new Map();
  const rows = await sql.query<Beneficiary>(selectStatement, keyArrays(keys));
  return new Map(rows.map((row) => [row.id, row]));
}

const lockStatement = tenantStatement(
  "beneficiary.lock",
  "select id from beneficiaries where merchant_id = $1 and id = $2 for update",
);

/** Locks a beneficiary and gives it as it is then. */
export async function lockBeneficiary(tx: Transaction, key: TenantKey): Promise<Beneficiary | undefined> {
  await tx.query(lockStatement, [key.merchant_id, key.id]);
  return (await loadBeneficiaries(tx, [key])).get(key.id);
}

const selectByFingerprints = tenantStatement(
  "beneficiary.select_by_fingerprints",
  `select ${COLUMNS} from ${JOIN}
   where b.merchant_id = $1 and b.livemode = $2 and b.status <> 'deleted' and b.fingerprint = any ($3::bytea[])`,
);

/** The merchant's beneficiaries with these accounts, but for deleted ones. */
export async function loadByFingerprints(
  sql: Sql,
  merchant_id: string,
  livemode: boolean,
  fingerprints: readonly Buffer[],
): Promise<Beneficiary[]> {
  return sql.query<Beneficiary>(selectByFingerprints, [merchant_id, livemode, bytesArray(fingerprints)]);
}

const wasVerifiedStatement = tenantStatement(
  "beneficiary.was_verified",
  `select 1 as one from beneficiaries b join beneficiary_versions v
     on v.merchant_id = b.merchant_id and v.beneficiary_id = b.id and v.version = b.version
   where b.merchant_id = $1 and b.livemode = $2 and b.fingerprint = $3 and v.verified_at is not null limit 1`,
);

/** Whether the same account was verified for this merchant, under a beneficiary that is deleted now. */
export async function wasVerified(
  sql: Sql,
  { merchant_id, livemode, fingerprint }: Pick<Beneficiary, "merchant_id" | "livemode" | "fingerprint">,
): Promise<boolean> {
  return (await sql.query(wasVerifiedStatement, [merchant_id, livemode, fingerprint])).length > 0;
}

const moveStatement = tenantStatement(
  "beneficiary.move",
  `update beneficiaries set status = $4, version = $5, fingerprint = $6
   where merchant_id = $1 and id = $2 and status = $3 returning id`,
);

/** The guarded move; false when it is not in the expected status. Breaks beneficiaries_account for an account that another one has. */
export async function moveBeneficiary(
  tx: Transaction,
  expected: BeneficiaryStatus,
  b: Pick<Beneficiary, "merchant_id" | "id" | "status" | "version" | "fingerprint">,
): Promise<boolean> {
  const values = [b.merchant_id, b.id, expected, b.status, b.version, b.fingerprint];
  return (await tx.query(moveStatement, values)).length === 1;
}

const verifyVersionStatement = tenantStatement(
  "beneficiary.verify_version",
  `update beneficiary_versions set verified_at = $4::timestamptz
   where merchant_id = $1 and beneficiary_id = $2 and version = $3`,
);

/** Says since when a version is verified; null takes it back. */
export async function setVerified(
  tx: Transaction,
  b: Pick<Beneficiary, "merchant_id" | "id" | "version">,
  at: number | null,
): Promise<void> {
  const values = [b.merchant_id, b.id, b.version, at === null ? null : toRfc3339(at)];
  await tx.query(verifyVersionStatement, values);
}

const describeStatement = tenantStatement(
  "beneficiary.describe",
  `update beneficiaries set label = case when $3 then $4 else label end, metadata = coalesce($5::jsonb, metadata)
   where merchant_id = $1 and id = $2`,
);

/** Changes what is only for people: the label, the metadata. Undefined leaves it as it is. */
export async function describeBeneficiary(
  tx: Transaction,
  key: TenantKey,
  { label, metadata }: { label?: string | null | undefined; metadata?: Record<string, string> | undefined },
): Promise<void> {
  const values: SqlValue[] = [key.merchant_id, key.id, label !== undefined, label ?? null];
  await tx.query(describeStatement, [...values, metadata === undefined ? null : JSON.stringify(metadata)]);
}

const insertChangeStatement = tenantStatement(
  "beneficiary.insert_change",
  `insert into beneficiary_changes (merchant_id, beneficiary_id, number, action, version, actor, note, created_at)
   select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7::timestamptz
   from beneficiary_changes where merchant_id = $1 and beneficiary_id = $2`,
);

/** Writes who did what; the beneficiary's lock keeps the numbers in order. */
export async function insertChange(
  tx: Transaction,
  b: Pick<Beneficiary, "merchant_id" | "id" | "version">,
  change: Pick<BeneficiaryChange, "action" | "actor" | "note" | "created_at">,
): Promise<void> {
  const { action, actor, note, created_at } = change;
  await tx.query(insertChangeStatement, [
    ...[b.merchant_id, b.id, action, b.version, actor, note, toRfc3339(created_at)],
  ]);
}

const selectChanges = tenantStatement(
  "beneficiary.select_changes",
  `select number, action, version, actor, note, created_at from beneficiary_changes
   where merchant_id = $1 and beneficiary_id = $2 order by number`,
);

/** What was done to a beneficiary, oldest first. */
export async function loadChanges(sql: Sql, key: TenantKey): Promise<BeneficiaryChange[]> {
  return sql.query<BeneficiaryChange>(selectChanges, [key.merchant_id, key.id]);
}

export interface VersionRow {
  readonly version: number;
  readonly type: BeneficiaryType;
  readonly account_sealed: Buffer;
  readonly account_masked: string;
  readonly name_masked: string | null;
  readonly details: AccountDetails;
  readonly payable_from: number;
  readonly verified_at: number | null;
  readonly created_at: number;
}

const selectVersions = tenantStatement(
  "beneficiary.select_versions",
  `select version, type, account_sealed, account_masked, name_masked, details, payable_from, verified_at, created_at
   from beneficiary_versions where merchant_id = $1 and beneficiary_id = $2 order by version`,
);

/** Every version of a beneficiary's account, oldest first. */
export async function loadVersions(sql: Sql, key: TenantKey): Promise<VersionRow[]> {
  return sql.query<VersionRow>(selectVersions, [key.merchant_id, key.id]);
}

export interface BeneficiaryFilter {
  merchant_id: string;
  livemode: boolean;
  /** Null: all but deleted ones. */
  status: string | null;
  type: string | null;
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `beneficiary.list_${order}`,
    `select ${COLUMNS} from ${JOIN}
     where b.merchant_id = $1 and b.livemode = $2 and b.id > $3 and b.id < $4
       and (b.status = $5 or ($5::text is null and b.status <> 'deleted')) and ($6::text is null or v.type = $6)
     order by b.id ${order} limit $7`,
  ),
);

/** Beneficiaries in the page's order. */
export async function listBeneficiaries(sql: Sql, filter: BeneficiaryFilter): Promise<Beneficiary[]> {
  const { merchant_id, livemode, status, type, page } = filter;
  const [newestFirst, oldestFirst] = listStatements;
  const values = [merchant_id, livemode, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, status, type];
  return sql.query<Beneficiary>(page.order === "desc" ? newestFirst! : oldestFirst!, [...values, page.fetch]);
}
