/** All SQL on settlements of commission. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { CommissionKey, CommissionLine, CommissionPart, CommissionSettlement } from "./settlement.ts";

const columns = `merchant_id, id, livemode, currency, month, ends_at, status, members, total, brought_forward,
  carried_forward, amount, created_at, settled_at`;

const insertStatement = tenantStatement(
  "commission_settlement.insert",
  `insert into commission_settlements (merchant_id, id, livemode, currency, month, ends_at, status, members, created_at,
     due_at)
   values ($1, $2, $3, $4, $5, $6::timestamptz, 'collecting', $7::uuid[], $8::timestamptz, $8::timestamptz)
   on conflict (merchant_id, livemode, currency, month) do nothing`,
);

export type NewSettlement = CommissionKey &
  Pick<CommissionSettlement, "id" | "month" | "ends_at" | "members" | "created_at">;

/** Begins a settlement; one that was begun already stays. */
export async function insertSettlement(tx: Transaction, s: NewSettlement): Promise<void> {
  const values = [s.merchant_id, s.id, s.livemode, s.currency, s.month, toRfc3339(s.ends_at), plainArray(s.members)];
  await tx.query(insertStatement, [...values, toRfc3339(s.created_at)]);
}

const claimStatement = platformStatement(
  "commission_settlement.claim",
  `update commission_settlements s set due_at = $2::timestamptz
   from (
     select merchant_id, id from commission_settlements where due_at <= $1::timestamptz
     order by due_at, month limit $3 for update skip locked
   ) due
   where s.merchant_id = due.merchant_id and s.id = due.id returning s.merchant_id, s.id`,
);

type Key = Pick<CommissionSettlement, "merchant_id" | "id">;

/** Claims settlements that are not finished, until the lease runs out. */
export async function claimDueSettlements(sql: Sql, now: number, lease_until: number, limit: number): Promise<Key[]> {
  return sql.query<Key>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const selectStatement = tenantStatement(
  "commission_settlement.select",
  `select ${columns} from commission_settlements where merchant_id = $1 and id = $2`,
);

export async function loadSettlement(sql: Sql, { merchant_id, id }: Key): Promise<CommissionSettlement | undefined> {
  return (await sql.query<CommissionSettlement>(selectStatement, [merchant_id, id]))[0];
}

const lockStatement = tenantStatement(
  "commission_settlement.lock",
  `select ${columns} from commission_settlements where merchant_id = $1 and id = $2 for update`,
);

export async function lockSettlement(tx: Transaction, { merchant_id, id }: Key): Promise<CommissionSettlement> {
  return (await tx.query<CommissionSettlement>(lockStatement, [merchant_id, id]))[0]!;
}

const selectOpen = tenantStatement(
  "commission_settlement.select_open",
  `select ${columns} from commission_settlements
   where merchant_id = $1 and livemode = $2 and currency = $3 and month < $4 and status = 'collecting' order by month`,
);

/** Earlier months of the same agent, mode and currency that are not finished, oldest first. */
export async function loadEarlierOpen(sql: Sql, s: CommissionSettlement): Promise<CommissionSettlement[]> {
  return sql.query<CommissionSettlement>(selectOpen, [s.merchant_id, s.livemode, s.currency, s.month]);
}

const finishStatement = tenantStatement(
  "commission_settlement.finish",
  `update commission_settlements set status = 'settled', total = $3, brought_forward = $4, carried_forward = $5,
     amount = $6, settled_at = $7::timestamptz, due_at = null
   where merchant_id = $1 and id = $2 and status = 'collecting' returning id`,
);

type Figures = Pick<CommissionSettlement, "total" | "brought_forward" | "carried_forward" | "amount">;

/** The guarded move of a settlement; false when somebody else made it. */
export async function finishSettlement(tx: Transaction, key: Key, figures: Figures, now: number): Promise<boolean> {
  const { total, brought_forward, carried_forward, amount } = figures;
  const values = [key.merchant_id, key.id, total, brought_forward, carried_forward, amount, toRfc3339(now)];
  return (await tx.query(finishStatement, values)).length === 1;
}

export interface SettlementFilter {
  /** The agent. */
  readonly merchant_id: string;
  readonly livemode: boolean;
  /** Null is every month. */
  readonly month: string | null;
  readonly page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `commission_settlement.list_${order}`,
    `select ${columns} from commission_settlements
     where merchant_id = $1 and livemode = $2 and ($3::text is null or month = $3) and id > $4 and id < $5
     order by id ${order} limit $6`,
  ),
);

