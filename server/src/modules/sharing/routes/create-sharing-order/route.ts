import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { findPayment } from "../../../payment/index.ts";
import { createOrder } from "../../create-order.ts";
import { viewOrders } from "../../read-sharings.ts";
import { retryOrder } from "../../retry-order.ts";
import type { SharingServices } from "../../services.ts";
import type { RefundPolicy } from "../../sharing.ts";
import { CreateOrderBody, IdParams, OrderObject } from "../schemas.ts";

const tags = ["Sharing"];

/** `POST /v1/sharing_orders`: 201 with a new sharing, 200 with the one that the same request made before; and retrying. */
export function registerCreateSharingOrder(api: ApiServer, services: SharingServices): void {
  api.post(
    "/v1/sharing_orders",
    {
      schema: {
        ...{ operationId: "createSharingOrder", tags, summary: "Share a payment" },
        description:
          "Passes parts of a succeeded payment on to receivers, several times if need be, never more than is left. Each receiver's result is its own; the end of all is told by a webhook.",
        body: CreateOrderBody,
        response: { 200: OrderObject, 201: OrderObject },
      },
    },
    async (request, reply) => {
      const idempotency = readRequestKey(request);
      const { payment: payment_id, refund_policy, ...body } = request.body;
      const payment = await findPayment(services, request.caller, payment_id);
      const input = {
        ...{ out_sharing_no: body.out_sharing_no, receivers: body.receivers, group: body.group },
        ...{ release: body.release, refund_policy: refund_policy as RefundPolicy | undefined },
      };
      const made = await createOrder(services, request.caller, payment, input, idempotency);
      const [view] = await viewOrders(services.db, [made.order]);
      if (!made.created && idempotency) reply.header("Idempotent-Replayed", "true");
      return reply.code(made.created ? 201 : 200).send(view!);
    },
  );
  api.post(
    "/v1/sharing_orders/:id/retry",
    {
      schema: {
        ...{ operationId: "retrySharingOrder", tags, summary: "Try failed parts again", params: IdParams },
        description: "Each failed part is tried once more, as a new part with the same receiver and amount.",
        response: { 200: OrderObject },
      },
    },
    async ({ caller, params }) => {
      const order = await retryOrder(services, caller, params.id);
      const [view] = await viewOrders(services.db, [order]);
      return view!;
    },
  );
}
