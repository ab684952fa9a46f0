import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentDispute } from "../../present-dispute.ts";
import { findDispute } from "../../read-dispute.ts";
import type { DisputeServices } from "../../services.ts";
import { DisputeObject, DisputeParams } from "../schemas.ts";

/** `GET /v1/disputes/:id` */
export function registerReadDispute(api: ApiServer, services: DisputeServices): void {
  api.get(
    "/v1/disputes/:id",
    {
      schema: {
        operationId: "readDispute",
        tags: ["Disputes"],
        summary: "Read a dispute",
        params: DisputeParams,
        response: { 200: DisputeObject },
      },
    },
    async (request) => {
      const { dispute, payment, attempt } = await findDispute(services, request.caller, request.params.id);
      return presentDispute(dispute, payment, attempt);
    },
  );
}
