import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentPayment } from "../../present-payment.ts";
import { readPayments } from "../../read-payment.ts";
import type { PaymentServices } from "../../services.ts";
import { PaymentObject } from "../schemas.ts";

const Query = Type.Object({
  ...pageProperties,
  status: Type.Optional(
    Type.Union(["created", "processing", "succeeded", "closed", "failed"].map((status) => Type.Literal(status))),
  ),
  out_trade_no: Type.Optional(Type.String({ maxLength: 64 })),
  number: Type.Optional(Type.String({ maxLength: 64, description: "A serial_no or a channel_trade_no." })),
  created_from: Type.Optional(Type.String({ format: "date-time", description: "From this instant on." })),
  created_to: Type.Optional(Type.String({ format: "date-time", description: "Before this instant." })),
});

/** `GET /v1/payments`, newest first. */
export function registerListPayments(api: ApiServer, services: PaymentServices): void {
  api.get(
    "/v1/payments",
    {
      schema: {
        operationId: "listPayments",
        tags: ["Payments"],
        summary: "List payments",
        querystring: Query,
        response: { 200: ListOf(PaymentObject) },
      },
    },
    async (request) => {
      const { caller, query } = request;
      const page = readPage(query, "payment");
      const found = await readPayments(services, {
        merchant_id: caller.merchant_id,
        app_id: caller.app_id,
        livemode: caller.livemode,
        page,
        status: query.status ?? null,
        out_trade_no: query.out_trade_no ?? null,
        number: query.number ?? null,
        created_from: query.created_from === undefined ? null : Date.parse(query.created_from),
        created_to: query.created_to === undefined ? null : Date.parse(query.created_to),
      });
      const { rows, has_more } = cutPage(page, found);
      const data = rows.map(({ payment, attempt }) => presentPayment(services.settings, payment, attempt));
      return toList(data, has_more, "/v1/payments");
    },
  );
}
