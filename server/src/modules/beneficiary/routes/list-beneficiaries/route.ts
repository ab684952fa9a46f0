import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { beneficiaryStatuses } from "../../beneficiary.ts";
import { presentBeneficiary } from "../../present.ts";
import type { BeneficiaryServices } from "../../services.ts";
import { listBeneficiaries } from "../../store.ts";
import { BeneficiaryObject } from "../schemas.ts";

const PATH = "/v1/beneficiaries";

const Query = Type.Object({
  ...pageProperties,
  status: Type.Optional(Type.Union(beneficiaryStatuses.map((status) => Type.Literal(status)))),
  type: Type.Optional(Type.Union(["bank_card", "alipay", "wechat"].map((type) => Type.Literal(type)))),
});

/** `GET /v1/beneficiaries`, newest first; deleted ones only when asked for. */
export function registerListBeneficiaries(api: ApiServer, { db }: Pick<BeneficiaryServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listBeneficiaries",
        tags: ["Payouts"],
        summary: "List beneficiaries",
        querystring: Query,
        response: { 200: ListOf(BeneficiaryObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "beneficiary");
      const { merchant_id, livemode } = caller;
      const filter = { merchant_id, livemode, status: query.status ?? null, type: query.type ?? null, page };
      const { rows, has_more } = cutPage(page, await listBeneficiaries(db, filter));
      return toList(rows.map(presentBeneficiary), has_more, PATH);
    },
  );
}
