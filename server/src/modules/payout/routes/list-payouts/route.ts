import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { payoutStatuses } from "../../payout.ts";
import { presentPayout } from "../../present.ts";
import type { PayoutServices } from "../../services.ts";
import { listPayouts } from "../../store.ts";
import { PayoutObject } from "../schemas.ts";

const PATH = "/v1/payouts";
const Id = Type.Optional(Type.String({ maxLength: 64 }));

const Query = Type.Object({
  ...pageProperties,
  status: Type.Optional(Type.Union(payoutStatuses.map((status) => Type.Literal(status)))),
  out_payout_no: Type.Optional(Type.String({ maxLength: 64 })),
  beneficiary: Id,
  batch: Id,
});

/** An id that names nothing is in no row. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

/** `GET /v1/payouts`, newest first. */
export function registerListPayouts(api: ApiServer, { db }: Pick<PayoutServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listPayouts",
        tags: ["Payouts"],
        summary: "List payouts",
        querystring: Query,
        response: { 200: ListOf(PayoutObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "payout");
      const { merchant_id, livemode } = caller;
      const idOf = (kind: "beneficiary" | "payout_batch", text: string | undefined) =>
        text === undefined ? null : (parsePublicId(kind, text) ?? NOBODY);
      const found = await listPayouts(db, {
        ...{ merchant_id, livemode, page },
        status: query.status ?? null,
        out_payout_no: query.out_payout_no ?? null,
        beneficiary_id: idOf("beneficiary", query.beneficiary),
        batch_id: idOf("payout_batch", query.batch),
      });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentPayout), has_more, PATH);
    },
  );
}
