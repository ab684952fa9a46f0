/** Quotas of promotions: the first payments, or the first money, of a period. Pure. */
import { addDays, localDay, weekdayOf } from "../../kit/local-day.ts";
import { invalidRule } from "./fee.ts";

export const quotaPeriods = ["day", "week", "month", "ever"] as const;
export type QuotaPeriod = (typeof quotaPeriods)[number];

/** All null on a standing rule. A promotion prices while both limits leave room for the whole payment. */
export interface Quota {
  quota_period: QuotaPeriod | null;
  quota_count: bigint | null;
  /** Minor units. */
  quota_amount: bigint | null;
  quota_time_zone: string | null;
}

/** What is taken of a quota in one period. */
export interface QuotaTaken {
  count: bigint;
  amount: bigint;
}

/** The name of the period that an instant belongs to: 2026-11-20, a week's Monday, 2026-11, or ever. */
export function periodAt({ quota_period, quota_time_zone }: Quota, at: number): string {
  if (quota_period === null || quota_period === "ever") return "ever";
  const day = localDay(at, quota_time_zone!);
  if (quota_period === "day") return day;
  return quota_period === "month" ? day.slice(0, 7) : addDays(day, 1 - weekdayOf(day));
}

/** Whether a payment of that amount, all of it, still fits. */
export function hasRoom({ quota_count, quota_amount }: Quota, taken: QuotaTaken, amount: bigint): boolean {
  if (quota_count !== null && taken.count >= quota_count) return false;
  return quota_amount === null || taken.amount + amount <= quota_amount;
}

/** @throws fee.invalid_rule */
export function checkQuota(input: Partial<Omit<Quota, "quota_time_zone">>, time_zone: string): Quota {
  const { quota_period = null, quota_count = null, quota_amount = null } = input;
  const limited = quota_count !== null || quota_amount !== null;
  if (limited !== (quota_period !== null)) {
    throw invalidRule("quota_period", "A promotion needs quota_period, and quota_count or quota_amount or both.");
  }
  if (quota_count !== null && quota_count <= 0n) throw invalidRule("quota_count", "quota_count must be above zero.");
  if (quota_amount !== null && quota_amount <= 0n) {
    throw invalidRule("quota_amount", "quota_amount must be above zero.");
  }
  return { quota_period, quota_count, quota_amount, quota_time_zone: quota_period === null ? null : time_zone };
}
