import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import type { Billing } from "./billing.ts";
import { claimInvoices } from "./invoice-store.ts";
import { billDue } from "./make-invoice.ts";
import { type InvoiceKey, workOnInvoice } from "./manage-invoice.ts";
import { watchBalance } from "./prepay.ts";
import type { ServiceFeeServices } from "./services.ts";
import { claimRuns, claimWatches } from "./store.ts";

/** How long adding up may take before another worker believes that this one died. */
const LEASE_MS = 5 * 60_000;
/** How often a prepaid balance is looked at: fees accrue by each payment, and a stop comes that late at most. */
const WATCH_MS = 15_000;

/** The module's loops; any number of workers may run them. */
export function createServiceFeeWorkers(services: ServiceFeeServices): DueLoop[] {
  const { db, clock, log } = services;
  const leased = () => clock.now() + LEASE_MS;
  return [
    createDueLoop<Billing>({
      name: "service_fee.bill",
      claim: (limit) => claimRuns(db, clock.now(), leased(), limit),
      handle: (billing) => billDue(services, billing),
      concurrency: 4,
      interval_ms: 5_000,
      log,
    }),
    createDueLoop<InvoiceKey>({
      name: "service_fee.invoices",
      claim: (limit) => claimInvoices(db, clock.now(), leased(), limit),
      handle: (key) => workOnInvoice(services, key),
      concurrency: 4,
      interval_ms: 5_000,
      log,
    }),
    createDueLoop<Billing>({
      name: "service_fee.watch",
      claim: (limit) => claimWatches(db, clock.now(), clock.now() + WATCH_MS, limit),
      handle: (billing) => watchBalance(services, billing),
      concurrency: 8,
      interval_ms: 1_000,
      log,
    }),
  ];
}
