// Guarantee: the guide's worked example is what the code pays, to the fen.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { applyRate, toDecimal } from "../../kit/money.ts";
import { readCommissions, sumCommissions, writeCommissions } from "../../ledger/index.ts";
import { returnedCommissions } from "../refund/returned-commissions.ts";
import { returnedShares } from "../refund/returned-shares.ts";
import { chargeOf, type Level, shareFee } from "./price.ts";

const guide = readFileSync(new URL("../../../../docs/guides/agents.md", import.meta.url), "utf8");
/** From the top: North, City, Street. */
const prices = [3_800n, 4_000n, 4_500n].map((rate_ppm) => ({ rate_ppm, fixed_amount: 0n }));
const names = ["North", "City", "Street"];
const levels = prices.map((price, index): Level => {
  const terms = { price, default: price, minimum: price, maximum: price };
  return { agent_id: names[index]!, own: true, terms };
});
const yuan = (amount: bigint) => toDecimal({ amount, currency: "CNY" });
const rows = [...guide.matchAll(/^\|(.+)\|$/gm)].map(([, cells]) =>
  cells!
    .split("|")
    .map((cell) => cell.trim())
    .join(" "),
);
const parts = (amount: bigint, fee: bigint) => {
  const shared = shareFee(levels, amount, fee);
  return names.map((name) => shared.find((part) => part.agent_id === name)?.amount ?? 0n).toReversed();
};

test.each([100_00n, 33_33n, 99n])("a payment of %s earns what the guide says", (amount) => {
  const fee = applyRate(amount, 6_000n, "half_up");
  const earned = parts(amount, fee);
  const charges = prices.map((price) => chargeOf(price, amount)).toReversed();
  const platform = fee - earned.reduce((sum, part) => sum + part, 0n);
  expect(rows).toContain([amount, fee, ...charges, ...earned, platform].map(yuan).join(" "));
});

test.each([42n, 39n, 20n])("a fee of %s earns what the guide says", (fee) => {
  const earned = parts(100_00n, fee);
  const platform = fee - earned.reduce((sum, part) => sum + part, 0n);
  expect(rows).toContain([100_00n, fee, ...earned, platform].map(yuan).join(" "));
});

test("refunds take back what the guide says", () => {
  const shared = shareFee(levels, 100_00n, 60n);
  expect(sumCommissions(shared)).toBe(22n);
  const fees = { amount: 100_00n, fee_amount: 60n, fee_returns: true, cost_amount: 0n, cost_returns: true };
  const attempt = { ...fees, commissions: writeCommissions(shared) };
  const made: { amount: bigint; fee_amount: bigint; cost_amount: bigint; commissions: typeof attempt.commissions }[] =
    [];
  for (const amount of [40_00n, 60_00n]) {
    const shares = returnedShares(attempt, made, amount);
    const commissions = returnedCommissions(attempt, made, shares.fee_amount);
    made.push({ amount, ...shares, commissions });
    const back = readCommissions(commissions);
    const of = (name: string) => back.find((part) => part.agent_id === name)?.amount ?? 0n;
    expect(rows).toContain([amount, shares.fee_amount, ...names.toReversed().map(of)].map(yuan).join(" "));
  }
});
