/** All SQL on approvals and their policies. They are the platform's own register and cross merchants on purpose. */
import { toRfc3339 } from "../../kit/clock.ts";
import { invariant } from "../../kit/error.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { Approval, ApprovalPolicy, ApprovalStatus, Maker } from "./approval.ts";

const columns = `id, kind, merchant_id, livemode, subject_id, payload, amount, currency, reason, maker_type, maker_id,
  status, checker_id, comment, created_at, expires_at, decided_at, carried_out_at, problem`;

type Row = Omit<Approval, "maker"> & { readonly maker_type: Maker["type"]; readonly maker_id: string | null };

function read({ maker_type, maker_id, ...row }: Row): Approval {
  return { ...row, maker: { type: maker_type, id: maker_id } as Maker };
}

const insertStatement = platformStatement(
  "approval.insert",
  `insert into approvals (${columns}, due_at)
   values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11, $12, $13, $14, $15::timestamptz, $16::timestamptz,
     $17::timestamptz, $18::timestamptz, $19, $20::timestamptz)`,
);

const timestampOrNull = (at: number | null) => (at === null ? null : toRfc3339(at));

/** @param due_at when a worker looks: at its expiry, or to carry it out. */
export async function insertApproval(tx: Transaction, approval: Approval, due_at: number | null): Promise<void> {
  const a = approval;
  await tx.query(insertStatement, [
    ...[a.id, a.kind, a.merchant_id, a.livemode, a.subject_id, JSON.stringify(a.payload), a.amount, a.currency],
    ...[a.reason, a.maker.type, a.maker.id, a.status, a.checker_id, a.comment],
    ...[toRfc3339(a.created_at), toRfc3339(a.expires_at), timestampOrNull(a.decided_at)],
    ...[timestampOrNull(a.carried_out_at), a.problem, timestampOrNull(due_at)],
  ]);
}

const selectStatement = platformStatement("approval.select", `select ${columns} from approvals where id = $1`);

/** Undefined when there is no such approval. */
export async function loadApproval(sql: Sql, id: string): Promise<Approval | undefined> {
  const [row] = await sql.query<Row>(selectStatement, [id]);
  return row && read(row);
}

const selectManyStatement = platformStatement(
  "approval.select_many",
  `select ${columns} from approvals where id = any ($1::uuid[])`,
);

/** Approvals by their ids, in no order. */
export async function loadApprovals(sql: Sql, ids: readonly string[]): Promise<Approval[]> {
  if (ids.length === 0) return [];
  return (await sql.query<Row>(selectManyStatement, [plainArray(ids)])).map(read);
}

const lockStatement = platformStatement("approval.lock", `select ${columns} from approvals where id = $1 for update`);

/** The approval, held until the transaction ends. */
export async function lockApproval(tx: Transaction, id: string): Promise<Approval | undefined> {
  const [row] = await tx.query<Row>(lockStatement, [id]);
  return row && read(row);
}

const moveStatement = platformStatement(
  "approval.move",
  `update approvals set status = $2, checker_id = $3, comment = $4, decided_at = $5::timestamptz,
     carried_out_at = $6::timestamptz, due_at = $7::timestamptz
   where id = $1 and status = 'pending' returning id`,
);

/** Ends a pending approval that the caller has locked. */
export async function moveApproval(
  tx: Transaction,
  id: string,
  end: Pick<Approval, "status" | "checker_id" | "comment" | "carried_out_at"> & { readonly decided_at: number },
  due_at: number | null,
): Promise<void> {
  const { status, checker_id, comment, decided_at, carried_out_at } = end;
  const times = [toRfc3339(decided_at), timestampOrNull(carried_out_at), timestampOrNull(due_at)];
  const moved = await tx.query(moveStatement, [id, status, checker_id, comment, ...times]);
  invariant(moved.length === 1, "a pending approval was locked");
}

const claimStatement = platformStatement(
  "approval.claim",
  `update approvals a set due_at = $2::timestamptz
   from (select id from approvals where due_at <= $1::timestamptz order by due_at limit $3 for update skip locked) due
   where a.id = due.id returning a.id`,
);

/** Claims pending approvals whose time is over, and approved ones that are not carried out yet, until the lease runs out. */
export async function claimDue(sql: Sql, now: number, lease_until: number, limit: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
  return rows.map(({ id }) => id);
}

const carriedOutStatement = platformStatement(
  "approval.carried_out",
  `update approvals set carried_out_at = $2::timestamptz, problem = $3, due_at = null
   where id = $1 and status = 'approved' and carried_out_at is null and problem is null`,
);

/** Writes what came of it, once. */
export async function finishCarryingOut(
  sql: Sql,
  id: string,
  { carried_out_at, problem }: Pick<Approval, "carried_out_at" | "problem">,
): Promise<void> {
  await sql.query(carriedOutStatement, [id, timestampOrNull(carried_out_at), problem]);
}

export interface ApprovalFilter {
  readonly status: ApprovalStatus | null;
  readonly kind: string | null;
  readonly merchant_id: string | null;
  readonly subject_id?: string | null;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `approval.list_${order}`,
    `select ${columns} from approvals
     where ($1::text is null or status = $1) and ($2::text is null or kind = $2)
       and ($3::uuid is null or merchant_id = $3) and ($4::uuid is null or subject_id = $4) and id > $5 and id < $6
     order by id ${order} limit $7`,
  ),
);

/** Approvals in the page's order. */
export async function listApprovals(
  sql: Sql,
  filter: ApprovalFilter,
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<Approval[]> {
  const [newestFirst, oldestFirst] = listStatements;
  const rows = await sql.query<Row>(page.order === "desc" ? newestFirst! : oldestFirst!, [
    ...[filter.status, filter.kind, filter.merchant_id, filter.subject_id ?? null],
    ...[page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch],
  ]);
  return rows.map(read);
}

const policiesStatement = platformStatement(
  "approval.policies",
  "select * from approval_policies where $1::text is null or kind = $1 order by kind, currency",
);

/** The policies of a kind, or (null) of all. */
export function loadPolicies(sql: Sql, kind: string | null): Promise<ApprovalPolicy[]> {
  return sql.query<ApprovalPolicy>(policiesStatement, [kind]);
}

const savePolicyStatement = platformStatement(
  "approval.save_policy",
  `insert into approval_policies (kind, currency, above, updated_at) values ($1, $2, $3, $4::timestamptz)
   on conflict (kind, currency) do update set above = excluded.above, updated_at = excluded.updated_at`,
);

export async function savePolicy(sql: Sql, { kind, currency, above, updated_at }: ApprovalPolicy): Promise<void> {
  await sql.query(savePolicyStatement, [kind, currency, above, toRfc3339(updated_at)]);
}

const deletePolicyStatement = platformStatement(
  "approval.delete_policy",
  "delete from approval_policies where kind = $1 and currency = $2",
);

export async function deletePolicy(sql: Sql, kind: string, currency: string): Promise<void> {
  await sql.query(deletePolicyStatement, [kind, currency]);
}
