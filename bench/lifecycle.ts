/** The whole way of payments: created, paid at the sandbox, noticed, booked, told to the merchant. */
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import type pg from "pg";
import type { DemoFile } from "../server/src/main/demo/demo-file.ts";
import type { BenchRow } from "./ledger.bench.ts";
import type { Driven, Driving } from "./lifecycle-driver.ts";
import { runProgram } from "./processes.ts";
import { makeRow } from "./table.ts";

const RATE_MIN = 500;
const CONCURRENCY = 192;
const WARM_UP_S = 8;
const SETTLE_MS = 3_000;
const CEILING_LIVES = 500;

/** What the run needs. */
export interface LifecycleBench {
  demo: DemoFile;
  client: pg.Client;
  seconds: number;
  say(line: string): void;
}

export async function runLifecycleBench(bench: LifecycleBench): Promise<BenchRow[]> {
  const prefix = `life-${process.pid}`;
  const ceiling = await measureSignatures();
  const driving: Driving = {
    ...bench.demo,
    ...{ concurrency: CONCURRENCY, warm_up_s: WARM_UP_S, seconds: bench.seconds, prefix },
  };
  await bench.client.query("checkpoint");
  const driven = JSON.parse(await runProgram(["bench/lifecycle-driver.ts", JSON.stringify(driving)])) as Driven;
  bench.say(
    `    ${Math.round(driven.per_second)}/s, p50 ${Math.round(driven.p50_ms)} ms, p99 ${Math.round(driven.p99_ms)} ms`,
  );
  await checkWritten(bench.client, prefix, driven.completed);
  return [
    makeRow({
      name: `(b) whole lifecycles, ${CONCURRENCY} at once`,
      figure: driven.per_second,
      unit: "/s",
      limit: { name: `a lifecycle's RSA-2048 alone, on ${availableParallelism()} cores`, value: ceiling },
      target: { text: `≥ ${RATE_MIN}/s`, ok: driven.per_second >= RATE_MIN },
    }),
    makeRow({ name: "(b) create until webhook acknowledged, 99th percentile", figure: driven.p99_ms, unit: "ms" }),
  ];
}

/** Every payment that came to its end for the merchant is booked once and its webhook recorded as delivered. */
async function checkWritten(client: pg.Client, prefix: string, completed: number): Promise<void> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const { rows } = await client.query<Record<"paid" | "booked" | "delivered", string>>(
      `select count(*) filter (where p.status = 'succeeded') as paid,
         (select count(*) from ledger_transactions t join attempts a on a.merchant_id = t.merchant_id and a.id = t.source_id
            join payments b on b.merchant_id = a.merchant_id and b.id = a.payment_id
          where t.kind = 'payment_succeeded' and b.out_trade_no like $1) as booked,
         (select count(*) from webhook_deliveries d join events e on e.merchant_id = d.merchant_id and e.id = d.event_id
            join payments b on b.merchant_id = e.merchant_id and b.id = e.object_id
          where d.status = 'delivered' and b.out_trade_no like $1) as delivered
       from payments p where p.out_trade_no like $1`,
      [`${prefix}-%`],
    );
    const { paid, booked, delivered } = rows[0]!;
    if ([paid, booked, delivered].every((count) => Number(count) === completed)) return;
    if (performance.now() > until) {
      throw new Error(`${completed} lifecycles: ${paid} paid, ${booked} booked, ${delivered} delivered`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Lifecycles a second if signing were all: order, answer and notice are each signed once and verified once, as the
 * protocol wants it, whatever the rest costs.
 */
async function measureSignatures(): Promise<number> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [signLater, verifyLater] = [promisify(sign), promisify(verify)];
  const message = Buffer.alloc(500, 120);
  const signature = sign("sha256", message, privateKey);
  const started = performance.now();
  const lives = Array.from({ length: CEILING_LIVES * 3 }, async () => {
    await (signLater as unknown as (...given: unknown[]) => Promise<Buffer>)("sha256", message, privateKey);
    await (verifyLater as unknown as (...given: unknown[]) => Promise<boolean>)(
      "sha256",
      message,
      publicKey,
      signature,
    );
  });
  await Promise.all(lives);
  return CEILING_LIVES / ((performance.now() - started) / 1000);
}
