import type { ApiServer } from "../../../kit/http/api.ts";
import type { ServiceFeeServices } from "../services.ts";
import { registerExportInvoiceItems } from "./export-invoice-items/route.ts";
import { registerListDeposits } from "./list-deposits/route.ts";
import { registerListInvoiceItems } from "./list-invoice-items/route.ts";
import { registerListInvoices } from "./list-invoices/route.ts";
import { registerReadInvoice } from "./read-invoice/route.ts";

/** Registers what merchants read. `request.caller` must have been set by authentication. */
export function registerServiceFeeRoutes(api: ApiServer, services: Pick<ServiceFeeServices, "db">): void {
  registerListInvoices(api, services);
  registerReadInvoice(api, services);
  registerListInvoiceItems(api, services);
  registerExportInvoiceItems(api, services);
  registerListDeposits(api, services);
}
