/**
 * Postings per second: with every posting in one merchant's book and with postings spread over 10,000 books. A posting
 * is one pooled payment: a transaction of three lines (gross, net, fee), as `createPostGroup` takes it from a caller.
 *
 * The limit beside each figure is a bare batched INSERT + UPDATE of the same rows: the transactions and the books,
 * ready-made, in the same encoding and batches as large, without finding natural keys, locking, computing or promises.
 * Both are warmed up and take turns; each figure is the median of its rounds.
 */

import { systemClock } from "../server/src/kit/clock.ts";
import { createIdSource } from "../server/src/kit/id.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { createSeededRandom, type Random, systemRandom } from "../server/src/kit/random.ts";
import { plainArray } from "../server/src/kit/sql/arrays.ts";
import { type Database, openDatabase, type SqlValue } from "../server/src/kit/sql/database.ts";
import { platformStatement } from "../server/src/kit/sql/statement.ts";
import { makeMatrix, uuidArray } from "../server/src/ledger/binary-arrays.ts";
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
const POSTINGS = 100_000;
const ROUNDS = 3;
const WARM_UP = 40_000;
/** Callers that wait for their posting at any moment. */
const CALLERS = 40_000;
const BATCH = 10_000;
const LANES = 2;
const SPREAD = 10_000;

const ids = createIdSource(systemClock, systemRandom);

/** Runs on a migrated database of its own: the postings belong to no payment. Throws when the books are not whole. */
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
      const { figure, limit } = await compare(db, merchants);
      rows.push({
        name: `(c) postings of 3 lines, ${merchants === 1 ? "one hot merchant" : `${SPREAD} merchants`}`,
        figure,
        unit: "postings/s",
        limit_name: "bare batched INSERT + UPDATE of the same rows",
        limit,
        ratio: figure / limit,
        target: `≥ ${TARGET}/s`,
        ok: figure >= TARGET,
      });
    }
    await verify(db);
    return rows;
  } finally {
    await db.close();
  }
}

async function verify(db: Database): Promise<void> {
  const findings = createFindings();
  await db.snapshot(([journal]) => verifyBooks({ journal }, findings));
  const [first] = findings.differences;
  if (first) throw new Error(`the books of the bench are not whole: ${first.sentence}`);
}

async function compare(db: Database, merchants: number): Promise<{ figure: number; limit: number }> {
  const bare = await prepareBare(db, merchants);
  const posting = preparePosting(db, merchants);
  // Opens every book and plans the statements.
  await bare(WARM_UP);
  await posting(Math.max(WARM_UP, 2 * merchants));
  const limits: number[] = [];
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await settle(db);
    limits.push(await bare(POSTINGS));
    await settle(db);
    figures.push(await posting(POSTINGS));
  }
  await db.query(dropTables);
  return { figure: median(figures), limit: median(limits) };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Gives a function that posts so many payments and tells how many it posted in a second. */
function preparePosting(db: Database, merchants: number): (count: number) => Promise<number> {
  const channel_account_id = ids.uuid();
  const books = Array.from({ length: merchants }, () => ids.uuid());
  const post = createPostGroup({ db, clock: systemClock, batch_max: BATCH, lanes: LANES, waiting_max: CALLERS });
  const random = createSeededRandom(merchants);
  let opened = 0;
  const choose = () => (opened < merchants ? opened++ : Math.floor(random.unit() * merchants));
  return (count) => {
    let turn = 0;
    const call = async () => {
      while (turn < count) {
        turn += 1;
        await post(payment(books[choose()]!, channel_account_id));
      }
    };
    return perSecond(count, () => Promise.all(Array.from({ length: CALLERS }, call)));
  };
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
   select ($2::uuid[])[i], false, ($4::bigint[])[i][1], ($3::uuid[])[i], now(), now(), 'payment_succeeded',
     ($5::bigint[])[3 * i - 2 : 3 * i]
   from generate_series(1, $1::integer) i`,
);
const updateBare = platformStatement(
  "bench.update",
  `update bench_books b set number = ($3::bigint[])[i][1],
     balances = array[($3::bigint[])[i][2], ($3::bigint[])[i][3], ($3::bigint[])[i][4]]
   from generate_series(1, $1::integer) i where b.merchant_id = ($2::uuid[])[i] and b.livemode = false`,
);

interface BareBatch {
  insert: SqlValue[];
  update: SqlValue[];
}

/** Gives a function that writes so many ready-made transactions and tells how many it wrote in a second. */
async function prepareBare(db: Database, merchants: number): Promise<(count: number) => Promise<number>> {
  await db.query(dropTables);
  await db.query(bareTables);
  await db.query(bareTransactions);
  const books = Array.from({ length: merchants }, () => ids.uuid());
  await db.query(openBare, [plainArray(books)]);
  const random = createSeededRandom(merchants);
  let written = 0;
  return (count) => {
    const lanes: BareBatch[][] = Array.from({ length: merchants === 1 ? 1 : LANES }, () => []);
    for (let from = 0; from < count; from += BATCH) {
      const lane = (from / BATCH) % lanes.length;
      lanes[lane]!.push(makeBareBatch(books, lane, written + from, random));
    }
    written += count;
    const work = async (batches: readonly BareBatch[]) => {
      for (const batch of batches) await writeBareBatch(db, batch);
    };
    return perSecond(count, () => Promise.all(lanes.map(work)));
  };
}

/** Batches on different connections are of different books, so that they do not wait for each other. */
function makeBareBatch(books: readonly string[], lane: number, from: number, random: Random): BareBatch {
  const rows = Array.from({ length: BATCH }, (_, index) => from + index);
  const ofLane = Math.ceil(books.length / LANES);
  const first = books.length === 1 ? 0 : lane * ofLane;
  const chosen = rows.map(() => books[first + Math.floor(random.unit() * Math.min(ofLane, books.length - first))]!);
  const touched = [...new Set(chosen)].sort();
  const numbers = makeMatrix(BATCH, 1);
  const entries = makeMatrix(3 * BATCH, 3);
  for (const row of rows) {
    numbers.add(row + 1);
    for (const cell of [1, 10_000, row, 2, 9_940, row, 3, 60, row]) entries.add(cell);
  }
  const states = makeMatrix(touched.length, 4);
  for (const _ of touched) for (const cell of [from, from, from, from]) states.add(cell);
  const sources = uuidArray(rows, () => ids.uuid());
  return {
    insert: [BATCH, uuidArray(chosen.sort(), String), sources, numbers.finish(), entries.finish()],
    update: [touched.length, uuidArray(touched, String), states.finish()],
  };
}

async function writeBareBatch(db: Database, { insert, update }: BareBatch): Promise<void> {
  await db.transaction((tx) => Promise.all([tx.query(insertBare, insert), tx.query(updateBare, update)]));
}

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
