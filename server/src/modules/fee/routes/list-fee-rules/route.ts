import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentFeeRule } from "../../present.ts";
import type { PreviewServices } from "../../preview-fee.ts";
import { pageFeeRules } from "../../store.ts";
import { FeeRuleObject } from "../schemas.ts";

const PATH = "/v1/fee_rules";

const Query = Type.Object({
  ...pageProperties,
  in_force: Type.Optional(Type.Boolean({ description: "true: only rules that are in force at this moment." })),
});

/** `GET /v1/fee_rules`, newest first. */
export function registerListFeeRules(api: ApiServer, { db, clock }: Pick<PreviewServices, "db" | "clock">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listFeeRules",
        tags: ["Fees"],
        summary: "List your fee rules",
        description: "What the platform charges you, past and future rules too. Rules never change: they end.",
        querystring: Query,
        response: { 200: ListOf(FeeRuleObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "fee_rule");
      const { merchant_id, livemode } = caller;
      const in_force_at = query.in_force === true ? clock.now() : null;
      const found = await pageFeeRules(db, { merchant_id, livemode, in_force_at, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentFeeRule), has_more, PATH);
    },
  );
}
