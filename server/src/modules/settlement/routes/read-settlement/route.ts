import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentSettlement } from "../../present.ts";
import { findSettlement } from "../../read-settlement.ts";
import type { SettlementServices } from "../../services.ts";
import { SettlementObject, SettlementParams } from "../schemas.ts";

/** `GET /v1/settlements/:id` */
export function registerReadSettlement(api: ApiServer, services: Pick<SettlementServices, "db">): void {
  api.get(
    "/v1/settlements/:id",
    {
      schema: {
        operationId: "readSettlement",
        tags: ["Settlements"],
        summary: "Read a settlement",
        params: SettlementParams,
        response: { 200: SettlementObject },
      },
    },
    async ({ caller, params }) => presentSettlement(await findSettlement(services, caller, params.id)),
  );
}
