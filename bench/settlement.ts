/**
 * Settling: 100,000 payments of one merchant in one batch, and 10,000 merchants of the day before by the worker. Beside
 * each stands what PostgreSQL alone needs: adding the same entries up, and writing the same rows ready-made.
 */
import { createManualClock, systemClock } from "../server/src/kit/clock.ts";
import { createIdSource } from "../server/src/kit/id.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { systemRandom } from "../server/src/kit/random.ts";
import { plainArray } from "../server/src/kit/sql/arrays.ts";
import type { Database } from "../server/src/kit/sql/database.ts";
import { platformStatement } from "../server/src/kit/sql/statement.ts";
import { inGroups } from "../server/src/kit/worker/in-halves.ts";
import { verify } from "../server/src/ledger/index.ts";
import {
  createSettlementWorker,
  runSettlement,
  type SettlementServices,
} from "../server/src/modules/settlement/index.ts";
import type { BenchRow } from "./ledger.bench.ts";
import { makePendingMerchants, openBenchDatabase, type PendingMerchants } from "./settled-merchants.ts";
import { makeRow } from "./table.ts";

const BIG_PAYMENTS = 100_000;
const BIG_S_MAX = 5;
const MERCHANTS = 10_000;
const PAYMENTS_EACH = 3;
const MERCHANTS_S_MAX = 60;
/** As many merchants as the worker settles in one transaction. */
const GROUP = 50;

/** Runs on a migrated database of its own. Throws when not everything was settled, or the books differ. */
export async function runSettlementBench(database_url: string, say: (line: string) => void): Promise<BenchRow[]> {
  const db = openBenchDatabase(database_url);
  try {
    const now = systemClock.now();
    const big = await makePendingMerchants(db, { merchants: 1, payments: BIG_PAYMENTS, now });
    const many = await makePendingMerchants(db, { merchants: MERCHANTS, payments: PAYMENTS_EACH, now });
    await db.query(analyze);
    const rows = [await settleBig(db, big, now), await settleMany(db, many, now)];
    for (const { name, figure, limit } of rows) say(`    ${name}: ${figure.toFixed(2)} s beside ${limit.toFixed(2)} s`);
    const { differences } = await verify(db);
    if (differences.length > 0) throw new Error(`the books differ: ${differences[0]!.sentence}`);
    return rows;
  } finally {
    await db.close();
  }
}

const analyze = platformStatement("bench.analyze", "vacuum analyze");

const sumStatement = platformStatement(
  "bench.sum_entries",
  `select t.kind, sum(e.amount) as amount from ledger_transactions t
   cross join lateral (select t.entries[line][2] as amount from generate_subscripts(t.entries, 1) as line) e
   where t.merchant_id = $1 and not t.livemode group by t.kind`,
);

async function settleBig(db: Database, big: PendingMerchants, now: number): Promise<BenchRow> {
  const limit = await timed(() => db.query(sumStatement, [big.merchant_ids[0]!]));
  const services = servicesAt(db, now);
  const key = { merchant_id: big.merchant_ids[0]!, livemode: false, currency: "CNY" };
  const figure = await timed(async () => {
    const settlement = await runSettlement(services, key);
    if (settlement?.payment_count !== BigInt(BIG_PAYMENTS)) throw new Error("not everything was settled");
  });
  return makeRow({
    name: `(f) ${BIG_PAYMENTS.toLocaleString("en-US")} payments of one merchant settled in one batch`,
    figure,
    unit: "s",
    limit: { name: "one SQL sum over the same entries", value: limit },
    target: { text: `< ${BIG_S_MAX} s`, ok: figure < BIG_S_MAX },
  });
}

function servicesAt(db: Database, now: number): SettlementServices {
  const clock = createManualClock(now);
  const [log, ids] = [createLogger("silent"), createIdSource(clock, systemRandom)];
  const approval = { db, clock, ids, log, handlers: new Map() };
  return { db, clock, ids, log, approval, kick: { webhooks() {} } };
}

/** By one worker, as the server runs it, with its rests. */
async function settle(db: Database, pending: PendingMerchants, now: number): Promise<number> {
  const worker = createSettlementWorker(servicesAt(db, now));
  await pending.wake();
  const elapsed = await timed(() => worker.drain());
  const settled = await pending.countSettled();
  if (settled !== pending.merchant_ids.length) throw new Error(`${settled} merchants were settled`);
  return elapsed;
}

async function settleMany(db: Database, many: PendingMerchants, now: number): Promise<BenchRow> {
  const figure = await settle(db, many, now);
  const limit = await timed(() => writeAgain(db, many));
  return makeRow({
    name: `(g) ${MERCHANTS.toLocaleString("en-US")} merchants settled, each with ${PAYMENTS_EACH} payments`,
    figure,
    unit: "s",
    limit: { name: "INSERT and UPDATE of the same rows, ready-made, in groups as large", value: limit },
    target: { text: `< ${MERCHANTS_S_MAX} s`, ok: figure < MERCHANTS_S_MAX },
  });
}

const bareTables = [
  platformStatement("bench.bare_transactions", "create table bench_t (like ledger_transactions including all)"),
  platformStatement("bench.bare_settlements", "create table bench_s (like settlements including all)"),
  platformStatement("bench.bare_events", "create table bench_e (like events including all)"),
];
const writeGroup = platformStatement(
  "bench.write_group",
  `with t as (insert into bench_t select * from ledger_transactions
       where merchant_id = any ($1::uuid[]) and kind = 'settlement_created'),
     s as (insert into bench_s select * from settlements where merchant_id = any ($1::uuid[])),
     e as (insert into bench_e select * from events where merchant_id = any ($1::uuid[])),
     b as (update ledger_books set balances = balances where merchant_id = any ($1::uuid[]))
   update settlement_settings set next_day = next_day where merchant_id = any ($1::uuid[])`,
);

/** What settling wrote, once more: one statement and commit for each group, on two connections. */
async function writeAgain(db: Database, { merchant_ids }: PendingMerchants): Promise<void> {
  for (const statement of bareTables) await db.query(statement);
  const half = merchant_ids.length >> 1;
  const write = async (some: readonly string[]) => {
    for (const group of inGroups(some, GROUP)) await db.query(writeGroup, [plainArray(group)]);
  };
  await Promise.all([write(merchant_ids.slice(0, half)), write(merchant_ids.slice(half))]);
}

/** Seconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}
