/**
 * Postings per second: with every posting in one merchant's book and with postings spread over 10,000 books. A posting
 * is one pooled payment: a transaction of three lines (gross, net, fee), as `createPostGroup` takes it from a caller.
 *
 * The limit beside each figure is a bare batched INSERT + UPDATE of the same rows: the transactions and the books,
 * ready-made, in batches as large, on as many connections, without finding natural keys, computing or promises.
 */

import { systemClock } from "../server/src/kit/clock.ts";
import { createIdSource } from "../server/src/kit/id.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { createSeededRandom, type Random, systemRandom } from "../server/src/kit/random.ts";
import { plainArray, textArray } from "../server/src/kit/sql/arrays.ts";
import { type Database, openDatabase } from "../server/src/kit/sql/database.ts";
import { platformStatement } from "../server/src/kit/sql/statement.ts";
import { createPostGroup, type NewPosting, paymentPosting } from "../server/src/ledger/index.ts";
import { createFindings } from "../server/src/ledger/verify/findings.ts";
import { verifyBooks } from "../server/src/ledger/verify/verify-books.ts";

export interface BenchRow {
  name: string;
  figure: number;
  unit: string;
  limit_name: string;
  limit: number;
  /** figure / limit */
  ratio: number;
  target: string;
  ok: boolean;
}

const TARGET = 60_000;
const VERIFY_TARGET = 500_000;
const POSTINGS = 300_000;
const WARM_UP = 30_000;
/** Callers that wait for their posting at any moment. */
const CALLERS = 6_000;
const BATCH = 1_000;
const LANES = 2;
const SPREAD = 10_000;

const ids = createIdSource(systemClock, systemRandom);

/**
 * Runs on a migrated database of its own: the postings belong to no payment. Throws when the books that it leaves are
 * not whole. The last row is how fast that was checked.
 */
export async function runLedgerBench(databaseUrl: string): Promise<BenchRow[]> {
  const db = openDatabase({
    url: databaseUrl,
    connections_max: 4,
    log: createLogger("silent"),
    random: systemRandom,
    statement_timeout_ms: 120_000,
  });
  try {
    const rows: BenchRow[] = [];
    for (const merchants of [1, SPREAD]) {
      const limit = await measureBare(db, merchants);
      const figure = await measurePosting(db, merchants);
      rows.push({
        name: merchants === 1 ? "postings of 3 lines, one hot merchant" : `postings of 3 lines, ${SPREAD} merchants`,
        figure,
        unit: "postings/s",
        limit_name: "bare batched INSERT + UPDATE of the same rows",
        limit,
        ratio: figure / limit,
        target: `≥ ${TARGET}/s`,
        ok: figure >= TARGET,
      });
    }
    rows.push(await measureVerification(db));
    return rows;
  } finally {
    await db.close();
  }
}

async function measureVerification(db: Database): Promise<BenchRow> {
  const findings = createFindings();
  const seconds = await timed(() => db.snapshot((sql) => verifyBooks(sql, findings)));
  const [first] = findings.differences;
  if (first) throw new Error(`the books of the bench are not whole: ${first.sentence}`);
  const figure = Math.round(findings.entries / seconds);
  const countSeconds = await timed(() => db.query(countEntries));
  const limit = Math.round(findings.entries / countSeconds);
  return {
    name: "entries verified against their books",
    figure,
    unit: "entries/s",
    limit_name: "one SQL sum over the same entries",
    limit,
    ratio: figure / limit,
    target: `≥ ${VERIFY_TARGET}/s`,
    ok: figure >= VERIFY_TARGET,
  };
}

async function measurePosting(db: Database, merchants: number): Promise<number> {
  const channel_account_id = ids.uuid();
  const books = Array.from({ length: merchants }, () => ids.uuid());
  const post = createPostGroup({ db, clock: systemClock, batch_max: BATCH, lanes: LANES, waiting_max: CALLERS });
  const run = async (count: number, choose: (turn: number) => number) => {
    let turn = 0;
    const callers = Array.from({ length: CALLERS }, async () => {
      while (turn < count) await post(payment(books[choose(turn++)]!, channel_account_id));
    });
    await Promise.all(callers);
  };
  // Opens every book and plans the statements.
  await run(Math.max(WARM_UP, merchants), (turn) => turn % merchants);
  await settle(db);
  const random = createSeededRandom(merchants);
  return perSecond(POSTINGS, () => run(POSTINGS, () => Math.floor(random.unit() * merchants)));
}

