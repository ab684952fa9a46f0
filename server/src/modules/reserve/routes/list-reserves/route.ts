import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentReserve } from "../../present.ts";
import type { ReserveServices } from "../../services.ts";
import { listReserves } from "../../store.ts";
import { ReserveKindSchema, ReserveObject, ReserveStatusSchema } from "../schemas.ts";

const PATH = "/v1/reserves";

const Query = Type.Object({
  ...pageProperties,
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$", description: "Only this currency." })),
  kind: Type.Optional(ReserveKindSchema),
  status: Type.Optional(ReserveStatusSchema),
});

/** `GET /v1/reserves`, newest first. */
export function registerListReserves(api: ApiServer, { db }: Pick<ReserveServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listReserves",
        tags: ["Settlements"],
        summary: "List reserves",
        description:
          "The parts of settlements that are held back against refunds and chargebacks, and when each is released.",
        querystring: Query,
        response: { 200: ListOf(ReserveObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "reserve");
      const { merchant_id, livemode } = caller;
      const { currency = null, kind = null, status = null } = query;
      const found = await listReserves(db, { merchant_id, livemode, currency, kind, status, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentReserve), has_more, PATH);
    },
  );
}
