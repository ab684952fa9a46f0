/** What routing rules and limits say. Pure. */
import { publicId } from "../../kit/id.ts";
import { isTimeZone } from "../../kit/local-day.ts";
import { isCurrency } from "../../kit/money.ts";
import { checkCondition } from "./condition.ts";
import { routingErrors } from "./errors.ts";
import { minuteOf } from "./local-time.ts";

/** Where a rule leads. Accounts are UUIDs; `accounts` narrows a choice that is otherwise among all that are eligible. */
export type Target =
  | { readonly kind: "account"; readonly account: string }
  | { readonly kind: "weighted"; readonly accounts: readonly Weighted[] }
  | { readonly kind: "cheapest"; readonly accounts?: readonly string[] | undefined }
  | {
      readonly kind: "best_success_rate";
      readonly accounts?: readonly string[] | undefined;
      readonly window_s: number;
      /** How many payments of a million try another account than the best, so that it can become the best. */
      readonly exploration_ppm: number;
    };

export interface Weighted {
  readonly account: string;
  readonly weight: number;
}

/** One rule of a merchant's book. The first whose condition holds and whose target can take the payment decides. */
export interface RoutingRule {
  readonly merchant_id: string;
  /** UUID. */
  readonly id: string;
  readonly livemode: boolean;
  /** Null for all apps. */
  readonly app_id: string | null;
  /** Smaller ones are tried first; equal ones in the order in which they were made. */
  readonly priority: number;
  readonly name: string;
  /** CEL over the payment; see `condition.ts`. */
  readonly condition: string;
  readonly target: Target;
  /** A payer who is known stays with the account that last took their money, while it can. */
  readonly sticky: boolean;
  /** IANA name; what `hour` and `weekday` mean in the condition. */
  readonly time_zone: string;
  readonly created_at: number;
}

/** What one account may take of one merchant in one currency. Null is no limit. */
export interface RoutingLimit {
  readonly merchant_id: string;
  readonly channel_account_id: string;
  readonly currency: string;
  /** Of one payment, in minor units. */
  readonly amount_min: bigint | null;
  readonly amount_max: bigint | null;
  /** Of all that succeeds on one day of `time_zone`. */
  readonly day_amount_max: bigint | null;
  /** `HH:MM`; both or none. Where it opens later than it closes, it is open over midnight. */
  readonly opens_at: string | null;
  readonly closes_at: string | null;
  readonly time_zone: string;
}

const NAME_LENGTH_MAX = 100;
const WEIGHT_MAX = 1_000_000;
const ACCOUNTS_MAX = 50;
const WINDOW_S_MIN = 60;
const WINDOW_S_MAX = 7 * 86_400;
const PPM = 1_000_000;

/** @throws routing.rule_invalid with a sentence that says what is wrong, and where. */
export function checkRule(rule: RoutingRule): void {
  const name = rule.name.trim();
  refuseUnless(
    name.length > 0 && name.length <= NAME_LENGTH_MAX,
    "name",
    `name must have 1 to ${NAME_LENGTH_MAX} characters.`,
  );
  refuseUnless(Number.isSafeInteger(rule.priority), "priority", "priority must be a whole number.");
  refuseUnless(isTimeZone(rule.time_zone), "time_zone", "time_zone must be an IANA name such as Asia/Shanghai.");
  const problem = checkCondition(rule.condition);
  refuseUnless(problem === undefined, "condition", problem ?? "");
  checkTarget(rule.target);
}

function checkTarget(target: Target): void {
  const accounts = accountsOf(target);
  refuseUnless(
    accounts === undefined || (accounts.length > 0 && accounts.length <= ACCOUNTS_MAX),
    "target",
    `target must name 1 to ${ACCOUNTS_MAX} channel accounts.`,
  );
  const twice = accounts?.find((account, index) => accounts.indexOf(account) !== index);
  refuseUnless(twice === undefined, "target", `target names ${twice && publicId("channel_account", twice)} twice.`);
  if (target.kind === "weighted") {
    const good = target.accounts.every(({ weight }) => isWithin(weight, 1, WEIGHT_MAX));
    refuseUnless(good, "target", `Weights must be whole numbers from 1 to ${WEIGHT_MAX}.`);
  }
  if (target.kind === "best_success_rate") {
    const { window_s, exploration_ppm } = target;
    refuseUnless(
      isWithin(window_s, WINDOW_S_MIN, WINDOW_S_MAX),
      "target",
      `window_s must be from ${WINDOW_S_MIN} to ${WINDOW_S_MAX} seconds.`,
    );
    refuseUnless(isWithin(exploration_ppm, 0, PPM), "target", `exploration_ppm must be from 0 to ${PPM}.`);
  }
}

/** The accounts that a target names, or undefined when it leaves the choice open. */
export function accountsOf(target: Target): readonly string[] | undefined {
  if (target.kind === "account") return [target.account];
  return target.kind === "weighted" ? target.accounts.map(({ account }) => account) : target.accounts;
}

/** @throws routing.limit_invalid */
export function checkLimit(limit: RoutingLimit): void {
  const { currency, amount_min, amount_max, day_amount_max, opens_at, closes_at, time_zone } = limit;
  const negative = [amount_min, amount_max, day_amount_max].some((amount) => amount !== null && amount < 0n);
  const crossed = amount_min !== null && amount_max !== null && amount_max < amount_min;
  const unreadable = [opens_at, closes_at].some((time) => time !== null && minuteOf(time) === undefined);
  const problems: readonly (readonly [boolean, string])[] = [
    [!isCurrency(currency), "currency must be an ISO 4217 code such as CNY."],
    [negative, "Amounts must not be negative."],
    [crossed, "The largest amount must not be below the smallest."],
    [(opens_at === null) !== (closes_at === null), "Give both hours or none."],
    [unreadable, "Hours must be times of day such as 08:30."],
    [opens_at !== null && opens_at === closes_at, "The hours are the same: leave both out where it is always open."],
    [!isTimeZone(time_zone), "time_zone must be an IANA name such as Asia/Shanghai."],
  ];
  const found = problems.find(([wrong]) => wrong);
  if (found) throw routingErrors["routing.limit_invalid"]({ values: { problem: found[1] } });
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

function refuseUnless(good: boolean, param: string, problem: string): void {
  if (!good) throw routingErrors["routing.rule_invalid"]({ param, values: { problem } });
}
