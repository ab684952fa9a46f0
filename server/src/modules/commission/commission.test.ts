// Guarantee: for any tree of agents, any prices, and refunds in any split that succeed or fail, everybody gets exactly what
// the prices say: books verify after every month, what agents have to draw is what was settled, and a worker that dies at
// any step leaves nothing undone and nothing done twice.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import type { Database } from "../../kit/sql/database.ts";
import {
  getBalances,
  paymentPosting,
  post,
  readCommissions,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
  verify,
} from "../../ledger/index.ts";
import { insertPayment, insertRefund, openTestBooks, paid, run, type TestBooks } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { bindMerchant, createAgent, setAgentPrice } from "../agent/index.ts";
import { createFeeRule, priceAttempts } from "../fee/index.ts";
import { createMerchant } from "../merchant/index.ts";
import { returnedCommissions } from "../refund/returned-commissions.ts";
import { returnedShares } from "../refund/returned-shares.ts";
import { createCommissionWorkers, listCommissionSettlements, readLines, settleAgent } from "./index.ts";
import type { CommissionServices } from "./services.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
const DAY_ms = 86_400_000;
let books: TestBooks;
let services: CommissionServices & { sql: Database };

beforeAll(async () => {
  books = await openTestBooks();
  const log = createLogger("silent");
  services = { db: books.db, sql: books.db, clock, ids: createIdSource(clock, systemRandom), log };
});

afterAll(() => books.close());

const page = { older_than: null, newer_than: null, order: "desc", fetch: 100 } as const;
const settlementsOf = (merchant_id: string, livemode = true) =>
  listCommissionSettlements(books.db, { merchant_id, livemode, month: null, page });

async function makeAgent(parent_id: string | null, ppm: bigint) {
  const { db } = books;
  const agent = await db.transaction((tx) => createAgent(tx, services, { name: "agent", parent_id }));
  const rate = (rate_ppm: bigint) => ({ rate_ppm, fixed_amount: 0n });
  const price = { agent_id: agent.id, method: null, currency: "CNY", price: rate(ppm), maximum: rate(50_000n) };
  await db.transaction((tx) => setAgentPrice(tx, services, price));
  return agent;
}

async function makeMerchant(agent_id: string, ppm: bigint) {
  const merchant = await createMerchant(services, { name: "shop" });
  await bindMerchant(books.db, services, { merchant_id: merchant.id, agent_id });
  for (const livemode of [true, false]) {
    await createFeeRule(services, { merchant_id: merchant.id, livemode, currency: "CNY", rate_ppm: ppm });
  }
  return merchant;
}

type Funding = "pooled" | "direct";

/** A payment as it is priced and booked when it succeeds. */
async function pay(merchant_id: string, amount: bigint, method: string, funding_mode: Funding, livemode = true) {
  const { db } = books;
  const attempt = paid({ merchant_id, livemode, funding_mode, amount: { amount, currency: "CNY" }, cost: 0n });
  const { channel_account_id } = attempt;
  const place = { app_id: randomUUID(), channel: "wechat", channel_account_id, funding_mode, method, store: null };
  const [price] = await db.transaction((tx) =>
    priceAttempts(tx, [{ ...place, merchant_id, livemode, currency: "CNY", amount, at: clock.now() }]),
  );
  const { fee_amount: fee, commissions: stored } = price!;
  const priced = { ...attempt, fee, commissions: readCommissions(stored), occurred_at: clock.now() };
  const payment_id = await insertPayment(db, priced);
  await run(db, "update attempts set method = $2 where id = $1", [attempt.attempt_id, method]);
  await db.transaction((tx) => post(tx, [paymentPosting(priced)], clock.now()));
  const facts = {
    amount,
    fee_amount: fee,
    fee_returns: true,
    cost_amount: 0n,
    cost_returns: true,
    commissions: stored,
  };
  return { attempt: priced, payment_id, facts, refunds: [] as Refunded[] };
}

type Paid = Awaited<ReturnType<typeof pay>>;
interface Refunded {
  amount: bigint;
  fee_amount: bigint;
  cost_amount: bigint;
  commissions: ReturnType<typeof returnedCommissions>;
}

/** A refund as it is made; one that fails gives back what it took. */
async function refund({ attempt, payment_id, facts, refunds }: Paid, amount: bigint, fails: boolean): Promise<void> {
  const shares = returnedShares(facts, refunds, amount);
  const commissions = returnedCommissions(facts, refunds, shares.fee_amount);
  const { attempt_id: _, ...head } = attempt;
  const booked = {
    ...{ ...head, refund_id: randomUUID(), amount: { amount, currency: "CNY" }, from_available: 0n, from_reserve: 0n },
    ...{ fee: shares.fee_amount, cost: 0n, commissions: readCommissions(commissions), occurred_at: clock.now() },
  };
  await insertRefund(books.db, payment_id, attempt, booked, fails ? "failed" : "succeeded");
  const end = fails ? refundFailedPosting(booked) : refundSucceededPosting(booked);
  await books.db.transaction((tx) => post(tx, [refundInitiatedPosting(booked), end], clock.now()));
  if (fails) return;
  refunds.push({ amount, ...shares, commissions });
  await run(books.db, "update payments set refunded_amount = refunded_amount + $2 where id = $1", [payment_id, amount]);
}

