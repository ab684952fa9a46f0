import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { findPayment } from "../../../payment/index.ts";
import { presentRefund } from "../../present-refund.ts";
import { readRefunds } from "../../read-refund.ts";
import type { RefundServices } from "../../services.ts";
import { ListRefundsFilters, RefundObject } from "../schemas.ts";

const Query = Type.Object({ ...pageProperties, ...ListRefundsFilters });

/** `GET /v1/refunds`, newest first. */
export function registerListRefunds(api: ApiServer, services: RefundServices): void {
  api.get(
    "/v1/refunds",
    {
      schema: {
        operationId: "listRefunds",
        tags: ["Refunds"],
        summary: "List refunds",
        querystring: Query,
        response: { 200: ListOf(RefundObject) },
      },
    },
    async (request) => {
      const { caller, query } = request;
      const page = readPage(query, "refund");
      const payment = query.payment === undefined ? undefined : await findPayment(services, caller, query.payment);
      const found = await readRefunds(services, {
        merchant_id: caller.merchant_id,
        app_id: caller.app_id,
        livemode: caller.livemode,
        page,
        payment_id: payment?.id ?? null,
        status: query.status ?? null,
        out_refund_no: query.out_refund_no ?? null,
      });
      const { rows, has_more } = cutPage(page, found);
      const data = rows.map((view) => presentRefund(view.refund, view.payment, view.attempt));
      return toList(data, has_more, "/v1/refunds");
    },
  );
}
