// Guarantee: for any tree of agents, any prices, and refunds in any split that succeed or fail, everybody gets exactly what
// the prices say: books verify after the months, and agents have to draw what was settled.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCommissions } from "../../ledger/index.ts";
import type { TestBooks } from "../../ledger/testing/books.ts";
import {
  balanceOf,
  betweenBooks,
  expectClean,
  type Funding,
  makeAgent,
  makeMerchant,
  nextMonth,
  openWorld,
  type Paid,
  pay,
  type Refunded,
  refund,
  settlementsOf,
  work,
} from "./testing/world.ts";

let books: TestBooks;

beforeAll(async () => {
  books = await openWorld();
});

afterAll(() => books.close());

const cases = fc.record({
  /** Each agent's parent among those before it, and how much more it pays. */
  agents: fc.array(fc.record({ parent: fc.nat(), more: fc.bigInt({ min: 0n, max: 900n }) }), {
    minLength: 1,
    maxLength: 6,
  }),
  line: fc.boolean(),
  merchants: fc.array(fc.record({ agent: fc.nat(), more: fc.bigInt({ min: 0n, max: 3_000n }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  payments: fc.array(
    fc.record({
      merchant: fc.nat(),
      amount: fc.oneof(fc.bigInt({ min: 1n, max: 999n }), fc.bigInt({ min: 1n, max: 1_000_000n })),
      mode: fc.constantFrom<Funding>("pooled", "direct"),
      method: fc.constantFrom("wechat.native", "alipay.qr"),
      refunds: fc.array(
        fc.record({ part: fc.bigInt({ min: 1n, max: 100n }), fails: fc.boolean(), later: fc.boolean() }),
        {
          maxLength: 5,
        },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});
type Case = typeof cases extends fc.Arbitrary<infer One> ? One : never;

async function makeTree({ agents, line, merchants }: Case) {
  const made: { id: string; ppm: bigint }[] = [];
  for (const { parent, more } of agents) {
    const above = made.length === 0 ? undefined : made[line ? made.length - 1 : parent % made.length];
    const ppm = (above?.ppm ?? 2_000n) + more;
    made.push({ ...(await makeAgent(above?.id ?? null, ppm)), ppm });
  }
  const shops: string[] = [];
  for (const { agent, more } of merchants) {
    const { id, ppm } = made[agent % made.length]!;
    shops.push((await makeMerchant(id, ppm + more)).id);
  }
  return { agents: made.map(({ id }) => id), shops };
}

async function refundSome(payments: readonly (readonly [Paid, Case["payments"][number]])[], later: boolean) {
  for (const [payment, { refunds }] of payments) {
    for (const one of refunds.filter((refund) => refund.later === later)) {
      const left = payment.facts.amount - payment.refunds.reduce((sum, { amount }) => sum + amount, 0n);
      const amount = one.part === 100n ? left : (left * one.part) / 100n;
      if (amount > 0n) await refund(payment, amount, one.fails);
    }
  }
}

test("any tree, prices, refunds and failures: sums are exact, books verify, agents have what was settled", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      const { agents, shops } = await makeTree(one);
      const payments: [Paid, Case["payments"][number]][] = [];
      for (const each of one.payments) {
        const shop = shops[each.merchant % shops.length]!;
        payments.push([await pay(shop, each.amount, each.method, each.mode), each]);
      }
      await refundSome(payments, false);
      nextMonth();
      await work();
      await refundSome(payments, true);
      nextMonth();
      await work();
      for (const agent of agents) {
        // What each payment gave it, less what its refunds took back.
        const of = (stored: Refunded["commissions"]) =>
          readCommissions(stored).reduce((sum, part) => sum + (part.agent_id === agent ? part.amount : 0n), 0n);
        const earned = payments.reduce(
          (sum, [{ facts, refunds }]) =>
            sum + of(facts.commissions) - refunds.reduce((back, refund) => back + of(refund.commissions), 0n),
          0n,
        );
        const available = await balanceOf(agent, "merchant_available");
        expect(available + (await balanceOf(agent, "commission_payable"))).toBe(earned);
        expect(available >= 0n && earned >= 0n).toBe(true);
        const settlements = await settlementsOf(agent);
        expect(settlements.reduce((sum, { total }) => sum + total, 0n)).toBe(earned);
      }
      expect(await betweenBooks()).toBe(0n);
      await expectClean();
    }),
    { numRuns: 12 },
  );
}, 120_000);
