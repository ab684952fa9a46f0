import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId, publicId } from "../../../../kit/id.ts";
import { loadUsers, type User } from "../../../user/index.ts";
import type { OperatorAction } from "../../action.ts";
import type { OperatorServices } from "../../services.ts";
import { listActions } from "../../store.ts";

const PATH = "/operator/v1/actions";
const NullableString = Type.Union([Type.String(), Type.Null()]);

const ActionObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("operator_action"),
  operator: Type.Object({ id: Type.String(), email: NullableString, name: NullableString }),
  source: Type.Unsafe<"api" | "cli">({ type: "string", enum: ["api", "cli"] }),
  operation: Type.String({ description: "What was done." }),
  target: Type.String({ description: "Method and path, or the command's arguments." }),
  reason: NullableString,
  address: NullableString,
  request_id: NullableString,
  status: Type.Union([Type.Integer(), Type.Null()], {
    description: "HTTP status of the answer; null while it is under way, and where it was cut off.",
  }),
  code: Type.Union([Type.String(), Type.Null()], { description: "Why it was refused." }),
  object_id: Type.Union([Type.String(), Type.Null()], { description: "What it made or changed." }),
  started_at: Type.String({ format: "date-time" }),
  finished_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
});

const Query = Type.Object({
  ...pageProperties,
  operator: Type.Optional(Type.String({ maxLength: 64, description: "Only this operator's, by id." })),
  operation: Type.Optional(Type.String({ maxLength: 100, description: "Only this operation." })),
});

/** `GET /operator/v1/actions`: the audit trail, newest first. */
export function registerListActions(api: ApiServer, { db }: Pick<OperatorServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listOperatorActions",
        tags: ["Operator: audit trail"],
        summary: "List what operators did",
        description: "Every change that an operator made or tried, by API or command line, with its outcome.",
        querystring: Query,
        response: { 200: ListOf(ActionObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "operator_action");
      const user_id = query.operator === undefined ? null : parsePublicId("user", query.operator);
      if (user_id === undefined) return toList([], false, PATH);
      const found = await listActions(db, { user_id, operation: query.operation ?? null }, page);
      const { rows, has_more } = cutPage(page, found);
      const users = await loadUsers(
        db,
        rows.map((row) => row.user_id),
      );
      return toList(
        rows.map((row) => presentAction(row, users.get(row.user_id))),
        has_more,
        PATH,
      );
    },
  );
}

function presentAction(action: OperatorAction, user: User | undefined) {
  const { id, user_id, started_at, finished_at, ...rest } = action;
  const { source, operation, target, reason, address, request_id, status, code, object_id } = rest;
  return {
    id: publicId("operator_action", id),
    object: "operator_action" as const,
    operator: { id: publicId("user", user_id), email: user?.email ?? null, name: user?.name ?? null },
    ...{ source, operation, target, reason, address, request_id, status, code, object_id },
    started_at: toRfc3339(started_at),
    finished_at: finished_at === null ? null : toRfc3339(finished_at),
  };
}
