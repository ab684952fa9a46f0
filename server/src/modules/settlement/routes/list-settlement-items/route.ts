import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, PageQuery, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentItem } from "../../present.ts";
import { findSettlement, readItems } from "../../read-settlement.ts";
import type { SettlementServices } from "../../services.ts";
import { SettlementItemObject, SettlementParams } from "../schemas.ts";

/** `GET /v1/settlements/:id/items`, newest first. */
export function registerListSettlementItems(api: ApiServer, services: Pick<SettlementServices, "db">): void {
  api.get(
    "/v1/settlements/:id/items",
    {
      schema: {
        operationId: "listSettlementItems",
        tags: ["Settlements"],
        summary: "List a settlement's items",
        description: "Every payment, refund and correction that it settles. Their figures sum to the settlement's.",
        params: SettlementParams,
        querystring: PageQuery,
        response: { 200: ListOf(SettlementItemObject) },
      },
    },
    async ({ caller, params, query }) => {
      const page = readPage(query, "ledger_transaction");
      const settlement = await findSettlement(services, caller, params.id);
      const { rows, has_more } = cutPage(page, await readItems(services, settlement, page));
      const { livemode, currency } = settlement;
      const data = rows.map(({ change, numbers }) => presentItem(livemode, currency, change, numbers));
      return toList(data, has_more, `/v1/settlements/${params.id}/items`);
    },
  );
}
