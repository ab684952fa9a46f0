/** What is planted in the bills of the month, and what must be found for it: exactly that. */

import { addDays } from "../../../server/src/kit/local-day.ts";
import type { Difference } from "../../../server/src/modules/reconciliation/index.ts";
import { COST_PPM } from "../../platform/merchants.ts";
import { share } from "../books.ts";
import { type Account, below, type Cast, pick, type Shop } from "./cast.ts";
import type { Movement } from "./days.ts";

/** A difference that must be found, and what becomes of it. */
export interface Finding {
  readonly account: Account;
  /** Whose bill shows it. */
  readonly day: string;
  readonly type: Difference["type"];
  readonly number: string;
  readonly resolution: "decided" | "paired" | "booked";
  /** What the channel ought to have settled by the books, less what it does settle. */
  readonly delta: bigint;
  /** In whose book it is; nobody's until a case gives it to somebody. */
  shop: Shop | undefined;
  /** What the operators decided. */
  action?: string;
}

type Plant = (
  cast: Cast,
  movement: Movement,
  day: string,
) => { asked: Record<string, unknown>; found: readonly Partial<Finding>[] } | undefined;

const netOf = ({ amount, cost, account }: Movement) => (account.pooled ? amount - cost : 0n);
/** Direct money is in no book of ours. */
const inBook = ({ account }: Movement, delta: bigint) => (account.pooled ? delta : 0n);
const isPayment = ({ entry }: Movement) => entry === "payment";

let last = 0;
const strange = () => {
  last += 1;
  return `STRANGE${last}`;
};

/** Found on its day and on the next, and paired. */
const late =
  (kind: string): Plant =>
  (_, movement, day) => {
    const found = { type: isPayment(movement) ? "cross_day" : "late_refund", resolution: "paired", delta: 0n } as const;
    return { asked: { kind }, found: [found, { ...found, day: addDays(day, 1) }] };
  };

const plants: Record<string, Plant> = {
  missing: (_, movement) => ({ asked: { kind: "missing" }, found: [{ type: "ours_only", delta: netOf(movement) }] }),
  late: late("late"),
  midnight: late("midnight"),
  amount({ random }, movement) {
    const by = pick(random, [-700, -1, 1, 900]);
    const delta = inBook(movement, BigInt(isPayment(movement) ? -by : by));
    return { asked: { kind: "amount", by }, found: [{ type: "amount", delta }] };
  },
  fee({ random }, movement) {
    if (!isPayment(movement)) return undefined;
    const by = pick(random, [-4, -1, 1, 6]);
    const small = Math.abs(by) === 1;
    // In direct mode fees are the merchant's own affair.
    if (!movement.account.pooled) return { asked: { kind: "fee", by }, found: [] };
    const resolution = small ? "booked" : "decided";
    return { asked: { kind: "fee", by }, found: [{ type: "fee", resolution, delta: BigInt(by) }] };
  },
  currency(_, movement) {
    if (movement.account.channel !== "wechat") return undefined;
    return { asked: { kind: "currency", currency: "USD" }, found: [{ type: "currency", delta: netOf(movement) }] };
  },
  duplicate: (_, movement) => ({
    asked: { kind: "duplicate" },
    found: [{ type: "duplicate", delta: -netOf(movement) }],
  }),
  number(_, movement) {
    if (!isPayment(movement)) return undefined;
    const to = strange();
    const theirs = { type: "unknown_number", number: to, delta: -netOf(movement), shop: undefined } as const;
    return { asked: { kind: "number", to }, found: [{ type: "ours_only", delta: netOf(movement) }, theirs] };
  },
};

/** Plants up to three differences in the lines of a day of an account; each line has at most one. */
export function plantInLines(cast: Cast, account: Account, day: string, lines: readonly Movement[]) {
  const { random } = cast;
  const left = lines.filter((line) => line.account === account);
  const asked: Record<string, unknown>[] = [];
  const findings: Finding[] = [];
  for (let count = below(random, 4); count > 0 && left.length > 0; count -= 1) {
    const [movement] = left.splice(below(random, left.length), 1) as [Movement];
    const planted = plants[pick(random, Object.keys(plants))]!(cast, movement, day);
    if (!planted) continue;
    asked.push({ ...planted.asked, number: movement.number });
    const usual = { account, day, number: movement.number, resolution: "decided", shop: movement.shop };
    for (const found of planted.found) findings.push({ ...usual, ...found } as Finding);
  }
  if (below(random, 8) === 0) {
    const [number, amount] = [strange(), 1_000 * (1 + below(random, 50))];
    asked.push({ kind: "extra", number, amount });
    const net = BigInt(amount) - share(BigInt(amount), COST_PPM);
    const delta = account.pooled ? -net : 0n;
    const found = { type: "unknown_number", resolution: "decided", delta, shop: undefined } as const;
    findings.push({ account, day, number, ...found });
  }
  return { asked, findings };
}

/** What may be wrong with a file as a whole, until the channel gives a good one. */
const fileFaults: Record<Account["channel"], readonly Record<string, unknown>[]> = {
  wechat: [{ kind: "hash" }, { kind: "truncated" }, { kind: "doubled" }, { kind: "summary", by: 100 }],
  alipay: [{ kind: "truncated" }, { kind: "doubled" }, { kind: "summary", by: -100 }],
  // UnionPay's files state nothing of themselves: a doubled one is not refused, and its lines differ until a person hands in a good one.
  unionpay: [{ kind: "not_ready", seconds: 72_000 }],
};

/** Now and then the file is bad, or late by up to a day and a half. */
export function plantInFile({ random }: Cast, { channel }: Account): Record<string, unknown>[] {
  const chance = below(random, 10);
  if (chance === 0) return [pick(random, fileFaults[channel])];
  return chance === 1 ? [{ kind: "not_ready", seconds: 3_600 * (14 + below(random, 24)) }] : [];
}
