// Guarantee: on a real database, for every shape of fee and cost rule and in both funding modes, refunds in any split, with
// failures in between and however many at once, never give back more than was taken; refunded whole without a failure they
// give back exactly that, or nothing where the rule says so; and the books agree to the fen.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { getBalances, post } from "../../ledger/index.ts";
import { paymentPosting } from "../../ledger/templates/payment.ts";
import { clock, insertPayment, openTestBooks, paid, run, type TestBooks } from "../../ledger/testing/books.ts";
import { verify } from "../../ledger/verify/verify.ts";
import { createChannelCostRule, createFeeRule, priceAttempts } from "../fee/index.ts";
import { createMerchant } from "../merchant/index.ts";
import { hashContent, loadPayments } from "../payment/index.ts";
import { writeRefunds } from "./create-refund.ts";
import { writeRefundOutcomes } from "./record-refund-outcomes.ts";
import type { Refund } from "./refund.ts";
import type { RefundServices } from "./services.ts";
import { loadRefundsOfPayments } from "./store.ts";

let books: TestBooks;
let services: RefundServices;
const ids = createIdSource(clock, systemRandom);

beforeAll(async () => {
  books = await openTestBooks();
  const given = { db: books.db, clock, ids, log: createLogger("silent"), kick: { webhooks() {} } };
  services = { ...given, getChannel: () => undefined, settings: { public_url: "", distributed: false } } as never;
});
afterAll(() => books.close());

/** Rated, fixed, floored, capped and all of it, however it is rounded. */
const tariffs = fc
  .record({
    rate_ppm: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 60_000n }), fc.bigInt({ min: 1n, max: 1_000_000n })),
    fixed_amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 500n })),
    floor_amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 3_000n })),
    above_floor: fc.option(fc.bigInt({ min: 0n, max: 2_000n })),
    rounding: fc.constantFrom("half_up", "half_even", "up", "down"),
    returns: fc.constantFrom(true, true, false),
  })
  .map(({ above_floor, returns, ...tariff }) => {
    const cap_amount = above_floor === null ? null : tariff.floor_amount + above_floor;
    return { tariff: { ...tariff, cap_amount, currency: "CNY" } as const, returns };
  });

const cases = fc.record({
  amount: fc.oneof(fc.bigInt({ min: 1n, max: 50n }), fc.bigInt({ min: 1n, max: 2_000_000n })),
  funding_mode: fc.constantFrom("pooled" as const, "direct" as const),
  fee: tariffs,
  cost: tariffs,
  cuts: fc.array(fc.bigInt({ min: 1n, max: 2_000_000n }), { maxLength: 5 }),
  /** Which of the refunds the channel refuses; what they were of is refunded again at the end. */
  fails: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  at_once: fc.boolean(),
});
type Case = typeof cases extends fc.Arbitrary<infer Value> ? Value : never;

interface Made {
  merchant_id: string;
  payment_id: string;
  fee: bigint;
  cost: bigint;
}

/** A payment that was priced by real rules, in a book that can pay refunds of it. */
async function pay({ amount, funding_mode, fee, cost }: Case): Promise<Made> {
  const { id: merchant_id } = await createMerchant({ ...services, sql: books.db }, { name: "茶馆" });
  const channel_account_id = randomUUID();
  await run(
    books.db,
    `insert into channel_accounts (id, channel, name, funding_mode, livemode, methods, config, secrets_sealed, created_at)
     values ($1, 'wechat', 'c', 'pooled', true, '{}', '{}', '', now())`,
    [channel_account_id],
  );
  const given = { ...services, sql: books.db };
  await createFeeRule(given, { ...fee.tariff, merchant_id, livemode: true, refund_returns_fee: fee.returns });
  await createChannelCostRule(given, { ...cost.tariff, channel_account_id, refund_returns_cost: cost.returns });
  const app_id = randomUUID();
  const priced = { merchant_id, livemode: true, app_id, channel: "wechat", channel_account_id, funding_mode } as const;
  const more = { method: "wechat.native", store: null, currency: "CNY", amount, at: clock.now() };
  const [price] = await books.db.transaction((tx) => priceAttempts(tx, [{ ...priced, ...more }]));
  const { fee_amount, cost_amount, fee_returns, cost_returns } = price!;
  const attempt = paid({
    ...{ merchant_id, channel_account_id, funding_mode, amount: { amount, currency: "CNY" } },
    ...{ fee: fee_amount, cost: cost_amount },
  });
  const payment_id = await insertPayment(books.db, attempt);
  await run(
    books.db,
    "update attempts set fee_returns = $2, cost_returns = $3, fee_rule_id = $4 where merchant_id = $1",
    [merchant_id, fee_returns, cost_returns, price!.fee_rule_id],
  );
  // Other money of the merchant pays what of a refund its own payment did not bring.
  const other = paid({ merchant_id, amount: { amount: 10n ** 9n, currency: "CNY" }, fee: 0n, cost: 0n });
  await insertPayment(books.db, other);
  await books.db.transaction((tx) => post(tx, [paymentPosting(attempt), paymentPosting(other)], clock.now()));
  return { merchant_id, payment_id, fee: fee_amount, cost: cost_amount };
}

