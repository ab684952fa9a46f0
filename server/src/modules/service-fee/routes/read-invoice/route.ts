import type { ApiServer } from "../../../../kit/http/api.ts";
import { listFeePayments } from "../../invoice-store.ts";
import { presentFeePayment, presentInvoice } from "../../present.ts";
import { findInvoice } from "../../read-invoice.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { InvoiceParams, tags, WholeInvoiceObject } from "../schemas.ts";

/** `GET /v1/service_fee_invoices/:id` */
export function registerReadInvoice(api: ApiServer, { db }: Pick<ServiceFeeServices, "db">): void {
  api.get(
    "/v1/service_fee_invoices/:id",
    {
      schema: {
        operationId: "readServiceFeeInvoice",
        tags,
        summary: "Read a service fee invoice",
        params: InvoiceParams,
        response: { 200: WholeInvoiceObject },
      },
    },
    async ({ caller, params }) => {
      const invoice = await findInvoice(db, caller, params.id);
      const payments = await listFeePayments(db, invoice);
      return { ...presentInvoice(invoice), paid_by: payments.map(presentFeePayment) };
    },
  );
}
