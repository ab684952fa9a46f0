/** `POST /v1/payments` with method "cashier", beside a bare route that does one plain INSERT of the same row. */

import type pg from "pg";
import { parsePublicId } from "../server/src/kit/id.ts";
import type { DemoFile } from "../server/src/main/demo/demo-file.ts";
import type { Loader, LoadResult } from "./http-load.ts";
import type { BenchRow } from "./ledger.bench.ts";
import { readMemory, startProgram } from "./processes.ts";
import { makeRow, median } from "./table.ts";

const CONNECTIONS = 64;
const ROUNDS = 3;
const WARM_UP_S = 3;
const RATE_MIN = 10_000;
const RATIO_MIN = 1.5;
const P99_MS_MAX = 40;

/** What the run needs. */
export interface CreateBench {
  demo: DemoFile;
  database_url: string;
  client: pg.Client;
  loader: Loader;
  /** How long each of the three rounds of either side is. */
  seconds: number;
  say(line: string): void;
}

/** Rounds of both sides take turns, so that a disturbance of the machine meets both. */
export async function runCreateBench(bench: CreateBench): Promise<{ rows: BenchRow[]; bare_peak_mb: number }> {
  const { demo, client } = bench;
  await client.query("drop table if exists bench_payments");
  await client.query("create table bench_payments (like payments including all)");
  const owner = [parsePublicId("merchant", demo.merchant_id)!, parsePublicId("app", demo.app_id)!];
  const bare = await startProgram(["bench/bare-route.ts", bench.database_url, ...owner], "http://");
  try {
    const ours = `${demo.base_url.replace("//localhost:", "//127.0.0.1:")}/v1/payments`;
    const results: { ours: LoadResult[]; bare: LoadResult[] } = { ours: [], bare: [] };
    for (let round = 0; round <= ROUNDS; round += 1) {
      const seconds = round === 0 ? WARM_UP_S : bench.seconds;
      for (const [side, url] of [
        ["bare", `${bare.ready}/v1/payments`],
        ["ours", ours],
      ] as const) {
        const result = await loadRound(bench, side, url, round, seconds);
        if (round > 0) results[side].push(result);
      }
    }
    return { rows: toRows(results, bench.loader), bare_peak_mb: readMemory(bare.pid)?.peak ?? 0 };
  } finally {
    await bare.stop();
    await client.query("drop table bench_payments");
  }
}

async function loadRound(
  bench: CreateBench,
  side: "bare" | "ours",
  url: string,
  round: number,
  seconds: number,
): Promise<LoadResult> {
  const prefix = `create-${process.pid}-${round}`;
  // Neither side starts in the wake of the other's dirty pages.
  await bench.client.query("checkpoint");
  const result = await bench.loader.load({
    url,
    key: bench.demo.secret_key,
    connections: CONNECTIONS,
    seconds,
    prefix,
  });
  if (result.errors > 0) throw new Error(`${result.errors} requests of the ${side} side failed`);
  const table = side === "ours" ? "payments" : "bench_payments";
  const { rows } = await bench.client.query<{ count: string }>(
    `select count(*) from ${table} where out_trade_no like $1`,
    [`${prefix}-%`],
  );
  // Requests under way at the end of a round were written and not counted.
  const written = Number(rows[0]!.count);
  if (written < result.requests) throw new Error(`${result.requests} payments were answered, ${written} written`);
  if (round > 0) {
    bench.say(`    ${side}: ${Math.round(result.per_second)}/s, p50 ${result.p50_ms} ms, p99 ${result.p99_ms} ms`);
  }
  return result;
}

function toRows(results: { ours: LoadResult[]; bare: LoadResult[] }, loader: Loader): BenchRow[] {
  const middle = (of: LoadResult[], pick: (result: LoadResult) => number) => median(of.map(pick));
  const rate = middle(results.ours, (result) => result.per_second);
  const limit = middle(results.bare, (result) => result.per_second);
  const p99 = middle(results.ours, (result) => result.p99_ms);
  return [
    makeRow({
      name: `(a) create payments, ${CONNECTIONS} connections (${loader.name})`,
      figure: rate,
      unit: "/s",
      limit: { name: "bare Fastify route, one plain INSERT", value: limit },
      target: {
        text: `≥ ${RATE_MIN.toLocaleString("en-US")}/s and ≥ ${RATIO_MIN}×`,
        ok: rate >= RATE_MIN && rate >= RATIO_MIN * limit,
      },
    }),
    makeRow({
      name: "(a) its 99th percentile",
      figure: p99,
      unit: "ms",
      limit: { name: "the bare route's", value: middle(results.bare, (result) => result.p99_ms) },
      target: { text: `< ${P99_MS_MAX} ms`, ok: p99 < P99_MS_MAX },
    }),
  ];
}
