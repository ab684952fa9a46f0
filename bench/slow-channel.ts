/**
 * What a slow channel costs the others, and what channel work costs at all. Payers at WeChat Pay are measured alone, and
 * again while as many others wait for Alipay, which answers in ten seconds. Both take turns, and
 * each side's 99th percentile is of all its rounds.
 */
import type { DemoFile } from "../server/src/main/demo/demo-file.ts";
import type { ChannelCost } from "./channel-cost.ts";
import { createLeanClient } from "./lean-client.ts";
import type { BenchRow } from "./ledger.bench.ts";
import { runProgram } from "./processes.ts";
import { makeRow } from "./table.ts";

const PAYERS = 64;
const ROUNDS = 3;
/** What a payer does between two payments: the machine is to be busy, not full. */
const PAUSE_MS = 400;
/** Within our time limit of 12 s: beyond it the breaker would open, and nobody would wait any more. */
const SLOW_MS = 10_000;
/** Until all who wait for the slow channel do. */
const LEAD_MS = 1_500;
const RATIO_MAX = 1.5;
const CPU_MS_MAX = 1;

/** What the run needs. */
export interface SlowChannelBench {
  demo: DemoFile;
  seconds: number;
  say(line: string): void;
}

export async function runSlowChannelBench({ demo, seconds, say }: SlowChannelBench): Promise<BenchRow[]> {
  const server = createLeanClient(demo.base_url, { authorization: `Bearer ${demo.secret_key}` });
  let count = 0;
  const pay: Pay = async (method) => {
    count += 1;
    const order = { out_trade_no: `slow-${process.pid}-${count}`, amount: 1234, currency: "CNY", subject: "一杯咖啡" };
    const started = performance.now();
    const answer = await server("/v1/payments", { ...order, method });
    if (answer.status >= 300) throw new Error(`a payment was answered ${answer.status}: ${answer.body}`);
    return { ms: performance.now() - started, status: String(JSON.parse(answer.body).status) };
  };
  await measure(pay, 3);
  const latencies = { alone: [] as number[], beside: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const round_alone = await measure(pay, seconds);
    const round_beside = await measureBeside(demo.sandbox_url, pay, seconds);
    say(`    p99 ${p99(round_alone).toFixed(1)} ms alone, ${p99(round_beside).toFixed(1)} ms beside a slow channel`);
    latencies.alone.push(...round_alone);
    latencies.beside.push(...round_beside);
  }
  const [alone, beside] = [p99(latencies.alone), p99(latencies.beside)];
  return [
    makeRow({
      name: `(e) ${PAYERS} payers at one channel while ${PAYERS} wait for another, 99th percentile`,
      figure: beside,
      unit: "ms",
      limit: { name: "the same payers alone", value: alone },
      target: { text: `≤ ${RATIO_MAX}×`, ok: beside <= RATIO_MAX * alone },
    }),
    ...(await measureCost(demo)),
  ];
}

function p99(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)]!;
}

/** One payment by the method: milliseconds, and what became of it. Throws when it is refused. */
type Pay = (method: "wechat.native" | "alipay.qr") => Promise<{ ms: number; status: string }>;

/** How long payments at WeChat Pay took, in milliseconds. */
async function measure(pay: Pay, seconds: number): Promise<number[]> {
  const until = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  const payer = async (number: number) => {
    await sleep((PAUSE_MS * number) / PAYERS);
    while (performance.now() < until) {
      const { ms, status } = await pay("wechat.native");
      if (status !== "processing") throw new Error(`a payment at the quick channel is ${status}`);
      latencies.push(ms);
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: PAYERS }, (_, number) => payer(number)));
  return latencies;
}

async function measureBeside(sandbox_url: string, pay: Pay, seconds: number): Promise<number[]> {
  const fault = { channel: "alipay", operation: "pay", fault: "slow", times: 100_000, delay_ms: SLOW_MS };
  const set = await createLeanClient(sandbox_url)("/control/faults", fault);
  if (set.status >= 300) throw new Error(`the sandbox refused to be slow: ${set.body}`);
  let over = false;
  const waits: number[] = [];
  const payer = async () => {
    while (!over) {
      waits.push((await pay("alipay.qr")).ms);
      await sleep(PAUSE_MS);
    }
  };
  const payers = Promise.all(Array.from({ length: PAYERS }, payer));
  await sleep(LEAD_MS);
  const latencies = await measure(pay, seconds);
  over = true;
  await payers;
  const held = waits.filter((ms) => ms >= SLOW_MS / 2).length;
  if (held < PAYERS) throw new Error(`only ${held} payers waited for the slow channel`);
  await fetch(`${sandbox_url}/control/faults`, { method: "DELETE" });
  return latencies;
}

/** Channels whose order and answer are each signed with RSA; the others' calls carry a token. */
const signing: ReadonlySet<string> = new Set(["wechat", "alipay", "unionpay"]);

async function measureCost({ sandbox_url }: DemoFile): Promise<BenchRow[]> {
  const cost = JSON.parse(await runProgram(["bench/channel-cost.ts", sandbox_url])) as ChannelCost;
  const rows = Object.entries(cost.calls_ms).map(([channel, call_ms]) => {
    const spent = call_ms + cost.routing_ms - (signing.has(channel) ? cost.rsa_ms : 0);
    return makeRow({
      name: `(e) work of ordering at ${channel}${signing.has(channel) ? " besides RSA" : ""}: processor time`,
      figure: spent,
      unit: "ms",
      limit: { name: "RSA-2048, one signed and one verified", value: cost.rsa_ms },
      target: { text: `≤ ${CPU_MS_MAX} ms`, ok: spent <= CPU_MS_MAX },
    });
  });
  return [
    ...rows,
    makeRow({ name: "(e) of it choosing the account, by ten rules", figure: 1000 * cost.routing_ms, unit: "µs" }),
  ];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
