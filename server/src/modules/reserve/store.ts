/** All SQL on reserves. Parts are changed under the lock of their book. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import type {
  Reserve,
  ReserveDrawn,
  ReserveHistory,
  ReserveKey,
  ReserveKind,
  ReserveRelease,
  ReserveSettings,
} from "./reserve.ts";

export type ReserveId = TenantKey;

const settingsColumns = `merchant_id, id, livemode, currency, effective_from, rolling_rate_ppm, rolling_days, fixed_amount,
  covers_refunds, created_at`;
const columns = `merchant_id, id, livemode, currency, kind, settlement_id, amount, released_amount, drawn_amount, release_at,
  created_at`;

const insertSettingsStatement = tenantStatement(
  "reserve.insert_settings",
  `insert into reserve_settings (${settingsColumns})
   values ($1, $2, $3, $4, $5::timestamptz, $6, $7, $8, $9, $10::timestamptz)`,
);

export async function insertSettings(tx: Transaction, s: ReserveSettings): Promise<void> {
  await tx.query(insertSettingsStatement, [
    ...[s.merchant_id, s.id, s.livemode, s.currency, toRfc3339(s.effective_from), s.rolling_rate_ppm, s.rolling_days],
    ...[s.fixed_amount, s.covers_refunds, toRfc3339(s.created_at)],
  ]);
}

const selectSettings = tenantStatement(
  "reserve.select_settings",
  `select ${settingsColumns} from reserve_settings where merchant_id = $1
   order by livemode, currency, effective_from desc, id desc`,
);

/** A merchant's settings, those that begin last first. */
export async function loadReserveSettings(sql: Sql, merchant_id: string): Promise<ReserveSettings[]> {
  return sql.query<ReserveSettings>(selectSettings, [merchant_id]);
}

/** The columns of keys, for `unnest($1::uuid[], $2::boolean[], $3::text[], …)`. */
function keysOf(keys: readonly ReserveKey[]): string[] {
  return [
    plainArray(keys.map(({ merchant_id }) => merchant_id)),
    plainArray(keys.map(({ livemode }) => livemode)),
    textArray(keys.map(({ currency }) => currency)),
  ];
}

const settingsAtStatement = tenantStatement(
  "reserve.settings_at",
  `select k.place::int, s.*
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::timestamptz[])
     with ordinality as k (merchant_id, livemode, currency, at, place)
   cross join lateral (
     select ${settingsColumns} from reserve_settings r
     where r.merchant_id = k.merchant_id and r.livemode = k.livemode and r.currency = k.currency
       and r.effective_from <= k.at
     order by r.merchant_id desc, r.livemode desc, r.currency desc, r.effective_from desc, r.id desc limit 1
   ) s`,
);

/** The settings in force at an instant, for each key. */
export async function loadSettingsAt(
  sql: Sql,
  keys: readonly (ReserveKey & { readonly at: number })[],
): Promise<(ReserveSettings | undefined)[]> {
  const found: (ReserveSettings | undefined)[] = keys.map(() => undefined);
  if (keys.length === 0) return found;
  const times = timestampArray(keys.map(({ at }) => at));
  const rows = await sql.query<ReserveSettings & { place: number }>(settingsAtStatement, [...keysOf(keys), times]);
  for (const { place, ...settings } of rows) found[place - 1] = settings;
  return found;
}

const nextChangesStatement = tenantStatement(
  "reserve.next_changes",
  `select (
     select min(r.effective_from) from reserve_settings r
     where r.merchant_id = k.merchant_id and r.livemode = k.livemode and r.currency = k.currency
       and r.effective_from > $4::timestamptz
   ) as at
   from unnest($1::uuid[], $2::boolean[], $3::text[]) with ordinality as k (merchant_id, livemode, currency, place)
   order by k.place`,
);

/** When settings change next, for each key; null where nothing is planned. */
export async function loadNextChanges(sql: Sql, keys: readonly ReserveKey[], now: number): Promise<(number | null)[]> {
  if (keys.length === 0) return [];
  const rows = await sql.query<{ at: number | null }>(nextChangesStatement, [...keysOf(keys), toRfc3339(now)]);
  return rows.map(({ at }) => at);
}

const fixedHeldStatement = tenantStatement(
  "reserve.fixed_held",
  `select coalesce((
     select sum(r.amount - r.released_amount - r.drawn_amount) from reserves r
     where r.merchant_id = k.merchant_id and r.livemode = k.livemode and r.currency = k.currency and r.kind = 'fixed'
       and r.released_amount + r.drawn_amount < r.amount
   ), 0)::bigint as held
   from unnest($1::uuid[], $2::boolean[], $3::text[]) with ordinality as k (merchant_id, livemode, currency, place)
   order by k.place`,
);

