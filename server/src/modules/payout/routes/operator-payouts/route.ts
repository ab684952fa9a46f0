import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId, publicId } from "../../../../kit/id.ts";
import { payoutStatuses } from "../../payout.ts";
import { presentForOperator } from "../../present.ts";
import { findAnyPayout } from "../../read-payout.ts";
import { recordResult } from "../../record-result.ts";
import type { PayoutServices } from "../../services.ts";
import { listPayouts } from "../../store.ts";
import { OperatorPayoutObject, PayoutParams } from "../schemas.ts";

const PATH = "/operator/v1/payouts";
const tags = ["Operator: payouts"];

const Query = Type.Object({
  ...pageProperties,
  merchant: Type.String({ maxLength: 64 }),
  livemode: Type.Boolean(),
  status: Type.Optional(Type.Union(payoutStatuses.map((status) => Type.Literal(status)))),
});

const ResultBody = Type.Object({
  result: Type.Unsafe<"succeeded" | "failed" | "returned">({
    type: "string",
    enum: ["succeeded", "failed", "returned"],
    description: "returned: what was paid came back, days later.",
  }),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: "The bank's, or yours." })),
  reference: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "The bank's number." })),
});

/** `GET /operator/v1/payouts`, `…/:id`, and what our bank says became of one. */
export function registerOperatorPayouts(operator: ApiServer, services: PayoutServices): void {
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listPayoutsOfMerchant",
        tags,
        summary: "List a merchant's payouts",
        querystring: Query,
        response: { 200: ListOf(OperatorPayoutObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "payout");
      const merchant_id = parsePublicId("merchant", query.merchant);
      if (merchant_id === undefined) return toList([], false, PATH);
      const { livemode, status = null } = query;
      const any = { out_payout_no: null, beneficiary_id: null, batch_id: null };
      const found = await listPayouts(services.db, { merchant_id, livemode, status, page, ...any });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentForOperator), has_more, PATH);
    },
  );
  operator.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readPayoutOfMerchant",
        tags,
        summary: "Read a payout of any merchant",
        description: "By its id, or by the transfer number that the channel or the bank knows.",
        params: PayoutParams,
        response: { 200: OperatorPayoutObject },
      },
    },
    async ({ params }) => presentForOperator(await findAnyPayout(services.db, params.id)),
  );
  operator.post(
    `${PATH}/:id/result`,
    {
      schema: {
        operationId: "recordPayoutResult",
        tags,
        summary: "Record what the bank says became of a payout",
        description:
          "Of a payout that our bank was told to pay by a file; `returned` of any that was paid. The same result again changes nothing.",
        params: PayoutParams,
        body: ResultBody,
        response: { 200: OperatorPayoutObject },
      },
    },
    async ({ params, body, operator: by }) => {
      const payout = await findAnyPayout(services.db, params.id);
      const given = { ...body, recorded_by: publicId("user", by.user_id) };
      return presentForOperator(await recordResult(services, payout, given));
    },
  );
}