function payment(merchant_id: string, channel_account_id: string): NewPosting {
  return paymentPosting({
    merchant_id,
    livemode: false,
    attempt_id: ids.uuid(),
    channel_account_id,
    funding_mode: "pooled",
    amount: { amount: 10_000n, currency: "CNY" },
    fee: 60n,
    cost: 0n,
    occurred_at: systemClock.now(),
  });
}

const bareTables = platformStatement(
  "bench.tables",
  `create table bench_books (like ledger_books including all) with (fillfactor = 50)`,
);
const bareTransactions = platformStatement(
  "bench.transactions",
  "create table bench_transactions (like ledger_transactions including all)",
);
const dropTables = platformStatement("bench.drop", "drop table if exists bench_books, bench_transactions");
const openBare = platformStatement(
  "bench.open",
  `insert into bench_books select m, false, 0, '{1,2,3}', '{0,0,0}', '{0,0,0}' from unnest($1::uuid[]) m`,
);
const insertBare = platformStatement(
  "bench.insert",
  `insert into bench_transactions (merchant_id, livemode, number, source_id, occurred_at, posted_at, kind, entries)
   select m, false, n, s, now(), now(), 'payment_succeeded', e::bigint[]
   from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[]) as t (m, n, s, e)`,
);
const updateBare = platformStatement(
  "bench.update",
  `update bench_books b set number = n, balances = v::bigint[]
   from unnest($1::uuid[], $2::bigint[], $3::text[]) as u (m, n, v) where b.merchant_id = m and not b.livemode`,
);

async function measureBare(db: Database, merchants: number): Promise<number> {
  await db.query(dropTables);
  await db.query(bareTables);
  await db.query(bareTransactions);
  const books = Array.from({ length: merchants }, () => ids.uuid());
  await db.query(openBare, [plainArray(books)]);
  const random = createSeededRandom(merchants);
  const lanes: string[][][] = Array.from({ length: merchants === 1 ? 1 : LANES }, () => []);
  for (let from = 0; from < POSTINGS; from += BATCH) {
    const lane = (from / BATCH) % lanes.length;
    lanes[lane]!.push(makeBareBatch(books, lane, from, random));
  }
  await settle(db);
  const work = async (batches: readonly string[][]) => {
    for (const batch of batches) await writeBareBatch(db, batch);
  };
  const figure = await perSecond(POSTINGS, () => Promise.all(lanes.map(work)));
  await db.query(dropTables);
  return figure;
}

/** Batches on different connections are of different books, so that they do not wait for each other. */
function makeBareBatch(books: readonly string[], lane: number, from: number, random: Random): string[] {
  const rows = Array.from({ length: BATCH }, (_, index) => from + index);
  const ofLane = Math.ceil(books.length / LANES);
  const first = books.length === 1 ? 0 : lane * ofLane;
  const chosen = rows.map(() => books[first + Math.floor(random.unit() * Math.min(ofLane, books.length - first))]!);
  const touched = [...new Set(chosen)].sort();
  return [
    plainArray(chosen.sort()),
    plainArray(rows.map((row) => row + 1)),
    plainArray(rows.map(() => ids.uuid())),
    textArray(
      rows.map(
        (row) =>
          `{{4611686018427387001,10000,${row}},{4611686018427387002,9940,${row}},{4611686018427387003,60,${row}}}`,
      ),
    ),
    plainArray(touched),
    plainArray(touched.map(() => from)),
    textArray(touched.map(() => `{${from},${from},${from}}`)),
  ];
}

async function writeBareBatch(db: Database, batch: readonly string[]): Promise<void> {
  await db.transaction((tx) =>
    Promise.all([tx.query(insertBare, batch.slice(0, 4)), tx.query(updateBare, batch.slice(4))]),
  );
}

const countEntries = platformStatement("bench.sum", "select sum(amount), sum(balance_after) from ledger_entries");
const vacuum = platformStatement("bench.vacuum", "vacuum analyze");

/** Both sides start with nothing to vacuum. */
async function settle(db: Database): Promise<void> {
  await db.query(vacuum);
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  return Math.round(count / (await timed(work)));
}

/** Seconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}