/** What is held of agreed sums, for each key. */
export async function sumFixedHeld(sql: Sql, keys: readonly ReserveKey[]): Promise<bigint[]> {
  if (keys.length === 0) return [];
  const rows = await sql.query<{ held: bigint }>(fixedHeldStatement, keysOf(keys));
  return rows.map(({ held }) => held);
}

const insertStatement = tenantStatement(
  "reserve.insert",
  `insert into reserves (merchant_id, livemode, currency, id, kind, settlement_id, amount, release_at, created_at, due_at)
   select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[],
     $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])`,
);

/** @param due when a worker looks at each. */
export async function insertReserves(
  tx: Transaction,
  reserves: readonly Reserve[],
  due: readonly (number | null)[],
): Promise<void> {
  await tx.query(insertStatement, [
    ...keysOf(reserves),
    plainArray(reserves.map(({ id }) => id)),
    textArray(reserves.map(({ kind }) => kind)),
    plainArray(reserves.map(({ settlement_id }) => settlement_id)),
    plainArray(reserves.map(({ amount }) => amount)),
    timestampArray(reserves.map(({ release_at }) => release_at)),
    timestampArray(reserves.map(({ created_at }) => created_at)),
    timestampArray(due),
  ]);
}

const wakeStatement = tenantStatement(
  "reserve.wake_fixed",
  `update reserves set due_at = least(due_at, $4::timestamptz)
   where merchant_id = $1 and livemode = $2 and currency = $3 and kind = 'fixed'
     and released_amount + drawn_amount < amount`,
);

/** Has a worker look at what is held of the agreed sum. */
export async function wakeFixedReserves(tx: Transaction, key: ReserveKey, at: number): Promise<void> {
  await tx.query(wakeStatement, [key.merchant_id, key.livemode, key.currency, toRfc3339(at)]);
}

const claimStatement = platformStatement(
  "reserve.claim",
  `update reserves r set due_at = $2::timestamptz
   from (
     select merchant_id, id from reserves where due_at <= $1::timestamptz
     order by due_at limit $3 for update skip locked
   ) due
   where r.merchant_id = due.merchant_id and r.id = due.id returning r.merchant_id, r.id`,
);

