import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, PageQuery, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentDeposit } from "../../present.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { listDeposits } from "../../store.ts";
import { DepositObject, tags } from "../schemas.ts";

const PATH = "/v1/service_fee_deposits";

/** `GET /v1/service_fee_deposits`, newest first. */
export function registerListDeposits(api: ApiServer, { db }: Pick<ServiceFeeServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listServiceFeeDeposits",
        tags,
        summary: "List what was paid in advance",
        description: "What the platform recorded of your payments in advance for service fees, and what went back.",
        querystring: PageQuery,
        response: { 200: ListOf(DepositObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "service_fee_deposit");
      const { rows, has_more } = cutPage(page, await listDeposits(db, caller, page));
      return toList(rows.map(presentDeposit), has_more, PATH);
    },
  );
}
