import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { createReturn } from "../../create-return.ts";
import { loadPartsOfOrders } from "../../order-store.ts";
import { presentReturn } from "../../present.ts";
import { findOrder, findReturn } from "../../read-sharings.ts";
import { loadReturnsOfOrder } from "../../return-store.ts";
import type { SharingServices } from "../../services.ts";
import { CreateReturnBody, IdParams, ReturnObject } from "../schemas.ts";

const tags = ["Sharing"];

/** `/v1/sharing_orders/:id/returns`: receivers give parts back. */
export function registerSharingReturns(api: ApiServer, services: SharingServices): void {
  api.post(
    "/v1/sharing_orders/:id/returns",
    {
      schema: {
        ...{ operationId: "createSharingReturn", tags, summary: "Have a receiver give back", params: IdParams },
        description:
          "All or some of a receiver's part comes back. Alipay takes parts back with refunds only, and at WeChat Pay only merchants give back.",
        body: CreateReturnBody,
        response: { 200: ReturnObject, 201: ReturnObject },
      },
    },
    async (request, reply) => {
      const idempotency = readRequestKey(request);
      const order = await findOrder(services.db, request.caller, request.params.id);
      const { out_return_no, receiver, amount } = request.body;
      const input = { out_return_no, receiver, amount: BigInt(amount) };
      const { made, created } = await createReturn(services, request.caller, order, input, idempotency);
      const parts = await loadPartsOfOrders(services.db, order.merchant_id, [made.order_id]);
      if (!created && idempotency) reply.header("Idempotent-Replayed", "true");
      const part = parts.find(({ id }) => id === made.part_id)!;
      return reply.code(created ? 201 : 200).send(presentReturn(made, part));
    },
  );
  api.get(
    "/v1/sharing_orders/:id/returns",
    {
      schema: {
        ...{ operationId: "listSharingReturns", tags, summary: "List what receivers gave back", params: IdParams },
        description: "All of them, the newest first; a sharing has few.",
        response: { 200: ListOf(ReturnObject) },
      },
    },
    async ({ caller, params }) => {
      const order = await findOrder(services.db, caller, params.id);
      const parts = await loadPartsOfOrders(services.db, order.merchant_id, [order.id]);
      const returns = await loadReturnsOfOrder(services.db, order);
      const shown = returns.map((made) => presentReturn(made, parts.find(({ id }) => id === made.part_id)!));
      return toList(shown, false, `/v1/sharing_orders/${params.id}/returns`);
    },
  );
  api.get(
    "/v1/sharing_returns/:id",
    {
      schema: {
        ...{ operationId: "readSharingReturn", tags, summary: "Read what a receiver gave back", params: IdParams },
        response: { 200: ReturnObject },
      },
    },
    async ({ caller, params }) => {
      const { made, part } = await findReturn(services.db, caller, params.id);
      return presentReturn(made, part);
    },
  );
}
