import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { listInvoices } from "../../invoice-store.ts";
import { presentInvoice } from "../../present.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { InvoiceObject, StatusChoice, tags } from "../schemas.ts";

const PATH = "/v1/service_fee_invoices";

const Query = Type.Object({
  ...pageProperties,
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$", description: "Only this currency." })),
  status: Type.Optional(StatusChoice),
});

/** `GET /v1/service_fee_invoices`, newest first. */
export function registerListInvoices(api: ApiServer, { db }: Pick<ServiceFeeServices, "db">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listServiceFeeInvoices",
        tags,
        summary: "List service fee invoices",
        description: "What the platform bills you for payments that your own channel accounts collected.",
        querystring: Query,
        response: { 200: ListOf(InvoiceObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "service_fee_invoice");
      const { merchant_id, livemode } = caller;
      const { currency = null, status = null } = query;
      const { rows, has_more } = cutPage(
        page,
        await listInvoices(db, { merchant_id, livemode, currency, status, page }),
      );
      return toList(rows.map(presentInvoice), has_more, PATH);
    },
  );
}
