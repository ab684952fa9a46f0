import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, PageQuery, readPage, toList } from "../../../../kit/http/pagination.ts";
import { presentItem } from "../../present.ts";
import { findInvoice, readItems } from "../../read-invoice.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { InvoiceItemObject, InvoiceParams, tags } from "../schemas.ts";

/** `GET /v1/service_fee_invoices/:id/items`, newest first. */
export function registerListInvoiceItems(api: ApiServer, { db }: Pick<ServiceFeeServices, "db">): void {
  api.get(
    "/v1/service_fee_invoices/:id/items",
    {
      schema: {
        operationId: "listServiceFeeInvoiceItems",
        tags,
        summary: "List a service fee invoice's items",
        description:
          "Every payment, refund and correction that it is about. Their fees and brought_forward sum to its amount.",
        params: InvoiceParams,
        querystring: PageQuery,
        response: { 200: ListOf(InvoiceItemObject) },
      },
    },
    async ({ caller, params, query }) => {
      const page = readPage(query, "ledger_transaction");
      const invoice = await findInvoice(db, caller, params.id);
      const { rows, has_more } = cutPage(page, await readItems(db, invoice, page));
      const data = rows.map(({ change, numbers }) => presentItem(invoice, change, numbers));
      return toList(data, has_more, `/v1/service_fee_invoices/${params.id}/items`);
    },
  );
}