async function refund({ merchant_id, payment_id }: Made, amounts: readonly bigint[]): Promise<Refund[]> {
  const payment = (await loadPayments(books.db, [{ merchant_id, id: payment_id }])).get(payment_id)!;
  const caller = { merchant_id, app_id: payment.app_id, livemode: true, key_id: randomUUID() } as never;
  const items = amounts.map((amount) => {
    const input = { out_refund_no: randomUUID(), amount, reason: undefined };
    return { caller, payment, input, request_hash: hashContent(input), idempotency: undefined };
  });
  const results = await writeRefunds(services, items);
  return results.map((result) => {
    if (result.kind !== "created") throw new Error(`a refund was ${result.kind}`);
    return result.refund;
  });
}

function end({ merchant_id, payment_id }: Made, refunds: readonly Refund[], failed: boolean) {
  const failure = { code: "NO", message: "No." };
  const outcome = failed
    ? ({ kind: "failed", failure } as const)
    : ({ kind: "succeeded", refund: { channel_refund_no: "1" } } as never);
  const items = refunds.map(({ id }) => ({
    merchant_id,
    payment_id,
    refund_id: id,
    outcome,
    from: "channel" as const,
  }));
  return writeRefundOutcomes(services, items);
}

/** The amount cut into parts. */
function split({ amount, cuts }: Case): bigint[] {
  const points = [...new Set([...cuts.map((cut) => cut % amount), 0n, amount])].sort((a, b) => (a < b ? -1 : 1));
  return points.slice(1).map((point, index) => point - points[index]!);
}

const sumOf = (refunds: readonly Refund[], pick: (refund: Refund) => bigint) =>
  refunds.reduce((sum, one) => sum + pick(one), 0n);

async function checkTaken(made: Made): Promise<Refund[]> {
  const refunds = await loadRefundsOfPayments(books.db, [{ merchant_id: made.merchant_id, id: made.payment_id }]);
  const kept = refunds.filter(({ status }) => status !== "failed");
  expect(sumOf(kept, (one) => one.fee_amount) <= made.fee).toBe(true);
  expect(sumOf(kept, (one) => one.cost_amount) <= made.cost).toBe(true);
  return kept;
}

test("refunds in any split give back what was taken at most, and all of it in the end", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const made = await pay(given);
      const parts = split(given);
      let again = 0n;
      if (given.at_once) await refund(made, parts).then((refunds) => end(made, refunds, false));
      else {
        for (const [index, part] of parts.entries()) {
          const refunds = await refund(made, [part]);
          await checkTaken(made);
          const failed = given.fails[index]!;
          if (failed) again += part;
          await end(made, refunds, failed);
        }
      }
      if (again > 0n) await refund(made, [again]).then((refunds) => end(made, refunds, false));
      const kept = await checkTaken(made);
      expect(sumOf(kept, ({ amount }) => amount)).toBe(given.amount);
      const [fee_back, cost_back] = [sumOf(kept, (r) => r.fee_amount), sumOf(kept, (r) => r.cost_amount)];
      const pooled = given.funding_mode === "pooled";
      expect(fee_back).toBe(given.fee.returns ? made.fee : 0n);
      expect(cost_back).toBe(pooled && given.cost.returns ? made.cost : 0n);
      await checkBook(given, made);
    }),
    { numRuns: 60 },
  );
  expect((await verify(books.db)).differences).toEqual([]);
}, 180_000);

/** What is left once all went back: what the platform kept of fee and cost, and what other payments brought. */
async function checkBook({ funding_mode, fee, cost }: Case, made: Made): Promise<void> {
  const balances = await getBalances(books.db, { merchant_id: made.merchant_id, livemode: true });
  const of = (wanted: string) =>
    balances.filter(({ kind }) => kind === wanted).reduce((sum, { balance }) => sum + balance, 0n);
  const keptFee = fee.returns ? 0n : made.fee;
  const keptCost = funding_mode === "pooled" && !cost.returns ? made.cost : 0n;
  expect([of("fee_income"), of("channel_cost"), of("refund_in_transit")]).toEqual([keptFee, keptCost, 0n]);
  if (funding_mode === "pooled") {
    expect([of("merchant_pending"), of("channel_receivable")]).toEqual([10n ** 9n - keptFee, 10n ** 9n - keptCost]);
  } else {
    const memo = [of("direct_collected"), of("direct_turnover"), of("direct_refund_in_transit")];
    expect([of("service_fee_receivable"), ...memo]).toEqual([keptFee, 0n, 0n, 0n]);
  }
}
