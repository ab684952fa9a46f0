/** What a merchant may pay out: for one payout, a day, a month of the merchant's calendar. */
import type { TributaryError } from "../../kit/error.ts";
import { uuidFloor } from "../../kit/id.ts";
import { dayOf, localDay } from "../../kit/local-day.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { getMerchant } from "../merchant/index.ts";
import { payoutErrors } from "./errors.ts";
import type { PayoutRules, SettingsKey } from "./settings.ts";
import { sumUsage, type Usage } from "./store.ts";

/** Refuses an amount that one payout may not have. */
export function checkSingle(rules: PayoutRules, amount: bigint): TributaryError | undefined {
  const { single_minimum: minimum, single_maximum: maximum } = rules;
  if (amount >= minimum && (maximum === null || amount <= maximum)) return undefined;
  const values = { minimum, maximum: maximum ?? "any amount" };
  return payoutErrors["payout.amount_out_of_range"]({ param: "amount", values });
}

/** Counts payouts against what a day and a month allow, one after another. */
export interface LimitCounter {
  /** Takes an amount, or refuses it and leaves everything as it was. */
  take(amount: bigint): TributaryError | undefined;
}

/** A counter of limits that were used so far. Pure. */
export function createLimitCounter(rules: PayoutRules, used: Usage): LimitCounter {
  let { day_count, day_amount, month_amount } = used;
  const reached = (limit: bigint | number, period: string) =>
    payoutErrors["payout.limit_reached"]({ param: "amount", values: { limit, period } });
  return {
    take(amount) {
      const { day_count_maximum, day_amount_maximum, month_amount_maximum } = rules;
      if (day_count_maximum !== null && day_count + 1n > BigInt(day_count_maximum)) {
        return reached(day_count_maximum, "day");
      }
      if (day_amount_maximum !== null && day_amount + amount > day_amount_maximum) {
        return reached(day_amount_maximum, "day");
      }
      if (month_amount_maximum !== null && month_amount + amount > month_amount_maximum) {
        return reached(month_amount_maximum, "month");
      }
      day_count += 1n;
      day_amount += amount;
      month_amount += amount;
      return undefined;
    },
  };
}

const NOTHING: Usage = { day_count: 0n, day_amount: 0n, month_amount: 0n };

/** A day's instants may differ from an id's by so much. */
const ID_SLACK_MS = 60_000;

/** Reads what was used, where there is a limit to compare it with. The caller holds the lock of the settings. */
export async function openLimits(
  tx: Transaction,
  key: SettingsKey,
  rules: PayoutRules,
  now: number,
): Promise<LimitCounter> {
  const { day_count_maximum, day_amount_maximum, month_amount_maximum } = rules;
  const isLimited = [day_count_maximum, day_amount_maximum, month_amount_maximum].some((limit) => limit !== null);
  if (!isLimited) return createLimitCounter(rules, NOTHING);
  const { time_zone } = await getMerchant(tx, key.merchant_id);
  const today = localDay(now, time_zone);
  const day = dayOf(today, time_zone)!.from;
  const month = dayOf(`${today.slice(0, 8)}01`, time_zone)!.from;
  return createLimitCounter(rules, await sumUsage(tx, key, { day, month, id_floor: uuidFloor(month - ID_SLACK_MS) }));
}
