import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { type RunState, readRuns, runStates } from "../../read-runs.ts";
import type { SettlementServices } from "../../services.ts";
import { runOutcomes } from "../../settlement.ts";

const Count = (description: string) => Type.Integer({ description });

const RunObject = Type.Object({
  merchant: Type.String(),
  livemode: Type.Boolean(),
  currency: Type.String(),
  cycle: Type.String(),
  day: Type.String({ description: "The day of the run, by the merchant's calendar." }),
  run_at: Type.String({ format: "date-time" }),
  state: Type.Unsafe<RunState>({ type: "string", enum: [...runStates] }),
  overdue_s: Type.Integer({ description: "Seconds since its time." }),
});

const RunsObject = Type.Object({
  object: Type.Literal("settlement_runs"),
  at: Type.String({ format: "date-time" }),
  planned: Count("Runs whose time is to come."),
  on_request: Count("Settings without runs of their own."),
  due: Count("Runs whose time has come."),
  late: Count("Runs that are not done a quarter of an hour after their time."),
  waits_for_review: Count("Runs behind a settlement that waits for a person."),
  done_in_24_hours: Type.Record(Type.String({ enum: [...runOutcomes] }), Type.Integer(), {
    description: "What the latest runs came to.",
  }),
  open: Type.Array(RunObject),
});

const OPEN_SHOWN_MAX = 1_000;

const Query = Type.Object({
  merchant: Type.Optional(Type.String({ maxLength: 64, description: "Only this merchant's, by id." })),
  limit: Type.Optional(Type.Integer({ minimum: 0, maximum: OPEN_SHOWN_MAX, default: 100 })),
});

/** `GET /operator/v1/settlement_runs`: how far settling is. */
export function registerReadRuns(api: ApiServer, services: Pick<SettlementServices, "db" | "clock">): void {
  api.get(
    "/operator/v1/settlement_runs",
    {
      schema: {
        operationId: "readSettlementRuns",
        tags: ["Operator: settlements"],
        summary: "See how far settling is",
        description: "What is due, late or waits for a person, and what the runs of the last day came to.",
        querystring: Query,
        response: { 200: RunsObject },
      },
    },
    async ({ query }) => {
      const { merchant, limit = 100 } = query;
      const merchant_id = merchant === undefined ? null : (parsePublicId("merchant", merchant) ?? NOBODY);
      return readRuns(services, { merchant_id, limit });
    },
  );
}

/** What is no id is nobody's. */
const NOBODY = "00000000-0000-0000-0000-000000000000";
