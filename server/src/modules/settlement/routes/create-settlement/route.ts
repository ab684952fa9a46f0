import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { presentSettlement } from "../../present.ts";
import { requestSettlement } from "../../request-settlement.ts";
import type { SettlementServices } from "../../services.ts";
import { SettlementObject } from "../schemas.ts";

const Body = Type.Object({
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$", default: "CNY", description: "CNY unless given." })),
});

/** `POST /v1/settlements`: 201 with a new settlement, 200 with the one that the same key made before. */
export function registerCreateSettlement(api: ApiServer, services: SettlementServices): void {
  api.post(
    "/v1/settlements",
    {
      schema: {
        operationId: "createSettlement",
        tags: ["Settlements"],
        summary: "Settle what is pending now",
        description:
          "For merchants who are settled on request. Everything that was booked before becomes available; above the platform's limit the settlement is `in_review` first. Give an `Idempotency-Key`: the same key gives the same settlement.",
        body: Body,
        response: { 200: SettlementObject, 201: SettlementObject },
      },
    },
    async (request, reply) => {
      const { currency = "CNY" } = request.body;
      const idempotency = readRequestKey(request);
      const { settlement, created } = await requestSettlement(services, request.caller, currency, idempotency);
      if (!created) reply.header("Idempotent-Replayed", "true");
      return reply.code(created ? 201 : 200).send(presentSettlement(settlement));
    },
  );
}