/** Claims parts that are due, until the lease runs out. */
export async function claimDueReserves(
  sql: Sql,
  now: number,
  lease_until: number,
  limit: number,
): Promise<ReserveId[]> {
  return sql.query<ReserveId>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const loadStatement = tenantStatement(
  "reserve.load",
  `select ${columns} from reserves
   where (merchant_id, id) in (select * from unnest($1::uuid[], $2::uuid[])) order by merchant_id, id`,
);
const lockStatement = tenantStatement("reserve.lock", `${loadStatement.text} for update`);

/** Parts, in the order of their keys. */
export async function loadReserves(sql: Sql, keys: readonly ReserveId[]): Promise<Reserve[]> {
  return sql.query<Reserve>(loadStatement, keyArrays(keys));
}

/** The same as they are now; their books are locked. */
export async function lockReserves(tx: Transaction, keys: readonly ReserveId[]): Promise<Reserve[]> {
  return tx.query<Reserve>(lockStatement, keyArrays(keys));
}

const lockHeldStatement = tenantStatement(
  "reserve.lock_held",
  `select ${columns} from reserves
   where merchant_id = $1 and livemode = $2 and currency = $3 and kind in ('rolling', 'fixed')
     and released_amount + drawn_amount < amount
   order by release_at nulls last, id for update`,
);

/** What is held, in the order in which refunds draw on it. */
export async function lockHeldReserves(tx: Transaction, key: ReserveKey): Promise<Reserve[]> {
  return tx.query<Reserve>(lockHeldStatement, [key.merchant_id, key.livemode, key.currency]);
}

const insertReleasesStatement = tenantStatement(
  "reserve.insert_releases",
  `insert into reserve_releases (merchant_id, livemode, currency, id, reserve_id, amount, reason, created_at)
   select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[],
     $8::timestamptz[])`,
);

export async function insertReleases(tx: Transaction, releases: readonly ReserveRelease[]): Promise<void> {
  await tx.query(insertReleasesStatement, [
    ...keysOf(releases),
    plainArray(releases.map(({ id }) => id)),
    plainArray(releases.map(({ reserve_id }) => reserve_id)),
    plainArray(releases.map(({ amount }) => amount)),
    textArray(releases.map(({ reason }) => reason)),
    timestampArray(releases.map(({ created_at }) => created_at)),
  ]);
}

const saveReleasesStatement = tenantStatement(
  "reserve.save_releases",
  `update reserves r set released_amount = r.released_amount + u.amount, due_at = u.due_at
   from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[]) as u (merchant_id, id, amount, due_at)
   where r.merchant_id = u.merchant_id and r.id = u.id`,
);

/** Adds what was released to parts that are locked, and says when they are looked at again. */
export async function saveReleases(
  tx: Transaction,
  releases: readonly { readonly reserve: Reserve; readonly amount: bigint; readonly due_at: number | null }[],
): Promise<void> {
  await tx.query(saveReleasesStatement, [
    ...keyArrays(releases.map(({ reserve }) => reserve)),
    plainArray(releases.map(({ amount }) => amount)),
    timestampArray(releases.map(({ due_at }) => due_at)),
  ]);
}

export interface NewDraw {
  readonly merchant_id: string;
  readonly refund_id: string;
  readonly reserve_id: string;
  readonly amount: bigint;
}

const insertDrawsStatement = tenantStatement(
  "reserve.insert_draws",
  `with draw as (
     insert into reserve_draws (merchant_id, refund_id, reserve_id, amount)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
     returning merchant_id, reserve_id, amount
   )
   update reserves r set drawn_amount = r.drawn_amount + draw.amount
   from draw where r.merchant_id = draw.merchant_id and r.id = draw.reserve_id`,
);

/** Writes what a refund draws on parts that are locked. */
export async function insertDraws(tx: Transaction, draws: readonly NewDraw[]): Promise<void> {
  await tx.query(insertDrawsStatement, [
    plainArray(draws.map(({ merchant_id }) => merchant_id)),
    plainArray(draws.map(({ refund_id }) => refund_id)),
    plainArray(draws.map(({ reserve_id }) => reserve_id)),
    plainArray(draws.map(({ amount }) => amount)),
  ]);
}

const returnDrawsStatement = tenantStatement(
  "reserve.return_draws",
  `with returned as (
     update reserve_draws d set returned_at = $3::timestamptz
     where (d.merchant_id, d.refund_id) in (select * from unnest($1::uuid[], $2::uuid[])) and d.returned_at is null
     returning d.merchant_id, d.reserve_id, d.amount
   ), total as (
     select merchant_id, reserve_id, sum(amount)::bigint as amount from returned group by merchant_id, reserve_id
   )
   update reserves r set drawn_amount = r.drawn_amount - total.amount, due_at = coalesce(r.release_at, $3::timestamptz)
   from total where r.merchant_id = total.merchant_id and r.id = total.reserve_id`,
);

/** Gives back what refunds drew, once, and has a worker look whether it is to be released. */
export async function returnDraws(
  tx: Transaction,
  refunds: readonly { readonly merchant_id: string; readonly refund_id: string }[],
  now: number,
): Promise<void> {
  await tx.query(returnDrawsStatement, [
    plainArray(refunds.map(({ merchant_id }) => merchant_id)),
    plainArray(refunds.map(({ refund_id }) => refund_id)),
    toRfc3339(now),
  ]);
}

/** One part of a merchant. */
export async function findReserve(sql: Sql, merchant_id: string, id: string): Promise<Reserve | undefined> {
  return (await loadReserves(sql, [{ merchant_id, id }]))[0];
}

const selectReleases = tenantStatement(
  "reserve.select_releases",
  "select * from reserve_releases where merchant_id = $1 and reserve_id = $2 order by created_at, id",
);
const selectDraws = tenantStatement(
  "reserve.select_draws",
  "select * from reserve_draws where merchant_id = $1 and reserve_id = $2 order by refund_id",
);

/** What became of a part, the oldest first. */
export async function loadHistory(sql: Sql, { merchant_id, id }: ReserveId): Promise<ReserveHistory> {
  const [releases, draws] = await Promise.all([
    sql.query<ReserveRelease>(selectReleases, [merchant_id, id]),
    sql.query<ReserveDrawn>(selectDraws, [merchant_id, id]),
  ]);
  return { releases, draws };
}

export interface ReserveFilter {
  readonly merchant_id: string;
  readonly livemode: boolean;
  /** Null is any, here and below. */
  readonly currency: string | null;
  readonly kind: ReserveKind | null;
  readonly status: "held" | "released" | null;
  readonly page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `reserve.list_${order}`,
    `select ${columns} from reserves
     where merchant_id = $1 and livemode = $2 and ($3::text is null or currency = $3) and ($4::text is null or kind = $4)
       and ($5::boolean is null or (released_amount + drawn_amount < amount) = $5) and id > $6 and id < $7
     order by id ${order} limit $8`,
  ),
);

/** Parts in the page's order. They are few: two for each settlement at most. */
export async function listReserves(sql: Sql, filter: ReserveFilter): Promise<Reserve[]> {
  const { merchant_id, livemode, currency, kind, status, page } = filter;
  const [newestFirst, oldestFirst] = listStatements;
  const values = [merchant_id, livemode, currency, kind, status === null ? null : status === "held"];
  const bounds = [page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<Reserve>(page.order === "desc" ? newestFirst! : oldestFirst!, [...values, ...bounds]);
}
