// Guarantee: however a payment is refunded and whichever refunds fail, agents give back their commissions with the fee:
// never more than they were given, and exactly that once the whole fee has come back.
import fc from "fast-check";
import { expect, test } from "vitest";
import { readCommissions, type StoredCommission } from "../../ledger/index.ts";
import { returnedCommissions } from "./returned-commissions.ts";
import { returnedShares } from "./returned-shares.ts";

/** A payment whose fee is shared among up to six agents, and the parts in which it is refunded. */
const cases = fc
  .record({
    amount: fc.bigInt({ min: 1n, max: 10_000_000_000n }),
    fee_ppm: fc.bigInt({ min: 0n, max: 1_000_000n }),
    shares: fc.array(fc.bigInt({ min: 0n, max: 1_000_000n }), { maxLength: 6 }),
    cuts: fc.array(fc.bigInt({ min: 1n, max: 1_000_000n }), { maxLength: 12 }),
    fails: fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
  })
  .map(({ amount, fee_ppm, shares, cuts, fails }) => {
    const fee_amount = (amount * fee_ppm) / 1_000_000n;
    let left = fee_amount;
    const commissions: StoredCommission[] = [];
    for (const [index, share] of shares.entries()) {
      const part = (left * share) / 1_000_000n;
      left -= part;
      if (part > 0n) commissions.push({ agent_id: `agent-${index}`, amount: String(part) });
    }
    const parts: bigint[] = [];
    let rest = amount;
    for (const cut of cuts) {
      const part = (rest * cut) / 1_000_000n;
      if (part === 0n || part === rest) continue;
      parts.push(part);
      rest -= part;
    }
    const attempt = { amount, fee_amount, fee_returns: true, cost_amount: 0n, cost_returns: true };
    return { attempt: { ...attempt, commissions: commissions.length > 0 ? commissions : null }, parts, rest, fails };
  });

type Case = typeof cases extends fc.Arbitrary<infer One> ? One : never;
interface Made {
  amount: bigint;
  fee_amount: bigint;
  cost_amount: bigint;
  commissions: StoredCommission[] | null;
  fails: boolean;
}

function makeRefund({ attempt }: Case, earlier: readonly Made[], amount: bigint, fails: boolean): Made {
  const shares = returnedShares(attempt, earlier, amount);
  return { amount, ...shares, commissions: returnedCommissions(attempt, earlier, shares.fee_amount), fails };
}

const given = (refunds: readonly Made[], agent_id: string) =>
  refunds
    .flatMap((refund) => readCommissions(refund.commissions))
    .filter((part) => part.agent_id === agent_id)
    .reduce((sum, part) => sum + part.amount, 0n);

test("any split gives back each commission's share at most, and the whole with the whole fee", () => {
  fc.assert(
    fc.property(cases, (one) => {
      const refunds: Made[] = [];
      for (const amount of [...one.parts, one.rest]) {
        refunds.push(makeRefund(one, refunds, amount, false));
        const fee = refunds.reduce((sum, refund) => sum + refund.fee_amount, 0n);
        for (const { agent_id, amount: whole } of readCommissions(one.attempt.commissions)) {
          const back = given(refunds, agent_id);
          expect(back * one.attempt.fee_amount <= whole * fee && back >= 0n).toBe(true);
        }
      }
      for (const { agent_id, amount } of readCommissions(one.attempt.commissions)) {
        expect(given(refunds, agent_id)).toBe(amount);
      }
    }),
  );
});

test("whichever refunds fail, nobody gives back more than it was given, and all of it once all is refunded", () => {
  fc.assert(
    fc.property(cases, (one) => {
      let kept: Made[] = [];
      for (const [index, amount] of one.parts.entries()) {
        kept.push(makeRefund(one, kept, amount, one.fails[index]!));
        // Results come later than the next request.
        if (index % 3 === 2) kept = kept.filter((refund) => !refund.fails);
      }
      const refunded = kept.reduce((sum, refund) => sum + refund.amount, 0n);
      kept.push(makeRefund(one, kept, one.attempt.amount - refunded, false));
      const fee = kept.reduce((sum, refund) => sum + refund.fee_amount, 0n);
      for (const { agent_id, amount } of readCommissions(one.attempt.commissions)) {
        const back = given(kept, agent_id);
        expect(back <= amount).toBe(true);
        if (fee === one.attempt.fee_amount) expect(back).toBe(amount);
      }
    }),
  );
});

test("where the fee stays, commissions stay", () => {
  const attempt = { fee_amount: 60n, commissions: [{ agent_id: "a", amount: "20" }] };
  expect(returnedCommissions(attempt, [], 0n)).toBeNull();
  expect(returnedCommissions({ ...attempt, commissions: null }, [], 60n)).toBeNull();
});
