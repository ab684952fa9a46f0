import type { ApiServer } from "../../../kit/http/api.ts";
import type { ServiceFeeServices } from "../services.ts";
import { registerBillMerchants } from "./bill-merchants/route.ts";
import { registerDecideInvoice } from "./decide-invoice/route.ts";
import { registerExportInvoiceItems } from "./export-invoice-items/route.ts";
import { registerListDeposits } from "./list-deposits/route.ts";
import { registerListInvoiceItems } from "./list-invoice-items/route.ts";
import { registerListInvoices } from "./list-invoices/route.ts";
import { registerReadAsOperator } from "./read-as-operator/route.ts";
import { registerReadInvoice } from "./read-invoice/route.ts";
import { registerRecordMoney } from "./record-money/route.ts";

/** Registers what merchants read. `request.caller` must have been set by authentication. */
export function registerServiceFeeRoutes(api: ApiServer, services: Pick<ServiceFeeServices, "db">): void {
  registerListInvoices(api, services);
  registerReadInvoice(api, services);
  registerListInvoiceItems(api, services);
  registerExportInvoiceItems(api, services);
  registerListDeposits(api, services);
}

/** Registers what operators do, in the operators' scope. */
export function registerServiceFeeOperatorRoutes(operator: ApiServer, services: ServiceFeeServices): void {
  registerBillMerchants(operator, services);
  registerReadAsOperator(operator, services);
  registerDecideInvoice(operator, services);
  registerRecordMoney(operator, services);
}
