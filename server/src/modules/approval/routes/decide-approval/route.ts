import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import type { Approval } from "../../approval.ts";
import { cancelApproval, decideApproval } from "../../decide-approval.ts";
import { approvalErrors } from "../../errors.ts";
import { presentApprovals } from "../../present-approval.ts";
import type { ApprovalServices } from "../../services.ts";
import { ApprovalObject, ApprovalParams, Comment } from "../schemas.ts";

const common = { tags: ["Operator: approvals"], params: ApprovalParams, response: { 200: ApprovalObject } };

function readId(text: string): string {
  const id = parsePublicId("approval", text);
  if (id === undefined) throw approvalErrors["approval.not_found"]();
  return id;
}

/** `POST /operator/v1/approvals/:id/approve`, `…/reject` and `…/cancel`. The same again is the same answer; another decision is a 409. */
export function registerDecideApproval(api: ApiServer, services: ApprovalServices): void {
  const show = async (approval: Approval) => (await presentApprovals(services, [approval]))[0]!;
  api.post(
    "/operator/v1/approvals/:id/approve",
    {
      schema: {
        ...common,
        operationId: "approveApproval",
        summary: "Approve and carry out",
        description:
          "Another operator than the maker. If it cannot be carried out, it stays pending and the error says why.",
        body: Type.Object({ comment: Type.Optional(Comment) }),
      },
    },
    async ({ params, body, operator }) => {
      const decision = { decision: "approve", checker_id: operator.user_id, comment: body.comment ?? null } as const;
      return show(await decideApproval(services, { id: readId(params.id), ...decision }));
    },
  );
  api.post(
    "/operator/v1/approvals/:id/reject",
    {
      schema: { ...common, operationId: "rejectApproval", summary: "Reject", body: Type.Object({ comment: Comment }) },
    },
    async ({ params, body, operator }) => {
      const decision = { decision: "reject", checker_id: operator.user_id, comment: body.comment } as const;
      return show(await decideApproval(services, { id: readId(params.id), ...decision }));
    },
  );
  api.post(
    "/operator/v1/approvals/:id/cancel",
    { schema: { ...common, operationId: "cancelApproval", summary: "Take back what you asked for" } },
    async ({ params, operator }) =>
      show(await cancelApproval(services, { id: readId(params.id), user_id: operator.user_id })),
  );
}
