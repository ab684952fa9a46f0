import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { reserveErrors } from "../../errors.ts";
import { presentReserve } from "../../present.ts";
import type { ReserveServices } from "../../services.ts";
import { findReserve } from "../../store.ts";
import { ReserveObject, ReserveParams } from "../schemas.ts";

/** `GET /v1/reserves/:id` */
export function registerReadReserve(api: ApiServer, { db }: Pick<ReserveServices, "db">): void {
  api.get(
    "/v1/reserves/:id",
    {
      schema: {
        operationId: "readReserve",
        tags: ["Settlements"],
        summary: "Read a reserve",
        params: ReserveParams,
        response: { 200: ReserveObject },
      },
    },
    async ({ caller, params }) => {
      const id = parsePublicId("reserve", params.id);
      const reserve = id && (await findReserve(db, caller.merchant_id, id));
      if (!reserve || reserve.livemode !== caller.livemode) throw reserveErrors["reserve.not_found"]();
      return presentReserve(reserve);
    },
  );
}
