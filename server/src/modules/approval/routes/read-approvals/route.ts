import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { approvalErrors } from "../../errors.ts";
import { presentApprovals } from "../../present-approval.ts";
import type { ApprovalServices } from "../../services.ts";
import { listApprovals, loadApproval, loadPolicies } from "../../store.ts";
import { ApprovalObject, ApprovalParams, PolicyObject, StatusChoice } from "../schemas.ts";

const PATH = "/operator/v1/approvals";
const tags = ["Operator: approvals"];

const Query = Type.Object({
  ...pageProperties,
  status: Type.Optional(StatusChoice),
  kind: Type.Optional(Type.String({ maxLength: 64, description: "Only this kind." })),
  merchant: Type.Optional(Type.String({ maxLength: 64, description: "Only about this merchant, by id." })),
});

/** `GET /operator/v1/approvals` and `…/:id`, and the policies. */
export function registerReadApprovals(api: ApiServer, services: ApprovalServices): void {
  const { db } = services;
  api.get(
    PATH,
    {
      schema: {
        operationId: "listApprovals",
        tags,
        summary: "List approvals",
        description: "What operators asked for, what waits for a checker, and who decided.",
        querystring: Query,
        response: { 200: ListOf(ApprovalObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "approval");
      const { status = null, kind = null, merchant } = query;
      const merchant_id = merchant === undefined ? null : parsePublicId("merchant", merchant);
      if (merchant_id === undefined) return toList([], false, PATH);
      const { rows, has_more } = cutPage(page, await listApprovals(db, { status, kind, merchant_id }, page));
      return toList(await presentApprovals(services, rows), has_more, PATH);
    },
  );
  api.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readApproval",
        tags,
        summary: "Read an approval",
        params: ApprovalParams,
        response: { 200: ApprovalObject },
      },
    },
    async ({ params }) => {
      const id = parsePublicId("approval", params.id);
      const approval = id && (await loadApproval(db, id));
      if (!approval) throw approvalErrors["approval.not_found"]();
      return (await presentApprovals(services, [approval]))[0]!;
    },
  );
  api.get(
    "/operator/v1/approval_policies",
    {
      schema: {
        operationId: "listApprovalPolicies",
        tags,
        summary: "List from where on a checker is needed",
        description: "A kind that is not listed is carried out at once, and recorded. The command line sets policies.",
        response: { 200: Type.Object({ object: Type.Literal("list"), data: Type.Array(PolicyObject) }) },
      },
    },
    async () => {
      const policies = await loadPolicies(db, null);
      const data = policies.map(({ kind, currency, above, updated_at }) => ({
        ...{ object: "approval_policy" as const, kind, currency, above: Number(above) },
        updated_at: toRfc3339(updated_at),
      }));
      return { object: "list" as const, data };
    },
  );
}
