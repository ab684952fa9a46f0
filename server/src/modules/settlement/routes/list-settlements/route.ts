import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentSettlement } from "../../present.ts";
import type { SettlementServices } from "../../services.ts";
import { listSettlements } from "../../store.ts";
import { SettlementObject, StatusSchema } from "../schemas.ts";

const PATH = "/v1/settlements";

const Query = Type.Object({
  ...pageProperties,
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$", description: "Only this currency." })),
  status: Type.Optional(StatusSchema),
});

/** `GET /v1/settlements`, newest first. */
export function registerListSettlements(api: ApiServer, { db }: Pick<SettlementServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listSettlements",
        tags: ["Settlements"],
        summary: "List settlements",
        description:
          "Money that the platform collected for you is pending first; a settlement makes it available. Without `status`, rejected ones are left out.",
        querystring: Query,
        response: { 200: ListOf(SettlementObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "settlement");
      const { merchant_id, livemode } = caller;
      const { currency = null, status = null } = query;
      const found = await listSettlements(db, { merchant_id, livemode, currency, status, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentSettlement), has_more, PATH);
    },
  );
}
