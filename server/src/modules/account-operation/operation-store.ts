/** All SQL on operations of accounts. */
import { toRfc3339 } from "../../kit/clock.ts";
import { invariant } from "../../kit/error.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { Operation, Snapshot } from "./operation.ts";

const columns = `merchant_id, id, livemode, currency, type, scope, include_refunds, account, direction, amount, released,
  freeze_id, reversed_number, reason, status, approval_id, number, before, after, created_at, done_at`;

const insertStatement = tenantStatement(
  "account.insert_operation",
  `insert into account_operations (merchant_id, id, livemode, currency, type, scope, include_refunds, account, direction,
     amount, freeze_id, reversed_number, reason, status, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'pending', $14::timestamptz)`,
);

export async function insertOperation(tx: Transaction, operation: Operation): Promise<void> {
  const o = operation;
  await tx.query(insertStatement, [
    ...[o.merchant_id, o.id, o.livemode, o.currency, o.type, o.scope, o.include_refunds, o.account, o.direction],
    ...[o.amount, o.freeze_id, o.reversed_number, o.reason, toRfc3339(o.created_at)],
  ]);
}

const approvalStatement = tenantStatement(
  "account.set_approval",
  "update account_operations set approval_id = $3 where merchant_id = $1 and id = $2",
);

/** Says which approval an operation waits for, or was done by. */
export async function saveApprovalId(
  tx: Transaction,
  { merchant_id, id }: Pick<Operation, "merchant_id" | "id">,
  approval_id: string,
): Promise<void> {
  await tx.query(approvalStatement, [merchant_id, id, approval_id]);
}

// Releases name their freeze by a foreign key, whose check holds the freeze's key: only a lock that leaves keys alone lets
// two of them be asked for at the same moment without a deadlock.
const lockStatement = tenantStatement(
  "account.lock_operation",
  `select ${columns} from account_operations where merchant_id = $1 and id = $2 for no key update`,
);

/** The operation, held until the transaction ends. */
export async function lockOperation(tx: Transaction, merchant_id: string, id: string): Promise<Operation | undefined> {
  return (await tx.query<Operation>(lockStatement, [merchant_id, id]))[0];
}

const finishStatement = tenantStatement(
  "account.finish_operation",
  `update account_operations set status = $3, number = $4, before = $5::jsonb, after = $6::jsonb, done_at = $7::timestamptz
   where merchant_id = $1 and id = $2 and status = 'pending' returning id`,
);

export interface OperationEnd {
  readonly status: "done" | "declined";
  readonly number: bigint | null;
  readonly before: Snapshot | null;
  readonly after: Snapshot | null;
  readonly done_at: number | null;
}

/** Ends a pending operation that the caller has locked. */
export async function finishOperation(tx: Transaction, operation: Operation, end: OperationEnd): Promise<void> {
  const { status, number, before, after, done_at } = end;
  const json = (value: Snapshot | null) => (value === null ? null : JSON.stringify(value));
  const values = [status, number, json(before), json(after), done_at === null ? null : toRfc3339(done_at)];
  const moved = await tx.query(finishStatement, [operation.merchant_id, operation.id, ...values]);
  invariant(moved.length === 1, "a pending operation was locked");
}

const releaseStatement = tenantStatement(
  "account.add_release",
  "update account_operations set released = released + $3 where merchant_id = $1 and id = $2",
);

/** Counts what was released of a frozen amount, which the caller has locked. */
export async function addRelease(tx: Transaction, freeze: Operation, amount: bigint): Promise<void> {
  await tx.query(releaseStatement, [freeze.merchant_id, freeze.id, amount]);
}

// An operator has the id alone; there are few operations.
const selectStatement = platformStatement(
  "account.select_operation",
  `select ${columns} from account_operations where id = $1`,
);

/** Undefined when there is no such operation. */
export async function loadOperation(sql: Sql, id: string): Promise<Operation | undefined> {
  return (await sql.query<Operation>(selectStatement, [id]))[0];
}

export interface OperationFilter {
  readonly merchant_id: string | null;
  readonly livemode: boolean | null;
  readonly currency: string | null;
  readonly type: string | null;
  readonly status: string | null;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `account.list_operations_${order}`,
    `select ${columns} from account_operations
     where ($1::uuid is null or merchant_id = $1) and ($2::boolean is null or livemode = $2)
       and ($3::text is null or currency = $3) and ($4::text is null or type = $4)
       and ($5::text is null or status = $5) and id > $6 and id < $7
     order by id ${order} limit $8`,
  ),
);

/** Operations in the page's order: the history of an account, or of all. */
export async function listOperations(
  sql: Sql,
  filter: OperationFilter,
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<Operation[]> {
  const [newestFirst, oldestFirst] = listStatements;
  return sql.query<Operation>(page.order === "desc" ? newestFirst! : oldestFirst!, [
    ...[filter.merchant_id, filter.livemode, filter.currency, filter.type, filter.status],
    ...[page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch],
  ]);
}
