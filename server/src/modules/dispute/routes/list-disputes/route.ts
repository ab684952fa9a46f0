import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { findPayment } from "../../../payment/index.ts";
import { presentDispute } from "../../present-dispute.ts";
import { readDisputes } from "../../read-dispute.ts";
import type { DisputeServices } from "../../services.ts";
import { DisputeObject, ListDisputesFilters } from "../schemas.ts";

const Query = Type.Object({ ...pageProperties, ...ListDisputesFilters });

/** `GET /v1/disputes`, newest first. */
export function registerListDisputes(api: ApiServer, services: DisputeServices): void {
  api.get(
    "/v1/disputes",
    {
      schema: {
        operationId: "listDisputes",
        tags: ["Disputes"],
        summary: "List disputes",
        description:
          "A payer who asks the channel for the money back begins a dispute (chargeback). Evidence is given at the channel; its end is told by a webhook.",
        querystring: Query,
        response: { 200: ListOf(DisputeObject) },
      },
    },
    async (request) => {
      const { caller, query } = request;
      const page = readPage(query, "dispute");
      const payment = query.payment === undefined ? undefined : await findPayment(services, caller, query.payment);
      const found = await readDisputes(services, {
        merchant_id: caller.merchant_id,
        app_id: caller.app_id,
        livemode: caller.livemode,
        page,
        payment_id: payment?.id ?? null,
        status: query.status ?? null,
      });
      const { rows, has_more } = cutPage(page, found);
      const data = rows.map((view) => presentDispute(view.dispute, view.payment, view.attempt));
      return toList(data, has_more, "/v1/disputes");
    },
  );
}
