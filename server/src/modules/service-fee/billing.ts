/** When and how a merchant is billed. Pure. */
import { addDays, dayOf, instantAt, localDay, weekdayOf } from "../../kit/local-day.ts";
import type { BillingKey, FeeSource } from "./invoice.ts";

export const billingCycles = ["daily", "weekly", "monthly", "on_request"] as const;
export type BillingCycle = (typeof billingCycles)[number];

export interface Billing extends BillingKey {
  readonly cycle: BillingCycle;
  /** Where the money comes from. */
  readonly collection: FeeSource;
  /** `manual`: an operator looks at each invoice before it is issued. */
  readonly issue: "automatic" | "manual";
  /** Days of the merchant's calendar in which an invoice is to be paid. */
  readonly due_days: number;
  /** Of what is left of the prepaid balance, in minor units; null is never. */
  readonly warn_below: bigint | null;
  readonly stop_below: bigint | null;
  readonly next_day: string | null;
  readonly due_at: number | null;
  readonly watch_due_at: number | null;
  readonly low_since: number | null;
  readonly stopped_at: number | null;
  readonly updated_at: number;
}

/** Invoices are made at two in the morning, when the day before has been over for a while. */
const RUN_MINUTE = 120;

/** An invoice that is due: made at `at`, of what was booked before `cut_off_at`, the midnight before. */
export interface BillingRun {
  readonly day: string;
  readonly at: number;
  readonly cut_off_at: number;
}

/** The cycle's next run on a later day than `day`; undefined on request. Weeks end on Sunday, months on their last day. */
export function runAfter(cycle: BillingCycle, day: string, time_zone: string): BillingRun | undefined {
  if (cycle === "on_request") return undefined;
  let next = addDays(day, 1);
  if (cycle === "weekly") next = addDays(next, (8 - weekdayOf(next)) % 7);
  if (cycle === "monthly") while (!next.endsWith("-01")) next = addDays(next, 1);
  return runOf(next, time_zone);
}

function runOf(day: string, time_zone: string): BillingRun {
  return { day, at: instantAt(day, RUN_MINUTE, time_zone), cut_off_at: dayOf(day, time_zone)!.from };
}

/** The run of a day that was planned. */
export const plannedRun = runOf;

/** The first run from now on. */
export function runFrom(cycle: BillingCycle, now: number, time_zone: string): BillingRun | undefined {
  const today = localDay(now, time_zone);
  const first = runAfter(cycle, addDays(today, -1), time_zone);
  return first && first.at <= now ? runAfter(cycle, first.day, time_zone) : first;
}

/** Until when an invoice that is issued now is to be paid: the end of the merchant's day. */
export function payBy(now: number, due_days: number, time_zone: string): number {
  return dayOf(addDays(localDay(now, time_zone), due_days), time_zone)!.to;
}

/** What a prepaid balance comes to, fees that are not deducted yet included. */
export interface Standing {
  readonly prepaid: bigint;
  readonly due: bigint;
}

export const leftOf = ({ prepaid, due }: Standing): bigint => prepaid - due;

export type BalanceChange = "low" | "recovered" | "stopped" | "resumed";

/** What follows from a standing: each is told once when it is crossed. */
export function crossings(billing: Billing, standing: Standing): BalanceChange[] {
  const left = leftOf(standing);
  const changes: BalanceChange[] = [];
  const isLow = billing.warn_below !== null && left < billing.warn_below;
  if (isLow !== (billing.low_since !== null)) changes.push(isLow ? "low" : "recovered");
  const isStopped = billing.stop_below !== null && left < billing.stop_below;
  if (isStopped !== (billing.stopped_at !== null)) changes.push(isStopped ? "stopped" : "resumed");
  return changes;
}
