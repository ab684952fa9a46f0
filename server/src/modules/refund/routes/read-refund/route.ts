import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentRefund } from "../../present-refund.ts";
import { findRefund } from "../../read-refund.ts";
import type { RefundServices } from "../../services.ts";
import { RefundObject, RefundParams } from "../schemas.ts";

/** `GET /v1/refunds/:id` */
export function registerReadRefund(api: ApiServer, services: RefundServices): void {
  api.get(
    "/v1/refunds/:id",
    {
      schema: {
        operationId: "readRefund",
        tags: ["Refunds"],
        summary: "Read a refund",
        params: RefundParams,
        response: { 200: RefundObject },
      },
    },
    async (request) => {
      const { refund, payment, attempt } = await findRefund(services, request.caller, request.params.id);
      return presentRefund(refund, payment, attempt);
    },
  );
}
