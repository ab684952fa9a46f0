/** Agents, merchants, payments and refunds for tests of commission: priced and booked as the platform does, without channels. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { createManualClock } from "../../../kit/clock.ts";
import { createIdSource } from "../../../kit/id.ts";
import { createLogger } from "../../../kit/log.ts";
import { systemRandom } from "../../../kit/random.ts";
import type { Database } from "../../../kit/sql/database.ts";
import {
  getBalances,
  paymentPosting,
  post,
  readCommissions,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
  verify,
} from "../../../ledger/index.ts";
import {
  insertPayment,
  insertRefund,
  openTestBooks,
  paid,
  run,
  type TestBooks,
} from "../../../ledger/testing/books.ts";
import { bindMerchant, createAgent, setAgentPrice } from "../../agent/index.ts";
import { createFeeRule, priceAttempts } from "../../fee/index.ts";
import { createMerchant } from "../../merchant/index.ts";
import { returnedCommissions } from "../../refund/returned-commissions.ts";
import { returnedShares } from "../../refund/returned-shares.ts";
import { createCommissionWorkers, listCommissionSettlements } from "../index.ts";
import type { CommissionServices } from "../services.ts";

/** Stands still until it is moved. */
export const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
export const DAY_ms = 86_400_000;
let books: TestBooks;
/** What the use cases need. */
export let services: CommissionServices & { sql: Database };

/** Opens the database that everything here works on; one for each test file. */
export async function openWorld(): Promise<TestBooks> {
  books = await openTestBooks();
  const log = createLogger("silent");
  services = { db: books.db, sql: books.db, clock, ids: createIdSource(clock, systemRandom), log };
  return books;
}

const page = { older_than: null, newer_than: null, order: "desc", fetch: 100 } as const;
/** An agent's months, the latest first. */
export const settlementsOf = (merchant_id: string, livemode = true) =>
  listCommissionSettlements(books.db, { merchant_id, livemode, month: null, page });

/** An agent that pays so many parts per million and may ask up to 5 %. */
export async function makeAgent(parent_id: string | null, ppm: bigint) {
  const { db } = books;
  const agent = await db.transaction((tx) => createAgent(tx, services, { name: "agent", parent_id }));
  const rate = (rate_ppm: bigint) => ({ rate_ppm, fixed_amount: 0n });
  const price = { agent_id: agent.id, method: null, currency: "CNY", price: rate(ppm), maximum: rate(50_000n) };
  await db.transaction((tx) => setAgentPrice(tx, services, price));
  return agent;
}

/** A merchant of the agent, who pays so many parts per million in both modes. */
export async function makeMerchant(agent_id: string, ppm: bigint) {
  const merchant = await createMerchant(services, { name: "shop" });
  await bindMerchant(books.db, services, { merchant_id: merchant.id, agent_id });
  for (const livemode of [true, false]) {
    await createFeeRule(services, { merchant_id: merchant.id, livemode, currency: "CNY", rate_ppm: ppm });
  }
  return merchant;
}

export type Funding = "pooled" | "direct";

/** A payment as it is priced and booked when it succeeds. */
export async function pay(merchant_id: string, amount: bigint, method: string, funding_mode: Funding, livemode = true) {
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

export type Paid = Awaited<ReturnType<typeof pay>>;
export interface Refunded {
  amount: bigint;
  fee_amount: bigint;
  cost_amount: bigint;
  commissions: ReturnType<typeof returnedCommissions>;
}

/** A refund as it is made; one that fails gives back what it took. */
export async function refund(
  { attempt, payment_id, facts, refunds }: Paid,
  amount: bigint,
  fails: boolean,
): Promise<void> {
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
export async function work(of: CommissionServices = services): Promise<void> {
  for (const worker of createCommissionWorkers(of)) await worker.drain();
}

/** To the middle of the next month. */
export function nextMonth(): void {
  clock.advance(31 * DAY_ms);
}

/** What a book's accounts of a kind hold. */
export const balanceOf = async (merchant_id: string, kind: string, livemode = true) =>
  (await getBalances(books.db, { merchant_id, livemode }))
    .filter((balance) => balance.kind === kind)
    .reduce((sum, { balance }) => sum + balance, 0n);

/** The books verify. */
export async function expectClean(): Promise<void> {
  const findings = await verify(books.db);
  expect(findings.differences).toEqual([]);
}

/** What lies between the books; nothing once every settlement is finished. */
export async function betweenBooks(): Promise<bigint> {
  const [row] = await run<{ sum: bigint }>(
    books.db,
    "select coalesce(sum(balance), 0)::bigint as sum from ledger_balances where account_kind = 'interbook'",
  );
  return row!.sum;
}
