/** All SQL on the audit trail. It belongs to the platform, whichever merchant an action is about. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { ActionOutcome, OperatorAction } from "./action.ts";

const insertStatement = platformStatement(
  "operator.insert_action",
  `insert into operator_actions (id, user_id, source, operation, target, reason, address, request_id, started_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz)`,
);

export type StartedAction = Omit<OperatorAction, "status" | "code" | "object_id" | "finished_at">;

export async function insertAction(sql: Sql, action: StartedAction): Promise<void> {
  const a = action;
  const at = toRfc3339(a.started_at);
  const values = [a.id, a.user_id, a.source, a.operation, a.target, a.reason, a.address, a.request_id, at];
  await sql.query(insertStatement, values);
}

const finishStatement = platformStatement(
  "operator.finish_action",
  `update operator_actions set status = $2, code = $3, object_id = $4, finished_at = $5::timestamptz
   where id = $1 and status is null`,
);

export async function finishAction(sql: Sql, id: string, outcome: ActionOutcome): Promise<void> {
  const { status, code, object_id, finished_at } = outcome;
  await sql.query(finishStatement, [id, status, code, object_id, toRfc3339(finished_at)]);
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `operator.list_actions_${order}`,
    `select * from operator_actions where ($1::uuid is null or user_id = $1) and ($2::text is null or operation = $2)
       and id > $3 and id < $4 order by id ${order} limit $5`,
  ),
);

export interface ActionFilter {
  readonly user_id: string | null;
  readonly operation: string | null;
}

/** The trail in the page's order. */
export async function listActions(
  sql: Sql,
  { user_id, operation }: ActionFilter,
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<OperatorAction[]> {
  const [newestFirst, oldestFirst] = listStatements;
  const values = [user_id, operation, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<OperatorAction>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}
