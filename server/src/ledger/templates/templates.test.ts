// Guarantee: every template balances in every currency and both funding modes, a failed refund restores exactly what it
// took, and the whole life of a payment leaves nothing in transit.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { accountKinds } from "../accounts.ts";
import { type CommissionPart, sumCommissions } from "../commission.ts";
import { changeOf, findImbalance, type NewPosting } from "../posting.ts";
import { duplicatePaymentPosting, type PaidAttempt, paymentPosting } from "./payment.ts";
import {
  type BookedRefund,
  duplicateRefundPosting,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "./refund.ts";
import { settlementPosting } from "./settlement.ts";

const attempts = fc
  .record({
    funding_mode: fc.constantFrom("pooled", "direct") as fc.Arbitrary<"pooled" | "direct">,
    currency: fc.constantFrom("CNY", "USD", "JPY", "KWD"),
    amount: fc.bigInt({ min: 1n, max: 10n ** 15n }),
    fee: fc.bigInt({ min: 0n, max: 10n ** 15n }),
    cost: fc.bigInt({ min: 0n, max: 10n ** 15n }),
    shares: fc.array(fc.bigInt({ min: 0n, max: 1_000n }), { maxLength: 4 }),
  })
  .map(({ amount, fee, cost, shares, currency, funding_mode }): PaidAttempt => {
    const ids = { merchant_id: randomUUID(), attempt_id: randomUUID(), channel_account_id: randomUUID() };
    const money = { amount, currency };
    return {
      ...ids,
      livemode: true,
      funding_mode,
      amount: money,
      fee: fee % (amount + 1n),
      cost: cost % (amount + 1n),
      commissions: shareOut(fee % (amount + 1n), shares),
      occurred_at: 0,
    };
  });

/** Each agent in turn takes so many thousandths of what is left of the fee. */
function shareOut(fee: bigint, shares: readonly bigint[]): CommissionPart[] {
  let left = fee;
  const parts = shares.map((share) => {
    const amount = (left * share) / 1_000n;
    left -= amount;
    return { agent_id: randomUUID(), amount };
  });
  return parts.filter(({ amount }) => amount > 0n);
}

/** Cuts the amount at the given points; each part gets back its share of fee and cost, cumulatively rounded down. */
function split(attempt: PaidAttempt, cuts: readonly bigint[]): BookedRefund[] {
  const whole = attempt.amount.amount;
  const points = [...new Set([...cuts.map((cut) => cut % whole), 0n, whole])].sort((a, b) => (a < b ? -1 : 1));
  const { attempt_id: _, ...facts } = attempt;
  return points.slice(1).map((point, index) => {
    const before = points[index]!;
    const share = (total: bigint) => (total * point) / whole - (total * before) / whole;
    const amount = { amount: point - before, currency: attempt.amount.currency };
    return {
      ...facts,
      refund_id: randomUUID(),
      amount,
      fee: share(attempt.fee),
      cost: share(attempt.cost),
      commissions: attempt.commissions?.map(({ agent_id, amount }) => ({ agent_id, amount: share(amount) })) ?? [],
      from_available: 0n,
      from_reserve: 0n,
    };
  });
}

const cuts = fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { maxLength: 8 });

function balancesOf(postings: readonly NewPosting[]): Map<string, bigint> {
  const balances = new Map<string, bigint>();
  for (const line of postings.flatMap((posting) => posting.lines)) {
    balances.set(line.account.kind, (balances.get(line.account.kind) ?? 0n) + changeOf(line));
  }
  return balances;
}

const withoutZeros = (balances: Map<string, bigint>) =>
  Object.fromEntries([...balances].filter(([, value]) => value !== 0n));

test("every template balances", () => {
  fc.assert(
    fc.property(attempts, cuts, (attempt, points) => {
      const refunds = split(attempt, points);
      const postings = [
        paymentPosting(attempt),
        duplicatePaymentPosting(attempt),
        ...refunds.flatMap((refund) => [
          refundInitiatedPosting(refund),
          refundSucceededPosting(refund),
          refundFailedPosting(refund),
          duplicateRefundPosting(refund),
        ]),
      ];
      for (const posting of postings) expect([posting.kind, findImbalance(posting)]).toEqual([posting.kind, undefined]);
    }),
  );
});

