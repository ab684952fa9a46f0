/**
 * How fast `ledger verify` proves the books: everything it does, on payments of 1,000 merchants as the platform books
 * them (five entries each), over the entries that they have. The limit beside it is one SQL sum over the same entries.
 */
import { systemClock, toRfc3339 } from "../server/src/kit/clock.ts";
import { createIdSource } from "../server/src/kit/id.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { systemRandom } from "../server/src/kit/random.ts";
import { plainArray } from "../server/src/kit/sql/arrays.ts";
import { type Database, openDatabase } from "../server/src/kit/sql/database.ts";
import { platformStatement } from "../server/src/kit/sql/statement.ts";
import { type PaidAttempt, paymentPosting, post, verify } from "../server/src/ledger/index.ts";
import type { BenchRow } from "./ledger.bench.ts";

const TARGET = 500_000;
const PAYMENTS = 200_000;
const BATCH = 10_000;
const MERCHANTS = 1_000;
const ROUNDS = 3;

const ids = createIdSource(systemClock, systemRandom);

/** Runs on a migrated database of its own. Throws when anything differs. */
export async function runVerifyBench(databaseUrl: string): Promise<BenchRow[]> {
  const log = createLogger("silent");
  const db = openDatabase({
    ...{ url: databaseUrl, connections_max: 4, log, random: systemRandom },
    statement_timeout_ms: 120_000,
  });
  try {
    await fill(db);
    await db.query(vacuum);
    const rounds: { figure: number; limit: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(db));
    const { figure, limit } = rounds.toSorted((a, b) => a.figure - b.figure)[rounds.length >> 1]!;
    const row = {
      name: "(i) ledger verify, entries of payments and all they are about",
      figure,
      unit: "entries/s",
      limit,
    };
    return [
      {
        ...row,
        limit_name: "one SQL sum over the same entries",
        ratio: figure / limit,
        target: `≥ ${TARGET}/s`,
        ok: figure >= TARGET,
      },
    ];
  } finally {
    await db.close();
  }
}

async function measure(db: Database): Promise<{ figure: number; limit: number }> {
  const limit_s = await timed(() => db.query(sumEntries));
  let entries = 0;
  const seconds = await timed(async () => {
    const findings = await verify(db);
    const [first] = findings.differences;
    if (first) throw new Error(`the books of the bench are not whole: ${first.sentence}`);
    entries = findings.entries;
  });
  return { figure: Math.round(entries / seconds), limit: Math.round(entries / limit_s) };
}

const sumEntries = platformStatement("bench.sum", "select sum(amount), sum(balance_after) from ledger_entries");
const vacuum = platformStatement("bench.vacuum", "vacuum analyze");

const insertPayments = platformStatement(
  "bench.payments",
  `insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency, subject,
     method, expires_at, created_at, succeeded_at, succeeded_attempt_id)
   select m, a, m, true, a::text, '', 'succeeded', 10000, 'CNY', 's', 'wechat.native', $3::timestamptz, $3::timestamptz,
     $3::timestamptz, a
   from unnest($1::uuid[], $2::uuid[]) as u (m, a)`,
);
const insertAttempts = platformStatement(
  "bench.attempts",
  `insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel, funding_mode,
     method, status, amount, currency, fee_amount, cost_amount, expires_at, created_at, finished_at)
   select m, a, a, m, true, a::text, $4::uuid, 'wechat', 'pooled', 'wechat.native', 'succeeded', 10000, 'CNY', 60, 38,
     $3::timestamptz, $3::timestamptz, $3::timestamptz
   from unnest($1::uuid[], $2::uuid[]) as u (m, a)`,
);

/** Payments as they stand when payers have paid. */
async function fill(db: Database): Promise<void> {
  const channel_account_id = ids.uuid();
  const merchants = Array.from({ length: MERCHANTS }, () => ids.uuid());
  for (let from = 0; from < PAYMENTS; from += BATCH) {
    const paid = Array.from({ length: BATCH }, (_, index): PaidAttempt => {
      const merchant_id = merchants[(from + index) % MERCHANTS]!;
      const amount = { amount: 10_000n, currency: "CNY" };
      const facts = { merchant_id, livemode: true, attempt_id: ids.uuid(), channel_account_id };
      return { ...facts, funding_mode: "pooled", amount, fee: 60n, cost: 38n, occurred_at: systemClock.now() };
    });
    const keys = [plainArray(paid.map((p) => p.merchant_id)), plainArray(paid.map((p) => p.attempt_id))];
    const now = toRfc3339(systemClock.now());
    await db.transaction(async (tx) => {
      await tx.query(insertPayments, [...keys, now]);
      await tx.query(insertAttempts, [...keys, now, channel_account_id]);
      await post(tx, paid.map(paymentPosting), systemClock.now());
    });
  }
}

/** Seconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}
