/** How a merchant is billed: set by the operator, for each of its books and currencies. */
import type { TributaryError } from "../../kit/error.ts";
import { isCurrency } from "../../kit/money.ts";
import { getMerchant } from "../merchant/index.ts";
import { type Billing, type BillingCycle, runFrom } from "./billing.ts";
import { serviceFeeErrors } from "./errors.ts";
import type { BillingKey, FeeSource } from "./invoice.ts";
import { hurryInvoices } from "./invoice-store.ts";
import { judgeBalance } from "./prepay.ts";
import type { Billing as Services } from "./services.ts";
import { announceStops, lockBilling, saveBilling } from "./store.ts";

export interface BillingInput extends BillingKey {
  readonly cycle: BillingCycle;
  readonly collection: FeeSource;
  /** `automatic` unless given. */
  readonly issue?: Billing["issue"] | undefined;
  /** 15 unless given. */
  readonly due_days?: number | undefined;
  /** Only for `prepaid`; never unless given. */
  readonly warn_below?: bigint | null | undefined;
  readonly stop_below?: bigint | null | undefined;
}

const DUE_DAYS = 15;

/**
 * Sets how a merchant is billed, in place of what was set before. Fees that are due already are in the first invoice.
 * @throws service_fee.billing_invalid, merchant.not_found
 */
export async function setBilling(services: Services, input: BillingInput): Promise<Billing> {
  const { merchant_id, livemode, currency, cycle, collection, issue = "automatic" } = input;
  const { warn_below = null, stop_below = null, due_days = DUE_DAYS } = input;
  checkInput(input);
  const { time_zone } = await getMerchant(services.db, merchant_id);
  const now = services.clock.now();
  const next = runFrom(cycle, now, time_zone);
  const watched = warn_below !== null || stop_below !== null;
  const billing = await services.db.transaction(async (tx) => {
    const before = await lockBilling(tx, input);
    const set: Billing = {
      ...{ merchant_id, livemode, currency, cycle, collection, issue, due_days, warn_below, stop_below },
      ...{ next_day: next?.day ?? null, due_at: next?.at ?? null, watch_due_at: watched ? now : null },
      low_since: warn_below === null ? null : (before?.low_since ?? null),
      stopped_at: stop_below === null ? null : (before?.stopped_at ?? null),
      updated_at: now,
    };
    await saveBilling(tx, set);
    if (before?.stopped_at && set.stopped_at === null) await announceStops(tx);
    // What is unpaid may now be collected another way.
    await hurryInvoices(tx, set, now);
    return judgeBalance(services, tx, set);
  });
  services.kick.webhooks();
  return billing;
}

function checkInput({ currency, collection, due_days = DUE_DAYS, ...input }: BillingInput): void {
  const { warn_below = null, stop_below = null } = input;
  if (!isCurrency(currency)) throw invalid(`"${currency}" is no currency: give an ISO 4217 code such as CNY.`);
  if (!Number.isInteger(due_days) || due_days < 0 || due_days > 365) {
    throw invalid("The days in which to pay must be a whole number from 0 to 365.");
  }
  if (collection !== "prepaid" && (warn_below !== null || stop_below !== null)) {
    throw invalid("Only a prepaid balance has a warning and a stop: leave them out, or collect from prepaid.");
  }
  if (warn_below !== null && stop_below !== null && warn_below < stop_below) {
    throw invalid("The warning must come before the stop: warn at an amount that is not below the stop's.");
  }
}

function invalid(problem: string): TributaryError {
  return serviceFeeErrors["service_fee.billing_invalid"]({ values: { problem } });
}