/** All workers, until nothing is due. */
async function work(of: CommissionServices = services): Promise<void> {
  for (const worker of createCommissionWorkers(of)) await worker.drain();
}

/** To the middle of the next month. */
function nextMonth(): void {
  clock.advance(31 * DAY_ms);
}

const balanceOf = async (merchant_id: string, kind: string, livemode = true) =>
  (await getBalances(books.db, { merchant_id, livemode }))
    .filter((balance) => balance.kind === kind)
    .reduce((sum, { balance }) => sum + balance, 0n);

async function expectClean(): Promise<void> {
  const findings = await verify(books.db);
  expect(findings.differences).toEqual([]);
}

/** What lies between the books; nothing once every settlement is finished. */
async function betweenBooks(): Promise<bigint> {
  const [row] = await run<{ sum: bigint }>(
    books.db,
    "select coalesce(sum(balance), 0)::bigint as sum from ledger_balances where account_kind = 'interbook'",
  );
  return row!.sum;
}

test("three levels deep, to the fen: a month, a refund after it, and the next month", async () => {
  const top = await makeAgent(null, 3_800n);
  const middle = await makeAgent(top.id, 4_000n);
  const low = await makeAgent(middle.id, 4_500n);
  const merchant = await makeMerchant(low.id, 6_000n);
  const payment = await pay(merchant.id, 100_00n, "wechat.native", "pooled");
  await pay(merchant.id, 200_00n, "alipay.qr", "direct");
  await pay(merchant.id, 100_00n, "wechat.native", "pooled", false);
  await work();
  expect(await settlementsOf(low.id)).toEqual([]);

  nextMonth();
  await work();
  const [month] = await settlementsOf(low.id);
  expect(month).toMatchObject({ month: "2026-11", status: "settled", total: 45n, amount: 45n, carried_forward: 0n });
  expect((await settlementsOf(low.id, false))[0]).toMatchObject({ month: "2026-11", total: 15n });
  const drawn = [top, middle, low].map((agent) => balanceOf(agent.id, "merchant_available"));
  expect(await Promise.all(drawn)).toEqual([6n, 15n, 45n]);
  expect(await balanceOf(merchant.id, "commission_payable")).toBe(0n);
  const lines = [];
  for await (const one of readLines(books.db, month!.id)) lines.push(...one.lines);
  expect(lines.map((line) => [line.method, line.payment_amount, line.earned, line.returned])).toEqual([
    ["alipay.qr", 200_00n, 30n, 0n],
    ["wechat.native", 100_00n, 15n, 0n],
  ]);

  // CNY 40.00 go back, and a refund that fails comes and goes: the next month of the lowest is CNY -0.06.
  await refund(payment, 40_00n, false);
  await refund(payment, 10_00n, true);
  nextMonth();
  await work();
  expect((await settlementsOf(low.id))[0]).toMatchObject({
    month: "2026-12",
    total: -6n,
    amount: 0n,
    carried_forward: -6n,
  });
  expect(await balanceOf(low.id, "merchant_available")).toBe(45n);
  await expectClean();

  await pay(merchant.id, 100_00n, "wechat.native", "pooled");
  nextMonth();
  await work();
  const [last] = await settlementsOf(low.id);
  expect(last).toMatchObject({ month: "2027-01", total: 15n, brought_forward: -6n, amount: 9n, carried_forward: 0n });
  expect(await balanceOf(low.id, "merchant_available")).toBe(54n);
  expect(await betweenBooks()).toBe(0n);
  await expectClean();
});

test("a month is settled once, however often and by however many workers, and months that were left out follow", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchants = await Promise.all([1, 2, 3].map(() => makeMerchant(agent.id, 6_000n)));
  for (const { id } of merchants) await pay(id, 100_00n, "wechat.native", "pooled");
  clock.advance(93 * DAY_ms);
  for (const { id } of merchants) await pay(id, 100_00n, "wechat.native", "pooled");
  nextMonth();
  await Promise.all([work(), work(), work(), settleAgent(services, agent.id)]);
  await work();
  const settlements = await settlementsOf(agent.id);
  expect(new Set(settlements.map((one) => one.month)).size).toBe(settlements.length);
  expect(settlements.map((one) => one.total).filter((total) => total !== 0n)).toEqual([90n, 90n]);
  expect(settlements.every((one) => one.status === "settled")).toBe(true);
  expect(await balanceOf(agent.id, "merchant_available")).toBe(180n);
  await settleAgent(services, agent.id);
  expect(await settlementsOf(agent.id)).toHaveLength(settlements.length);
  await expectClean();
});

