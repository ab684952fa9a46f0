/** Merchants in direct mode for tests of billing: payments and refunds as rows and postings, on a clock that is moved. */
import { expect } from "vitest";
import { createManualClock } from "../../../kit/clock.ts";
import { createEnvelope } from "../../../kit/crypto.ts";
import { createIdSource } from "../../../kit/id.ts";
import { createLogger } from "../../../kit/log.ts";
import { systemRandom } from "../../../kit/random.ts";
import { Secret } from "../../../kit/secret.ts";
import {
  type BookedRefund,
  type NewPosting,
  type PaidAttempt,
  paymentPosting,
  post,
  refundFailedPosting,
  refundInitiatedPosting,
  settlementPosting,
  verify,
} from "../../../ledger/index.ts";
import {
  insertPayment,
  insertRefund,
  openTestBooks,
  paid,
  refundOf,
  run,
  type TestBooks,
} from "../../../ledger/testing/books.ts";
import { registerApprovalHandlers } from "../../approval/index.ts";
import { createApp, createMerchant } from "../../merchant/index.ts";
import type { BillingKey, Invoice } from "../invoice.ts";
import { listInvoices } from "../invoice-store.ts";
import { createServiceFeeWorkers } from "../jobs.ts";
import { readStanding, recordDeposit } from "../prepay.ts";
import { serviceFeeApprovalHandlers } from "../request-money.ts";
import type { ServiceFeeServices } from "../services.ts";
import { type BillingInput, setBilling } from "../set-billing.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Friday, 12:00 in Shanghai. */
const START_MS = Date.UTC(2026, 10, 20, 4);

export const clock = createManualClock(START_MS);
export let books: TestBooks;
export let services: ServiceFeeServices;
/** The merchant of the test. */
export let key: BillingKey;

export async function openBilledBooks(): Promise<void> {
  books = await openTestBooks();
  const ids = createIdSource(clock, systemRandom);
  const log = createLogger("silent");
  const approval = { db: books.db, clock, ids, log, handlers: new Map() };
  services = { db: books.db, clock, ids, log, kick: { webhooks() {} }, approval };
  registerApprovalHandlers(approval, serviceFeeApprovalHandlers(services));
}

export async function startMerchant(): Promise<void> {
  const { id: merchant_id } = await createMerchant({ ...services, sql: books.db }, { name: "茶馆" });
  const envelope = createEnvelope([{ id: "test", key: new Secret(Buffer.alloc(32, 1)) }], systemRandom);
  await createApp({ ...services, random: systemRandom, envelope, sql: books.db }, { merchant_id, name: "Shop" });
  key = { merchant_id, livemode: true, currency: "CNY" };
}

/** Who was billed before is not any more, so that a test moves the clock for itself alone. */
export async function startTest(): Promise<void> {
  await run(books.db, "update service_fee_settings set due_at = null, watch_due_at = null, next_day = null");
  await run(books.db, "update service_fee_invoices set due_at = null");
  await startMerchant();
}

export const bill = (more: Partial<BillingInput> = {}) =>
  setBilling(services, { ...key, cycle: "daily", collection: "bank", ...more });

async function write(posting: NewPosting): Promise<string> {
  const [result] = await books.db.transaction((tx) => post(tx, [posting], clock.now()));
  return result!.kind;
}

export interface PaidPayment {
  payment_id: string;
  attempt: PaidAttempt;
}

/** A payment in direct mode with a fee of 1 %, with its rows. */
export async function pay(amount = 10_000n, more: Partial<PaidAttempt> = {}): Promise<PaidPayment> {
  const money = { amount, currency: key.currency };
  const { merchant_id, livemode } = key;
  const facts = { merchant_id, livemode, funding_mode: "direct", amount: money, fee: amount / 100n, cost: 0n } as const;
  const attempt = paid({ ...facts, occurred_at: clock.now(), ...more });
  const payment_id = await insertPayment(books.db, attempt);
  expect(await write(paymentPosting(attempt))).toBe("posted");
  return { payment_id, attempt };
}

/** Half of a payment goes back, with half of its fee. */
export async function refund(
  { payment_id, attempt }: PaidPayment,
  status: "unknown" | "failed" = "unknown",
  more: Partial<BookedRefund> = {},
): Promise<void> {
  const booked = { ...refundOf(attempt), ...more };
  if (booked.amount.amount === 0n) return;
  expect(await write(refundInitiatedPosting(booked))).toBe("posted");
  await insertRefund(books.db, payment_id, attempt, booked, status);
  if (status === "failed") {
    expect(await write(refundFailedPosting(booked))).toBe("posted");
    return;
  }
  const refunding = "update payments set refunding_amount = refunding_amount + $2 where id = $1";
  await run(books.db, refunding, [payment_id, booked.amount.amount]);
}

/** So much of pooled money is the merchant's to draw. */
export async function makeAvailable(amount: bigint): Promise<void> {
  await pay(amount, { funding_mode: "pooled", fee: 0n });
  const settlement_id = services.ids.uuid();
  const money = { amount, currency: key.currency };
  const { merchant_id, livemode } = key;
  await write(settlementPosting({ merchant_id, livemode, settlement_id, amount: money, reserved: 0n, occurred_at: 0 }));
}

let references = 0;

export function topUp(amount: bigint, more: { kind?: "top_up" | "return"; reference?: string } = {}) {
  references += 1;
  // Events of one moment are in no order.
  clock.advance(1);
  const given = { kind: "top_up", reference: `bank-${references}`, ...more } as const;
  const deposit = { ...key, amount, made_by: null, ...given };
  return books.db.transaction((tx) => recordDeposit(services, tx, deposit));
}

/** Works until nothing is due. */
export async function drain(): Promise<void> {
  const workers = createServiceFeeWorkers(services);
  for (let worked = 1; worked > 0; ) {
    worked = 0;
    for (const worker of workers) worked += await worker.drain();
  }
}

/** Moves the clock and works. */
export async function advance(duration_ms: number): Promise<void> {
  clock.advance(duration_ms);
  await drain();
}

export const wholePage = { older_than: null, newer_than: null, order: "asc", fetch: 1_000, limit: 999 } as const;

/** In the order of the book. */
export async function invoices(of = key): Promise<Invoice[]> {
  const found = await listInvoices(books.db, { ...of, status: null, page: wholePage });
  return found.sort((a, b) => Number(a.first_number - b.first_number));
}

export const standing = (of = key) => readStanding(books.db, of);

/** Types of the merchant's events, in order. */
export async function events(): Promise<string[]> {
  const rows = await run<{ type: string }>(
    books.db,
    "select type from events where merchant_id = $1 order by created_at, id",
    [key.merchant_id],
  );
  return rows.map(({ type }) => type);
}

/** Nothing is wrong with the merchant's books. Settlements are only postings here, so strays of theirs are none of ours. */
export async function expectClean(): Promise<void> {
  const { differences } = await verify(books.db);
  expect(differences.filter(({ sentence }) => !sentence.startsWith("settlement_created"))).toEqual([]);
}
