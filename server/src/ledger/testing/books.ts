/** A database with books for tests, and the facts that books are about. */
import { randomUUID } from "node:crypto";
import { createTestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock, toRfc3339 } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase, type Sql, type SqlValue } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { writeCommissions } from "../commission.ts";
import type { PaidAttempt } from "../templates/payment.ts";
import type { BookedRefund } from "../templates/refund.ts";

export const clock = createManualClock(Date.UTC(2026, 10, 20, 4));

export interface TestBooks {
  db: Database;
  close(): Promise<void>;
}

/** A migrated database of the test file's own. */
export async function openTestBooks(): Promise<TestBooks> {
  const { url, drop } = await createTestDatabase();
  const db = openDatabase({ url, connections_max: 10, log: createLogger("silent"), random: systemRandom });
  const close = async () => {
    await db.close();
    await drop();
  };
  return { db, close };
}

let statements = 0;

/** Runs any SQL. */
export function run<Row>(sql: Sql, text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
  statements += 1;
  return sql.query<Row>(platformStatement(`test.${statements}`, text), values);
}

const channel_account_id = randomUUID();

/** A pooled CNY payment of 100.00 with a fee of 0.60 and a cost of 0.38, unless said otherwise. */
export function paid(more: Partial<PaidAttempt> = {}): PaidAttempt {
  return {
    merchant_id: randomUUID(),
    livemode: true,
    attempt_id: randomUUID(),
    channel_account_id,
    funding_mode: "pooled",
    amount: { amount: 10_000n, currency: "CNY" },
    fee: 60n,
    cost: 38n,
    occurred_at: clock.now(),
    ...more,
  };
}

/** A refund of a paid attempt; half of it with half of its fee and cost unless said otherwise. */
export function refundOf(attempt: PaidAttempt, more: Partial<BookedRefund> = {}): BookedRefund {
  const { attempt_id: _, ...facts } = attempt;
  const half = { amount: attempt.amount.amount / 2n, currency: attempt.amount.currency };
  return {
    ...facts,
    refund_id: randomUUID(),
    amount: half,
    fee: attempt.fee / 2n,
    cost: attempt.cost / 2n,
    from_available: 0n,
    from_reserve: 0n,
    ...more,
  };
}

/** Writes the payment that an attempt has won. */
export async function insertPayment(sql: Sql, attempt: PaidAttempt): Promise<string> {
  const id = randomUUID();
  await run(
    sql,
    `insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency,
       subject, expires_at, created_at, succeeded_attempt_id)
     values ($1, $2, $2, $3, $4, '', 'succeeded', $5, $6, 's', $7::timestamptz, $7::timestamptz, $8)`,
    [attempt.merchant_id, id, attempt.livemode, id, ...moneyOf(attempt), toRfc3339(clock.now()), attempt.attempt_id],
  );
  await insertAttempt(sql, id, attempt, false);
  return id;
}

/** Writes a succeeded attempt. */
export async function insertAttempt(
  sql: Sql,
  payment_id: string,
  attempt: PaidAttempt,
  duplicate: boolean,
): Promise<void> {
  await run(
    sql,
    `insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel,
       funding_mode, method, status, duplicate, amount, currency, fee_amount, cost_amount, expires_at, created_at,
       commissions)
     values ($1, $2, $3, $3, $4, $5, $6, 'wechat', $7, 'wechat.native', 'succeeded', $8, $9, $10, $11, $12,
       $13::timestamptz, $13::timestamptz, $14::jsonb)`,
    [
      attempt.merchant_id,
      attempt.attempt_id,
      payment_id,
      attempt.livemode,
      attempt.attempt_id,
      attempt.channel_account_id,
      attempt.funding_mode,
      duplicate,
      ...moneyOf(attempt),
      attempt.fee,
      attempt.cost,
      toRfc3339(clock.now()),
      commissionsOf(attempt),
    ],
  );
}

/** Writes a refund; one of a duplicate has no number of the merchant's. */
export async function insertRefund(
  sql: Sql,
  payment_id: string,
  attempt: PaidAttempt,
  refund: BookedRefund,
  status: string,
  out_refund_no: string | null = refund.refund_id,
): Promise<void> {
  await run(
    sql,
    `insert into refunds (merchant_id, id, app_id, livemode, payment_id, attempt_id, out_refund_no, refund_no, status,
       amount, currency, fee_amount, cost_amount, created_at, channel, commissions)
     values ($1, $2, $3, $4, $3, $5, $6, $7, $8, $9, $10, $11, $12, $13::timestamptz, 'wechat', $14::jsonb)`,
    [
      refund.merchant_id,
      refund.refund_id,
      payment_id,
      refund.livemode,
      attempt.attempt_id,
      out_refund_no,
      refund.refund_id,
      status,
      ...moneyOf(refund),
      refund.fee,
      refund.cost,
      toRfc3339(clock.now()),
      commissionsOf(refund),
    ],
  );
}

function moneyOf({ amount }: { amount: { amount: bigint; currency: string } }): [bigint, string] {
  return [amount.amount, amount.currency];
}

function commissionsOf({ commissions = [] }: Pick<PaidAttempt, "commissions">): string | null {
  const stored = writeCommissions(commissions);
  return stored && JSON.stringify(stored);
}
