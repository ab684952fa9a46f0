import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { listInvoices } from "../../invoice-store.ts";
import { presentDeposit, presentInvoice } from "../../present.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { listDeposits } from "../../store.ts";
import { bookProperties, readMerchant, operatorTags as tags } from "../operator-schemas.ts";
import { DepositObject, InvoiceObject, StatusChoice } from "../schemas.ts";

/** `GET /operator/v1/service_fee_invoices` and `…/service_fee_deposits` of a merchant, newest first. */
export function registerReadAsOperator(operator: ApiServer, { db }: Pick<ServiceFeeServices, "db">): void {
  const invoices = "/operator/v1/service_fee_invoices";
  operator.get(
    invoices,
    {
      schema: {
        operationId: "listMerchantServiceFeeInvoices",
        tags,
        summary: "List a merchant's service fee invoices",
        querystring: Type.Object({ ...pageProperties, ...bookProperties, status: Type.Optional(StatusChoice) }),
        response: { 200: ListOf(InvoiceObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "service_fee_invoice");
      const { merchant, livemode, status = null } = query;
      const filter = { merchant_id: readMerchant(merchant), livemode, currency: null, status, page };
      const { rows, has_more } = cutPage(page, await listInvoices(db, filter));
      return toList(rows.map(presentInvoice), has_more, invoices);
    },
  );
  const deposits = "/operator/v1/service_fee_deposits";
  operator.get(
    deposits,
    {
      schema: {
        operationId: "listMerchantServiceFeeDeposits",
        tags,
        summary: "List what a merchant paid in advance",
        querystring: Type.Object({ ...pageProperties, ...bookProperties }),
        response: { 200: ListOf(DepositObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "service_fee_deposit");
      const { merchant, livemode } = query;
      const found = await listDeposits(db, { merchant_id: readMerchant(merchant), livemode }, page);
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentDeposit), has_more, deposits);
    },
  );
}
