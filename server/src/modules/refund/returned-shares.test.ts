// Guarantee: however a payment is refunded, the fee and cost that come back are never more than were taken, never more
// than the refund itself, and exactly the whole once all is refunded.
import fc from "fast-check";
import { expect, test } from "vitest";
import { returnedShares } from "./returned-shares.ts";

/** A payment with a fee and a cost of at most its amount, and the parts in which it is refunded. */
const splits = fc
  .tuple(
    fc.bigInt({ min: 1n, max: 100_000_000_000n }),
    fc.bigInt({ min: 0n, max: 1_000_000n }),
    fc.bigInt({ min: 0n, max: 1_000_000n }),
    fc.array(fc.bigInt({ min: 1n, max: 1_000_000n }), { maxLength: 12 }),
  )
  .map(([amount, fee_ppm, cost_ppm, weights]) => {
    const fee_amount = (amount * fee_ppm) / 1_000_000n;
    const cost_amount = (amount * cost_ppm) / 1_000_000n;
    const parts: bigint[] = [];
    let rest = amount;
    for (const weight of weights) {
      const part = (rest * weight) / 1_000_000n;
      if (part === 0n || part === rest) continue;
      parts.push(part);
      rest -= part;
    }
    return { attempt: { amount, fee_amount, cost_amount, fee_returns: true, cost_returns: true }, parts, rest };
  });

test("any split returns each part's share at most, and the whole at the end", () => {
  fc.assert(
    fc.property(splits, ({ attempt, parts, rest }) => {
      const refunds: { amount: bigint; fee_amount: bigint; cost_amount: bigint }[] = [];
      const sum = (pick: (refund: (typeof refunds)[number]) => bigint) =>
        refunds.reduce((total, refund) => total + pick(refund), 0n);
      for (const amount of [...parts, rest]) {
        const shares = returnedShares(attempt, refunds, amount);
        refunds.push({ amount, ...shares });
        for (const share of [shares.fee_amount, shares.cost_amount]) {
          expect(share >= 0n && share <= amount).toBe(true);
        }
        const fee = sum((refund) => refund.fee_amount);
        expect(fee * attempt.amount <= attempt.fee_amount * sum((refund) => refund.amount)).toBe(true);
      }
      expect(sum((refund) => refund.fee_amount)).toBe(attempt.fee_amount);
      expect(sum((refund) => refund.cost_amount)).toBe(attempt.cost_amount);
    }),
  );
});

test("a refund that failed in between gives its share back to the next", () => {
  const attempt = { amount: 1000n, fee_amount: 7n, cost_amount: 3n, fee_returns: true, cost_returns: true };
  const first = { amount: 500n, ...returnedShares(attempt, [], 500n) };
  expect(first).toEqual({ amount: 500n, fee_amount: 3n, cost_amount: 1n });
  expect(returnedShares(attempt, [], 1000n)).toEqual({ fee_amount: 7n, cost_amount: 3n });
  expect(returnedShares(attempt, [first], 500n)).toEqual({ fee_amount: 4n, cost_amount: 2n });
});

test("what does not return stays", () => {
  const attempt = { amount: 1000n, fee_amount: 7n, cost_amount: 3n, fee_returns: false, cost_returns: false };
  expect(returnedShares(attempt, [], 1000n)).toEqual({ fee_amount: 0n, cost_amount: 0n });
});

test("whichever refunds fail, no share is above its refund and their sum is never above what was taken", () => {
  fc.assert(
    fc.property(splits, fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }), ({ attempt, parts }, fails) => {
      let open: { amount: bigint; fee_amount: bigint; cost_amount: bigint; fails: boolean }[] = [];
      for (const [index, amount] of parts.entries()) {
        const shares = returnedShares(attempt, open, amount);
        expect(shares.fee_amount <= amount && shares.cost_amount <= amount).toBe(true);
        open.push({ amount, ...shares, fails: fails[index]! });
        // Results come later than the next request.
        if (index % 3 === 2) open = open.filter((refund) => !refund.fails);
      }
      const fee = open.reduce((total, refund) => total + refund.fee_amount, 0n);
      expect(fee <= attempt.fee_amount).toBe(true);
    }),
  );
});

test("what failed refunds leave due is never more than the next refund moves", () => {
  const attempt = { amount: 8n, fee_amount: 4n, cost_amount: 4n, fee_returns: true, cost_returns: true };
  const kept = [1n, 1n, 1n].map((amount) => ({ amount, fee_amount: 0n, cost_amount: 0n }));
  expect(returnedShares(attempt, kept, 1n)).toEqual({ fee_amount: 1n, cost_amount: 1n });
});
