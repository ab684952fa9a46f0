/** Merchants with books for tests of settling: payments and refunds as rows and postings, on a clock that is moved. */
import { expect } from "vitest";
import { createManualClock } from "../../../kit/clock.ts";
import { createIdSource } from "../../../kit/id.ts";
import { createLogger } from "../../../kit/log.ts";
import { systemRandom } from "../../../kit/random.ts";
import {
  type BookedRefund,
  getBalances,
  type NewPosting,
  type PaidAttempt,
  paymentPosting,
  post,
  refundFailedPosting,
  refundInitiatedPosting,
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
import { type Approval, decideApproval, listApprovals, registerApprovalHandlers } from "../../approval/index.ts";
import { createMerchant } from "../../merchant/index.ts";
import { createUser } from "../../user/index.ts";
import { settlementApprovalHandler } from "../decide-settlement.ts";
import { createSettlementWorker } from "../jobs.ts";
import { SETTLEMENT_APPROVAL } from "../request-review.ts";
import type { SettlementServices } from "../services.ts";
import { setSettlementSettings } from "../settings.ts";
import type { Settlement, SettlementKey } from "../settlement.ts";
import { listSettlements } from "../store.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** Friday, 12:00 in Shanghai. */
const START_MS = Date.UTC(2026, 10, 20, 4);

export const clock = createManualClock(START_MS);
export let books: TestBooks;
export let services: SettlementServices;
/** The merchant of the test. */
export let key: SettlementKey;

export async function openSettlementBooks(): Promise<void> {
  books = await openTestBooks();
  const ids = createIdSource(clock, systemRandom);
  const log = createLogger("silent");
  const approval = { db: books.db, clock, ids, log, handlers: new Map() };
  services = { db: books.db, clock, ids, log, kick: { webhooks() {} }, approval };
  registerApprovalHandlers(approval, { [SETTLEMENT_APPROVAL]: settlementApprovalHandler(services) });
}

/** Gives a test a Friday noon and a merchant of its own; no earlier one is due any more. */
export async function startTest(): Promise<void> {
  clock.advance(WEEK_MS - ((clock.now() - START_MS) % WEEK_MS));
  await run(books.db, "delete from settlement_settings");
  await startMerchant();
}

export async function startMerchant(time_zone = "Asia/Shanghai"): Promise<void> {
  const { id: merchant_id } = await createMerchant({ ...services, sql: books.db }, { name: "茶馆", time_zone });
  key = { merchant_id, livemode: true, currency: "CNY" };
}

export const set = (cycle: string, more: object = {}, of = key) =>
  setSettlementSettings(services, { ...of, cycle, ...more });

/** An operator who decides. */
export async function checker(): Promise<string> {
  const input = { email: `${services.ids.uuid()}@example.com`, name: "checker", role: "operator" } as const;
  return (await createUser({ ...services, sql: books.db, random: systemRandom }, { ...input, merchant_id: null })).user
    .id;
}

/** The merchant's review that waits, if one does. */
export async function pendingReview(): Promise<Approval | undefined> {
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 10, limit: 9 } as const;
  const filter = { status: "pending", kind: null, merchant_id: key.merchant_id } as const;
  return (await listApprovals(books.db, filter, page))[0];
}

/** Decides on it. */
export async function decide(decision: "approve" | "reject"): Promise<void> {
  const review = await pendingReview();
  if (!review) return;
  const checker_id = await checker();
  await decideApproval(services.approval, { id: review.id, checker_id, decision, comment: "looked at" });
}

async function write(posting: NewPosting): Promise<string> {
  const [result] = await books.db.transaction((tx) => post(tx, [posting], clock.now()));
  return result!.kind;
}

export interface PaidPayment {
  payment_id: string;
  attempt: PaidAttempt;
}

/** A payment in the merchant's book, with its rows. */
export async function pay(more: Partial<PaidAttempt> = {}): Promise<PaidPayment> {
  const attempt = paid({ ...key, occurred_at: clock.now(), ...more });
  const payment_id = await insertPayment(books.db, attempt);
  expect(await write(paymentPosting(attempt))).toBe("posted");
  return { payment_id, attempt };
}

/** Half of a payment goes back, if the book has it: "posted" or "refused". */
export async function refund(
  { payment_id, attempt }: PaidPayment,
  more: Partial<BookedRefund> = {},
  status: "unknown" | "failed" = "unknown",
): Promise<string> {
  const booked = { ...refundOf(attempt), ...more };
  const written = await write(refundInitiatedPosting(booked));
  if (written !== "posted") return written;
  const { refund_id, from_available } = booked;
  await insertRefund(books.db, payment_id, attempt, booked, status);
  await run(books.db, "update refunds set from_available = $2 where id = $1", [refund_id, from_available]);
  if (status === "failed") return write(refundFailedPosting(booked));
  const refunding = "update payments set refunding_amount = refunding_amount + $2 where id = $1";
  await run(books.db, refunding, [payment_id, booked.amount.amount]);
  return written;
}

export const drain = () => createSettlementWorker(services).drain();

/** All of it, the oldest first. */
export const wholePage = { older_than: null, newer_than: null, order: "asc", fetch: 1_000, limit: 999 } as const;

/** In the order of the book: the clock stands still, so ids of one moment have none. */
export async function settlements(of = key): Promise<Settlement[]> {
  const found = await listSettlements(books.db, { ...of, status: null, page: wholePage });
  return found.sort((a, b) => Number(a.first_number - b.first_number));
}

export const amounts = async (of = key) => (await settlements(of)).map(({ amount }) => amount);

/** `pending` and `available`, as far as the book has them. */
export async function balances(of = key): Promise<Record<string, bigint>> {
  const found = await getBalances(books.db, of);
  const shown = found.filter(({ kind, currency }) => kind.startsWith("merchant_") && currency === of.currency);
  return Object.fromEntries(shown.map(({ kind, balance }) => [kind.replace("merchant_", ""), balance]));
}

export async function expectClean(): Promise<void> {
  expect((await verify(books.db)).differences).toEqual([]);
}
