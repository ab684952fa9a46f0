import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { findPayment } from "../../../payment/index.ts";
import { findOrder, readOrders, viewOrders } from "../../read-sharings.ts";
import type { SharingServices } from "../../services.ts";
import { IdParams, ListOrdersFilters, OrderObject } from "../schemas.ts";

const tags = ["Sharing"];
const Query = Type.Object({ ...pageProperties, ...ListOrdersFilters });

/** `GET /v1/sharing_orders`, newest first, and one of them. */
export function registerReadSharingOrders(api: ApiServer, services: SharingServices): void {
  api.get(
    "/v1/sharing_orders",
    {
      schema: {
        ...{ operationId: "listSharingOrders", tags, summary: "List sharings", querystring: Query },
        response: { 200: ListOf(OrderObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "sharing_order");
      const payment = query.payment === undefined ? undefined : await findPayment(services, caller, query.payment);
      const found = await readOrders(services.db, {
        ...{ merchant_id: caller.merchant_id, app_id: caller.app_id, livemode: caller.livemode, page },
        ...{ payment_id: payment?.id ?? null, status: query.status ?? null },
        out_sharing_no: query.out_sharing_no ?? null,
      });
      const { rows, has_more } = cutPage(page, found);
      return toList(await viewOrders(services.db, rows), has_more, "/v1/sharing_orders");
    },
  );
  api.get(
    "/v1/sharing_orders/:id",
    {
      schema: {
        ...{ operationId: "readSharingOrder", tags, summary: "Read a sharing", params: IdParams },
        response: { 200: OrderObject },
      },
    },
    async ({ caller, params }) => {
      const [view] = await viewOrders(services.db, [await findOrder(services.db, caller, params.id)]);
      return view!;
    },
  );
}
