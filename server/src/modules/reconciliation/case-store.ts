/** SQL on cases and their comments. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { CaseAction, CaseComment, CaseState, ReconciliationCase } from "./case.ts";
import { differenceColumns } from "./difference-store.ts";
import type { DayKey, Difference, DifferenceType } from "./reconciliation.ts";

const columns = `id, channel_account_id, day::text as day, type, currency, at_risk, differences, state, owner_id, action,
  approval_id, opened_at, resolved_at, outcome, reopened`;

const withoutCaseStatement = platformStatement(
  "reconciliation.count_without_case",
  `select type, currency, count(*) as count, sum(at_risk)::text as at_risk from reconciliation_differences
   where channel_account_id = $1 and day = $2::date and state = 'open' and case_id is null
   group by 1, 2 order by 1, 2`,
);

export interface WithoutCase {
  readonly type: DifferenceType;
  readonly currency: string;
  readonly count: bigint;
  readonly at_risk: string;
}

/** Open differences of a day for which there is no case yet. */
export function countWithoutCase(sql: Sql, { channel_account_id, day }: DayKey): Promise<WithoutCase[]> {
  return sql.query<WithoutCase>(withoutCaseStatement, [channel_account_id, day]);
}

const daysWithoutCaseStatement = platformStatement(
  "reconciliation.days_without_case",
  `select distinct day::text as day from reconciliation_differences
   where channel_account_id = $1 and state = 'open' and case_id is null order by 1`,
);

/** Days of an account with open differences for which there is no case yet. */
export async function listDaysWithoutCase(sql: Sql, channel_account_id: string): Promise<string[]> {
  return (await sql.query<{ day: string }>(daysWithoutCaseStatement, [channel_account_id])).map(({ day }) => day);
}

const selectWithoutCase = platformStatement(
  "reconciliation.select_without_case",
  `select id, at_risk from reconciliation_differences
   where channel_account_id = $1 and day = $2::date and type = $3 and currency = $4 and state = 'open' and case_id is null
   order by id`,
);

export function listWithoutCase(
  sql: Sql,
  { channel_account_id, day }: DayKey,
  { type, currency }: WithoutCase,
): Promise<{ id: string; at_risk: bigint }[]> {
  return sql.query(selectWithoutCase, [channel_account_id, day, type, currency]);
}

const insertStatement = platformStatement(
  "reconciliation.insert_case",
  `insert into reconciliation_cases (id, channel_account_id, day, type, currency, at_risk, differences, state, opened_at)
   values ($1, $2, $3::date, $4, $5, $6, $7, 'open', $8::timestamptz)`,
);

export async function insertCase(tx: Transaction, c: ReconciliationCase): Promise<void> {
  await tx.query(insertStatement, [
    ...[c.id, c.channel_account_id, c.day, c.type, c.currency, c.at_risk, c.differences, toRfc3339(c.opened_at)],
  ]);
}

const attachStatement = platformStatement(
  "reconciliation.attach_to_case",
  `update reconciliation_differences set case_id = $5
   where channel_account_id = $1 and day = $2::date and type = $3 and currency = $4 and state = 'open' and case_id is null
     and ($6::uuid is null or id = $6)`,
);

/** Puts one open difference, or all of a type, into a case. */
export async function attachDifferences(
  tx: Transaction,
  { channel_account_id, day, type, currency, id }: ReconciliationCase,
  difference_id: string | null,
): Promise<void> {
  await tx.query(attachStatement, [channel_account_id, day, type, currency, id, difference_id]);
}

const selectStatement = platformStatement(
  "reconciliation.select_case",
  `select ${columns} from reconciliation_cases where id = $1`,
);
const lockStatement = platformStatement(
  "reconciliation.lock_case",
  `select ${columns} from reconciliation_cases where id = $1 for update`,
);

export async function loadCase(sql: Sql, id: string): Promise<ReconciliationCase | undefined> {
  return (await sql.query<ReconciliationCase>(selectStatement, [id]))[0];
}

export async function lockCase(tx: Transaction, id: string): Promise<ReconciliationCase | undefined> {
  return (await tx.query<ReconciliationCase>(lockStatement, [id]))[0];
}

const moveStatement = platformStatement(
  "reconciliation.move_case",
  `update reconciliation_cases set state = $3, action = $4, approval_id = $5, outcome = $6, resolved_at = $7::timestamptz,
     reopened = reopened + $8::int
   where id = $1 and state = $2 returning id`,
);

export interface CaseMove {
  readonly to: CaseState;
  readonly action: CaseAction | null;
  readonly approval_id: string | null;
  readonly outcome?: "decided" | "gone";
  readonly resolved_at?: number;
  readonly reopens?: boolean;
}

/** The guarded move of a case; false when it was in another state. */
export async function moveCase(tx: Transaction, from: ReconciliationCase, move: CaseMove): Promise<boolean> {
  const resolved_at = move.resolved_at === undefined ? null : toRfc3339(move.resolved_at);
  const values = [from.id, from.state, move.to, move.action, move.approval_id, move.outcome ?? null, resolved_at];
  return (await tx.query(moveStatement, [...values, move.reopens ? 1 : 0])).length === 1;
}

const assignStatement = platformStatement(
  "reconciliation.assign_case",
  "update reconciliation_cases set owner_id = $2 where id = $1",
);

export async function saveCaseOwner(sql: Sql, id: string, owner_id: string | null): Promise<void> {
  await sql.query(assignStatement, [id, owner_id]);
}

