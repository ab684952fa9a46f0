/**
 * What settling costs payments: payers at WeChat Pay are measured alone, and again while the server's worker settles
 * thousands of merchants and one of many payments. Both take turns; each side's 99th percentile is of all its rounds.
 */
import { systemClock } from "../server/src/kit/clock.ts";
import type { DemoFile } from "../server/src/main/demo/demo-file.ts";
import { createLeanClient } from "./lean-client.ts";
import type { BenchRow } from "./ledger.bench.ts";
import { makePendingMerchants, openBenchDatabase, type PendingMerchants } from "./settled-merchants.ts";
import { makeRow } from "./table.ts";

const PAYERS = 64;
const PAUSE_MS = 400;
const ROUNDS = 3;
const RATIO_MAX = 1.5;
/** For each second of a round: so many that the worker is never done before it. */
const MERCHANTS_PER_SECOND = 1_200;
const BIG_PAYMENTS = 30_000;
/** The worker looks every five seconds. */
const WORKER_MS = 6_000;

/** What the run needs. */
export interface SettlingBench {
  demo: DemoFile;
  database_url: string;
  seconds: number;
  say(line: string): void;
}

export async function runSettlingBesideBench(bench: SettlingBench): Promise<BenchRow[]> {
  const { demo, seconds, say } = bench;
  const db = openBenchDatabase(bench.database_url);
  try {
    const pay = createPayer(demo);
    const rounds = await prepare(bench, db);
    await measure(pay, 3_000);
    const latencies = { alone: [] as number[], beside: [] as number[] };
    for (const parts of rounds) {
      const alone = await measure(pay, seconds * 1_000);
      const beside = await measureBeside(pay, seconds * 1_000, parts, say);
      say(`    p99 ${p99(alone).toFixed(1)} ms alone, ${p99(beside).toFixed(1)} ms while merchants are settled`);
      latencies.alone.push(...alone);
      latencies.beside.push(...beside);
    }
    const [alone, beside] = [p99(latencies.alone), p99(latencies.beside)];
    return [
      makeRow({
        name: `(h) ${PAYERS} payers while merchants are settled, 99th percentile`,
        figure: beside,
        unit: "ms",
        limit: { name: "the same payers alone", value: alone },
        target: { text: `≤ ${RATIO_MAX}×`, ok: beside <= RATIO_MAX * alone },
      }),
    ];
  } finally {
    await db.close();
  }
}

/** For each round many small merchants and a big one, made before anything is measured. */
async function prepare(
  { seconds }: SettlingBench,
  db: Parameters<typeof makePendingMerchants>[0],
): Promise<PendingMerchants[][]> {
  const rounds: PendingMerchants[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = systemClock.now();
    const many = await makePendingMerchants(db, { merchants: MERCHANTS_PER_SECOND * seconds, payments: 1, now });
    const big = await makePendingMerchants(db, { merchants: 1, payments: BIG_PAYMENTS, now });
    rounds.push([big, many]);
  }
  return rounds;
}

type Pay = () => Promise<number>;

/** One payment at WeChat Pay, in milliseconds. Throws when it is refused. */
function createPayer(demo: DemoFile): Pay {
  const server = createLeanClient(demo.base_url, { authorization: `Bearer ${demo.secret_key}` });
  let count = 0;
  return async () => {
    count += 1;
    const order = {
      out_trade_no: `beside-${process.pid}-${count}`,
      amount: 1234,
      currency: "CNY",
      subject: "一杯咖啡",
    };
    const started = performance.now();
    const answer = await server("/v1/payments", { ...order, method: "wechat.native" });
    if (answer.status >= 300) throw new Error(`a payment was answered ${answer.status}: ${answer.body}`);
    return performance.now() - started;
  };
}

async function measure(pay: Pay, duration_ms: number): Promise<number[]> {
  const until = performance.now() + duration_ms;
  const latencies: number[] = [];
  const payer = async (number: number) => {
    await sleep((PAUSE_MS * number) / PAYERS);
    while (performance.now() < until) {
      latencies.push(await pay());
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: PAYERS }, (_, number) => payer(number)));
  return latencies;
}

/** Measures from the worker's first settlement on, and lets it finish before anything else is measured. */
async function measureBeside(
  pay: Pay,
  duration_ms: number,
  parts: readonly PendingMerchants[],
  say: (line: string) => void,
): Promise<number[]> {
  const wanted = parts.reduce((sum, { merchant_ids }) => sum + merchant_ids.length, 0);
  const settled = async () => (await Promise.all(parts.map((part) => part.countSettled()))).reduce((a, b) => a + b, 0);
  for (const part of parts) await part.wake();
  for (let waited = 0; (await settled()) === 0; waited += 100) {
    if (waited > 2 * WORKER_MS) throw new Error("the worker settles nobody");
    await sleep(100);
  }
  const [first, started] = [await settled(), performance.now()];
  const latencies = await measure(pay, duration_ms);
  const done = await settled();
  const rate = (1_000 * (done - first)) / (performance.now() - started);
  if (done === wanted) say(`    all ${wanted} merchants were settled before the round's end`);
  say(`    ${Math.round(rate)} merchants a second were settled meanwhile`);
  while ((await settled()) < wanted) await sleep(200);
  return latencies;
}

function p99(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)]!;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