test("a worker that dies between any two transactions is followed by another, and nothing is lost or done twice", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchants = await Promise.all([1, 2].map(() => makeMerchant(agent.id, 6_000n)));
  for (let deadly = 1; deadly <= 4; deadly += 1) {
    for (const { id } of merchants) await pay(id, 100_00n, "wechat.native", "pooled");
    nextMonth();
    let begun = 0;
    const dying = {
      ...services,
      db: {
        ...books.db,
        transaction: ((use) => {
          begun += 1;
          return begun >= deadly ? Promise.reject(new Error("killed")) : books.db.transaction(use);
        }) as Database["transaction"],
      },
    };
    await work(dying);
    expect((await settlementsOf(agent.id)).filter((one) => one.status === "settled")).toHaveLength(deadly - 1);
    await expectClean();
    // The lease runs out.
    clock.advance(11 * 60_000);
    await work();
    expect((await settlementsOf(agent.id)).filter((one) => one.status === "settled")).toHaveLength(deadly);
    expect(await balanceOf(agent.id, "merchant_available")).toBe(60n * BigInt(deadly));
    expect(await betweenBooks()).toBe(0n);
    await expectClean();
  }
});

test("while credit to an agent's account is frozen its commission is held, and comes with the first month after it", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchant = await makeMerchant(agent.id, 6_000n);
  await pay(merchant.id, 100_00n, "wechat.native", "pooled");
  const values = [agent.id];
  await run(
    books.db,
    `insert into account_controls (merchant_id, livemode, currency, credit_frozen, updated_at)
     values ($1, true, 'CNY', true, now())`,
    values,
  );
  nextMonth();
  await work();
  expect((await settlementsOf(agent.id))[0]).toMatchObject({ total: 30n, amount: 0n, carried_forward: 30n });
  expect(await balanceOf(agent.id, "merchant_available")).toBe(0n);
  expect(await betweenBooks()).toBe(0n);
  await run(books.db, "update account_controls set credit_frozen = false where merchant_id = $1", values);
  nextMonth();
  await work();
  expect((await settlementsOf(agent.id))[0]).toMatchObject({ total: 0n, brought_forward: 30n, amount: 30n });
  expect(await balanceOf(agent.id, "merchant_available")).toBe(30n);
  await expectClean();
});

test("what one month leaves to the next is its own affair: the books of other modes and currencies are not touched", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchant = await makeMerchant(agent.id, 6_000n);
  await pay(merchant.id, 100_00n, "wechat.native", "pooled", false);
  nextMonth();
  await work();
  expect(await settlementsOf(agent.id)).toEqual([]);
  expect((await settlementsOf(agent.id, false))[0]).toMatchObject({ livemode: false, amount: 30n });
  expect(await balanceOf(agent.id, "merchant_available")).toBe(0n);
  expect(await balanceOf(agent.id, "merchant_available", false)).toBe(30n);
});

test.each([
  [
    "a part's amount",
    "update commission_parts set amount = amount + 1 where amount > 0",
    ["wrong_commission", "wrong_posting"],
  ],
  ["a part's range", "update commission_parts set first_number = first_number + 1 where amount > 0", ["wrong_range"]],
  ["a line", "update commission_lines set earned = earned + 1", ["wrong_commission"]],
  [
    "what the agent's book took",
    "update commission_settlements set total = total + 1, amount = amount + 1 where amount > 0",
    ["wrong_commission", "wrong_posting"],
  ],
  [
    "a member that never gave",
    "update commission_settlements set members = members || gen_random_uuid() where amount > 0",
    ["wrong_commission"],
  ],
  [
    "what the month before left",
    "update commission_settlements set brought_forward = brought_forward + 5, amount = amount + 5 where amount > 0",
    ["wrong_commission", "wrong_posting"],
  ],
  [
    "one side only",
    "delete from ledger_transactions where kind = 'commission_received'",
    ["missing_posting", "number_gap", "wrong_balance"],
  ],
])("verification finds that somebody changed %s", async (_, corruption, codes) => {
  const agent = await makeAgent(null, 3_000n);
  await pay((await makeMerchant(agent.id, 6_000n)).id, 100_00n, "wechat.native", "pooled");
  nextMonth();
  await work();
  const undone = new Error("undone on purpose");
  const corrupted = books.db.transaction(async (tx) => {
    await run(tx, "alter table ledger_transactions disable trigger user");
    await run(tx, corruption);
    const findings = await verifySnapshot(tx);
    expect([...new Set(findings.differences.map(({ code }) => code))].sort()).toEqual(codes);
    throw undone;
  });
  await expect(corrupted).rejects.toBe(undone);
});

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