const goneStatement = platformStatement(
  "reconciliation.list_gone_cases",
  `select ${columns} from reconciliation_cases c
   where c.channel_account_id = $1 and c.state <> 'resolved' and not exists (
     select from reconciliation_differences d where d.case_id = c.id and d.state <> 'resolved')
   order by c.id for update`,
);

/** Cases whose differences are none any more, locked. */
export function lockGoneCases(tx: Transaction, channel_account_id: string): Promise<ReconciliationCase[]> {
  return tx.query<ReconciliationCase>(goneStatement, [channel_account_id]);
}

const listStatement = platformStatement(
  "reconciliation.list_cases",
  `select ${columns} from reconciliation_cases
   where ($1::uuid is null or channel_account_id = $1) and ($2::date is null or day = $2::date)
     and ($3::boolean or state <> 'resolved')
   order by opened_at, id limit $4`,
);

/** Cases, the oldest first; only those that are not resolved unless `all`. */
export function listCases(
  sql: Sql,
  {
    channel_account_id,
    day,
    all,
    limit,
  }: { channel_account_id: string | null; day: string | null; all: boolean; limit: number },
): Promise<ReconciliationCase[]> {
  return sql.query<ReconciliationCase>(listStatement, [channel_account_id, day, all, limit]);
}

const pageStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `reconciliation.page_cases_${order}`,
    `select ${columns} from reconciliation_cases
     where ($1::uuid is null or channel_account_id = $1) and ($2::text is null or state = $2) and id > $3 and id < $4
     order by id ${order} limit $5`,
  ),
);

/** A page of cases; of every account where none is named. */
export function pageCases(
  sql: Sql,
  { channel_account_id, state }: { channel_account_id: string | null; state: string | null },
  page: Page,
): Promise<ReconciliationCase[]> {
  const [newestFirst, oldestFirst] = pageStatements;
  const values = [channel_account_id, state, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<ReconciliationCase>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}

const differencesStatement = platformStatement(
  "reconciliation.list_case_differences",
  `select ${differenceColumns} from reconciliation_differences where case_id = $1 order by id limit $2`,
);

export function listCaseDifferences(sql: Sql, case_id: string, limit: number): Promise<Difference[]> {
  return sql.query<Difference>(differencesStatement, [case_id, limit]);
}

const decideStatement = platformStatement(
  "reconciliation.decide_differences",
  `update reconciliation_differences set state = 'resolved', resolution = 'decided', resolved_at = $2::timestamptz, suspended = 0
   where case_id = $1 and state <> 'resolved'`,
);
const reopenStatement = platformStatement(
  "reconciliation.reopen_differences",
  `update reconciliation_differences set state = 'open', resolution = null, resolved_at = null
   where case_id = $1 and resolution = 'decided'`,
);

/** The differences of a case are decided: nothing of them is in suspense any more. */
export async function resolveDifferences(tx: Transaction, case_id: string, now: number): Promise<void> {
  await tx.query(decideStatement, [case_id, toRfc3339(now)]);
}

export async function reopenDifferences(tx: Transaction, case_id: string): Promise<void> {
  await tx.query(reopenStatement, [case_id]);
}

const overtakenStatement = platformStatement(
  "reconciliation.lock_overtaken",
  `select d.id, d.merchant_id, d.day::text as day, d.livemode from reconciliation_differences d
   join reconciliation_cases c on c.id = d.case_id and c.outcome = 'decided'
   where d.channel_account_id = $1 and d.resolution is distinct from 'decided' order by d.id limit $2 for update of d`,
);

export type Overtaken = Pick<Difference, "id" | "merchant_id" | "day" | "livemode">;

/** Differences that are not any more what was decided of them, locked. */
export function lockOvertaken(tx: Transaction, channel_account_id: string, limit: number): Promise<Overtaken[]> {
  return tx.query<Overtaken>(overtakenStatement, [channel_account_id, limit]);
}

const detachStatement = platformStatement(
  "reconciliation.detach_from_case",
  "update reconciliation_differences set case_id = null, suspended = 0 where id = any ($1::uuid[])",
);

/** Takes differences out of their cases; nothing of them is in suspense. */
export async function detachDifferences(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.query(detachStatement, [plainArray(ids)]);
}

const setMerchantStatement = platformStatement(
  "reconciliation.set_merchant",
  "update reconciliation_differences set merchant_id = $2 where case_id = $1 and merchant_id is null",
);

/** Says whose money it is that no merchant's book has. */
export async function saveMerchantOfCase(tx: Transaction, case_id: string, merchant_id: string): Promise<void> {
  await tx.query(setMerchantStatement, [case_id, merchant_id]);
}

const insertCommentStatement = platformStatement(
  "reconciliation.insert_comment",
  `insert into reconciliation_case_comments (case_id, id, author, text, attachment_name, attachment_key, created_at)
   values ($1, $2, $3, $4, $5, $6, $7::timestamptz)`,
);

export async function insertComment(sql: Sql, comment: CaseComment): Promise<void> {
  const { case_id, id, author, text, attachment_name, attachment_key, created_at } = comment;
  const values = [case_id, id, author, text, attachment_name, attachment_key, toRfc3339(created_at)];
  await sql.query(insertCommentStatement, values);
}

const listCommentsStatement = platformStatement(
  "reconciliation.list_comments",
  "select * from reconciliation_case_comments where case_id = $1 order by id limit $2",
);

/** What people have said to a case, the oldest first. */
export function listComments(sql: Sql, case_id: string, limit: number): Promise<CaseComment[]> {
  return sql.query<CaseComment>(listCommentsStatement, [case_id, limit]);
}
