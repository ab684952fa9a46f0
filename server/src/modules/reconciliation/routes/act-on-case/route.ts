import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { makeOnce } from "../../../operator/index.ts";
import { loadUsers } from "../../../user/index.ts";
import type { CaseAction } from "../../case.ts";
import { assignCase, commentOnCase, proposeAction, reopenCase } from "../../cases.ts";
import { reconciliationErrors } from "../../errors.ts";
import { readCaseId, showCaseOf } from "../../read-reconciliation.ts";
import type { ReconciliationServices } from "../../services.ts";
import { CaseParams, Reason, WholeCaseObject } from "../schemas.ts";

const PATH = "/operator/v1/reconciliation/cases/:id";
const common = { tags: ["Operator: reconciliation"], params: CaseParams, response: { 200: WholeCaseObject } };
const actions: readonly CaseAction[] = ["adjust", "refund_payer", "claim", "write_off", "explain"];

/** `POST …/cases/:id/assign`, `…/comment`, `…/propose` and `…/reopen`. */
export function registerActOnCase(api: ApiServer, services: ReconciliationServices): void {
  api.post(
    `${PATH}/assign`,
    { schema: { ...common, operationId: "assignReconciliationCase", summary: "Look into a case: it is yours" } },
    async ({ params, operator }) => {
      const id = readCaseId(params.id);
      await assignCase(services, id, operator.user_id);
      return showCaseOf(services, id);
    },
  );
  api.post(
    `${PATH}/comment`,
    {
      schema: {
        ...{ ...common, operationId: "commentOnReconciliationCase", summary: "Say something to a case" },
        body: Type.Object({ text: Type.String({ minLength: 1, maxLength: 4_000 }) }),
      },
    },
    async (request, reply) => {
      const { params, body, operator } = request;
      const case_id = readCaseId(params.id);
      const author =
        (await loadUsers(services.db, [operator.user_id])).get(operator.user_id)?.email ?? operator.user_id;
      const comment = { case_id, author, text: body.text, attachment_name: null, attachment_key: null };
      await makeOnce(services, { request, reply, object_type: "reconciliation_comment" }, (tx) =>
        commentOnCase(services, comment, tx),
      );
      return showCaseOf(services, case_id);
    },
  );
  registerProposeAndReopen(api, services);
}

function registerProposeAndReopen(api: ApiServer, services: ReconciliationServices): void {
  api.post(
    `${PATH}/propose`,
    {
      schema: {
        ...{ ...common, operationId: "proposeReconciliationAction", summary: "Ask for an action on a case" },
        description:
          "A second operator decides, under approvals. `adjust`: it is the merchant's. `claim`: the channel has paid it. " +
          "`refund_payer`: the payer was paid back. `write_off`: it is given up. `explain`: nothing is to be booked.",
        body: Type.Object({
          action: Type.Unsafe<CaseAction>({ type: "string", enum: [...actions] }),
          reason: Reason,
          merchant: Type.Optional(
            Type.String({ maxLength: 64, description: "Whose money it is, where no merchant's book has it." }),
          ),
        }),
      },
    },
    async ({ params, body: { action, reason, merchant }, operator }) => {
      const case_id = readCaseId(params.id);
      const merchant_id = merchant === undefined ? undefined : parsePublicId("merchant", merchant);
      if (merchant !== undefined && merchant_id === undefined) {
        const problem = "There is no such merchant: check its id.";
        throw reconciliationErrors["reconciliation.case_invalid"]({ param: "merchant", values: { problem } });
      }
      await proposeAction(services, { case_id, action, reason, maker_id: operator.user_id, merchant_id });
      return showCaseOf(services, case_id);
    },
  );
  api.post(
    `${PATH}/reopen`,
    {
      schema: {
        ...{ ...common, operationId: "reopenReconciliationCase", summary: "Open a decided case again" },
        description: "What the decision booked is taken back, and lies in suspense.",
      },
    },
    async ({ params }) => {
      const id = readCaseId(params.id);
      await reopenCase(services, id);
      return showCaseOf(services, id);
    },
  );
}