test("a failed refund restores what it took", () => {
  fc.assert(
    fc.property(attempts, cuts, (attempt, points) => {
      const refunds = split(attempt, points).flatMap((refund) => [
        refundInitiatedPosting(refund),
        refundFailedPosting(refund),
      ]);
      expect(withoutZeros(balancesOf(refunds))).toEqual({});
    }),
  );
});

test("a payment refunded whole, in any split, leaves nobody owing anything", () => {
  fc.assert(
    fc.property(attempts, cuts, (attempt, points) => {
      const refunds = split(attempt, points).flatMap((refund) => [
        refundInitiatedPosting(refund),
        refundSucceededPosting(refund),
      ]);
      expect(withoutZeros(balancesOf([paymentPosting(attempt), ...refunds]))).toEqual({});
      const duplicates = split(attempt, points).map(duplicateRefundPosting);
      expect(withoutZeros(balancesOf([duplicatePaymentPosting(attempt), ...duplicates]))).toEqual({});
    }),
  );
});

test("the merchant's own share is the amount less the fee, and the platform's the fee less the cost", () => {
  fc.assert(
    fc.property(attempts, (attempt) => {
      const balances = balancesOf([paymentPosting(attempt)]);
      const [gross, { fee, cost, commissions = [] }] = [attempt.amount.amount, attempt];
      const commission = sumCommissions(commissions);
      const owed = { commission_expense: commission, commission_payable: commission };
      const expected =
        attempt.funding_mode === "pooled"
          ? {
              merchant_pending: gross - fee,
              fee_income: fee,
              channel_cost: cost,
              channel_receivable: gross - cost,
              ...owed,
            }
          : { direct_collected: gross, direct_turnover: gross, service_fee_receivable: fee, fee_income: fee, ...owed };
      expect(withoutZeros(balances)).toEqual(withoutZeros(new Map(Object.entries(expected))));
    }),
  );
});

test("what is settled moves from pending to available, and a refund after it may draw on both and is restored to both", () => {
  fc.assert(
    fc.property(attempts, cuts, (attempt, points) => {
      const pooled = { ...attempt, funding_mode: "pooled" as const };
      const net = attempt.amount.amount - attempt.fee;
      const amount = { amount: net, currency: attempt.amount.currency };
      const { merchant_id, livemode, occurred_at } = attempt;
      const settlement = settlementPosting({
        merchant_id,
        livemode,
        settlement_id: randomUUID(),
        amount,
        reserved: 0n,
        occurred_at,
      });
      if (net > 0n) expect(findImbalance(settlement)).toBeUndefined();
      const refunds = split(pooled, points).map((refund, index) => {
        const owed = refund.amount.amount - refund.fee;
        return { ...refund, from_available: index % 2 === 0 ? owed : owed / 2n };
      });
      const [initiated, failed] = [refunds.map(refundInitiatedPosting), refunds.map(refundFailedPosting)];
      for (const posting of [...initiated, ...failed]) expect(findImbalance(posting)).toBeUndefined();
      expect(withoutZeros(balancesOf([...initiated, ...failed]))).toEqual({});
      const drawn = refunds.reduce((sum, { from_available }) => sum + from_available, 0n);
      const { merchant_available = 0n } = withoutZeros(balancesOf([settlement, ...initiated]));
      expect(merchant_available).toBe(net - drawn);
    }),
  );
});

test("a fee above its payment, or commissions above their fee, are a fault, not a posting", () => {
  const [attempt] = fc.sample(attempts, 1);
  expect(() => paymentPosting({ ...attempt!, fee: attempt!.amount.amount + 1n })).toThrow("never above");
  const commissions = [{ agent_id: randomUUID(), amount: attempt!.fee + 1n }];
  expect(() => paymentPosting({ ...attempt!, commissions })).toThrow("never above");
});

test("payments move the kinds of account that say so, and no other", () => {
  const moved = new Set(
    fc.sample(attempts, 500).flatMap((attempt) => [...balancesOf([paymentPosting(attempt)]).keys()]),
  );
  const said = Object.entries(accountKinds).filter(([, definition]) => definition.moved_by_payments);
  expect([...moved].sort()).toEqual(said.map(([kind]) => kind).sort());
});
