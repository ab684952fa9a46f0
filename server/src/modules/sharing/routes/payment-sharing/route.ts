import type { ApiServer } from "../../../../kit/http/api.ts";
import { findPayment } from "../../../payment/index.ts";
import { presentRelease } from "../../present.ts";
import { readPaymentSharing } from "../../read-sharings.ts";
import { releasePayment } from "../../release.ts";
import type { SharingServices } from "../../services.ts";
import { IdParams, PaymentSharingObject, ReleaseObject } from "../schemas.ts";

const tags = ["Sharing"];

/** `/v1/payments/:id/sharing`: what is left to share, and the end of it. */
export function registerPaymentSharing(api: ApiServer, services: SharingServices): void {
  api.get(
    "/v1/payments/:id/sharing",
    {
      schema: {
        ...{ operationId: "readPaymentSharing", tags, summary: "Read what is left to share", params: IdParams },
        response: { 200: PaymentSharingObject },
      },
    },
    async ({ caller, params }) => readPaymentSharing(services.db, await findPayment(services, caller, params.id)),
  );
  api.post(
    "/v1/payments/:id/finish_sharing",
    {
      schema: {
        ...{ operationId: "finishPaymentSharing", tags, summary: "Release the rest", params: IdParams },
        description:
          "Ends sharing at the channel: what it still holds back is the merchant's. The same again answers the release that is there (200).",
        response: { 200: ReleaseObject, 201: ReleaseObject },
      },
    },
    async (request, reply) => {
      const payment = await findPayment(services, request.caller, request.params.id);
      const { release, created } = await releasePayment(services, payment);
      return reply.code(created ? 201 : 200).send(presentRelease(release));
    },
  );
}
