import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import type { Billing } from "./billing.ts";
import { claimInvoices } from "./invoice-store.ts";
import { billDue } from "./make-invoice.ts";
import { type InvoiceKey, workOnInvoice } from "./manage-invoice.ts";
import { watchBalances } from "./prepay.ts";
import type { ServiceFeeServices } from "./services.ts";
import { claimRuns, claimWatches } from "./store.ts";

/** How long adding up may take before another worker believes that this one died. */
const LEASE_MS = 5 * 60_000;
/** How often a prepaid balance is looked at: fees accrue by each payment, and a stop comes that late at most. */
const WATCH_MS = 15_000;

/** Balances that are looked at by one query. */
const GROUP_MAX = 200;

function inGroups(billings: readonly Billing[]): Billing[][] {
  const count = Math.ceil(billings.length / GROUP_MAX);
  return Array.from({ length: count }, (_, index) => billings.slice(index * GROUP_MAX, (index + 1) * GROUP_MAX));
}

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
    createDueLoop<readonly Billing[]>({
      name: "service_fee.watch",
      claim: async (limit) => {
        const now = clock.now();
        return inGroups(await claimWatches(db, now, now + WATCH_MS, limit * GROUP_MAX));
      },
      handle: (billings) => watchBalances(services, billings),
      concurrency: 4,
      interval_ms: 1_000,
      log,
    }),
  ];
}