/** An agent's settlements in the page's order: one a month and currency. */
export async function listSettlements(sql: Sql, filter: SettlementFilter): Promise<CommissionSettlement[]> {
  const { merchant_id, livemode, month, page } = filter;
  const values = [merchant_id, livemode, month, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<CommissionSettlement>(listStatements[page.order === "desc" ? 0 : 1]!, values);
}

const selectLastPart = tenantStatement(
  "commission_part.select_last",
  `select * from commission_parts where merchant_id = $1 and agent_id = $2 and livemode = $3 and currency = $4
   order by merchant_id desc, agent_id desc, livemode desc, currency desc, ends_at desc limit 1`,
);

/** The latest part of an agent from a merchant: the next begins where it ends. */
export async function loadLastPart(
  sql: Sql,
  {
    merchant_id,
    agent_id,
    livemode,
    currency,
  }: Pick<CommissionPart, "merchant_id" | "agent_id" | "livemode" | "currency">,
): Promise<CommissionPart | undefined> {
  return (await sql.query<CommissionPart>(selectLastPart, [merchant_id, agent_id, livemode, currency]))[0];
}

const insertPartStatement = tenantStatement(
  "commission_part.insert",
  `insert into commission_parts (merchant_id, id, agent_id, settlement_id, livemode, currency, ends_at, first_number,
     last_number, amount, created_at)
   values ($1, $2, $3, $4, $5, $6, $7::timestamptz, $8, $9, $10, $11::timestamptz)
   on conflict do nothing returning id`,
);

/** False when the merchant's part is there already. */
export async function insertPart(tx: Transaction, p: CommissionPart): Promise<boolean> {
  const values = [p.merchant_id, p.id, p.agent_id, p.settlement_id, p.livemode, p.currency, toRfc3339(p.ends_at)];
  const more = [p.first_number, p.last_number, p.amount, toRfc3339(p.created_at)];
  return (await tx.query(insertPartStatement, [...values, ...more])).length === 1;
}

const insertLinesStatement = tenantStatement(
  "commission_line.insert",
  `insert into commission_lines (merchant_id, part_id, method, payment_count, payment_amount, earned, refund_count,
     refund_amount, returned)
   select $1::uuid, $2::uuid, * from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
     $9::bigint[])`,
);

export async function insertLines(
  tx: Transaction,
  { merchant_id, id }: Pick<CommissionPart, "merchant_id" | "id">,
  lines: readonly CommissionLine[],
): Promise<void> {
  if (lines.length === 0) return;
  const column = (pick: (line: CommissionLine) => bigint) => plainArray(lines.map(pick));
  await tx.query(insertLinesStatement, [
    ...[merchant_id, id, textArray(lines.map((line) => line.method))],
    ...[column((l) => l.payment_count), column((l) => l.payment_amount), column((l) => l.earned)],
    ...[column((l) => l.refund_count), column((l) => l.refund_amount), column((l) => l.returned)],
  ]);
}

const sumStatement = platformStatement(
  "commission_part.sum",
  `select count(*) as count, coalesce(sum(amount), 0)::bigint as total, coalesce(array_agg(merchant_id), '{}') as merchants
   from commission_parts where settlement_id = $1`,
);

/** What merchants' books have given to a settlement so far, and which have. */
export async function sumParts(
  sql: Sql,
  settlement_id: string,
): Promise<{ count: bigint; total: bigint; merchants: string[] }> {
  return (await sql.query<{ count: bigint; total: bigint; merchants: string[] }>(sumStatement, [settlement_id]))[0]!;
}

/** One line of a month's statement. */
export interface StatementLine extends CommissionLine {
  readonly merchant_id: string;
}

const linesStatement = platformStatement(
  "commission_line.list",
  `select p.merchant_id, l.method, l.payment_count, l.payment_amount, l.earned, l.refund_count, l.refund_amount, l.returned
   from commission_parts p join commission_lines l on l.merchant_id = p.merchant_id and l.part_id = p.id
   where p.settlement_id = $1 and (p.merchant_id, l.method) > ($2::uuid, $3::text)
   order by p.merchant_id, l.method limit $4`,
);

/** Lines of a settlement by merchant and method, after a place. */
export async function listLines(
  sql: Sql,
  settlement_id: string,
  after: { merchant_id: string; method: string } | undefined,
  limit: number,
): Promise<StatementLine[]> {
  const values = [settlement_id, after?.merchant_id ?? UUID_MIN, after?.method ?? "", limit];
  return sql.query<StatementLine>(linesStatement, values);
}

/** What an agent has earned from a merchant in all settled months. */
export interface EarnedSum {
  merchant_id: string;
  currency: string;
  payment_count: bigint;
  payment_amount: bigint;
  refund_amount: bigint;
  commission: bigint;
}

const earnedStatement = tenantStatement(
  "commission_line.sum_of_merchants",
  `select p.merchant_id, p.currency, sum(l.payment_count)::bigint as payment_count,
     sum(l.payment_amount)::bigint as payment_amount, sum(l.refund_amount)::bigint as refund_amount,
     sum(l.earned + l.returned)::bigint as commission
   from commission_parts p join commission_lines l on l.merchant_id = p.merchant_id and l.part_id = p.id
   where p.merchant_id = any ($1::uuid[]) and p.agent_id = $2 and p.livemode = $3
     and ($4::timestamptz is null or p.ends_at = $4::timestamptz)
   group by p.merchant_id, p.currency order by p.merchant_id, p.currency`,
);

/** By merchant and currency; of the month that ends at an instant, where one is given. */
export async function sumEarned(
  sql: Sql,
  merchant_ids: readonly string[],
  of: { agent_id: string; livemode: boolean; ends_at: number | null },
): Promise<EarnedSum[]> {
  const ends_at = of.ends_at === null ? null : toRfc3339(of.ends_at);
  return sql.query<EarnedSum>(earnedStatement, [plainArray(merchant_ids), of.agent_id, of.livemode, ends_at]);
}
