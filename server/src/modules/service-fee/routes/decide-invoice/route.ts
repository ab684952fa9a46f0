import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { serviceFeeErrors } from "../../errors.ts";
import { type InvoiceKey, issueInvoice, voidInvoice } from "../../manage-invoice.ts";
import { presentInvoice } from "../../present.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { bookProperties, InvoiceObject, Reason, readMerchant, operatorTags as tags } from "../operator-schemas.ts";
import { InvoiceParams } from "../schemas.ts";

/** The key of an invoice that an operator names. @throws merchant.not_found, service_fee_invoice.not_found */
export function readInvoiceKey(merchant: string, invoice: string): InvoiceKey {
  const id = parsePublicId("service_fee_invoice", invoice);
  if (id === undefined) throw serviceFeeErrors["service_fee_invoice.not_found"]();
  return { merchant_id: readMerchant(merchant), id };
}

/** `POST /operator/v1/service_fee_invoices/:id/issue` and `…/void`. */
export function registerDecideInvoice(operator: ApiServer, services: ServiceFeeServices): void {
  const { merchant } = bookProperties;
  const common = { tags, params: InvoiceParams, response: { 200: InvoiceObject } };
  operator.post(
    "/operator/v1/service_fee_invoices/:id/issue",
    {
      schema: {
        ...common,
        operationId: "issueServiceFeeInvoice",
        summary: "Issue an invoice that is open",
        body: Type.Object({ merchant }),
      },
    },
    async ({ params, body }) => presentInvoice(await issueInvoice(services, readInvoiceKey(body.merchant, params.id))),
  );
  operator.post(
    "/operator/v1/service_fee_invoices/:id/void",
    {
      schema: {
        ...common,
        operationId: "voidServiceFeeInvoice",
        summary: "Make an invoice void",
        description:
          "One of which nothing was paid. Its fees are owed all the same: the next invoice brings them forward.",
        body: Type.Object({ merchant, reason: Reason }),
      },
    },
    async ({ params, body }) =>
      presentInvoice(await voidInvoice(services, readInvoiceKey(body.merchant, params.id), body.reason)),
  );
}
