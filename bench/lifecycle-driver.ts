/**
 * A merchant and its payers, a process of their own. Each of many at once: creates a payment with wechat.native, pays
 * its QR code at the sandbox, and waits until the signed webhook says that it succeeded; then the next.
 *
 * Takes one argument of JSON (`Driving`), prints one line of JSON (`Driven`).
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createLeanClient } from "./lean-client.ts";

/** What to do. */
export interface Driving {
  base_url: string;
  sandbox_url: string;
  secret_key: string;
  webhook_secret: string;
  concurrency: number;
  warm_up_s: number;
  seconds: number;
  prefix: string;
}

/** What came of it. Latencies in milliseconds, from the create request until the webhook was acknowledged. */
export interface Driven {
  per_second: number;
  /** All that were carried out, the warm-up and the last ones after the measured time included. */
  completed: number;
  p50_ms: number;
  p99_ms: number;
}

type Json = Record<string, unknown>;

const PATIENCE_MS = 20_000;
const driving = JSON.parse(process.argv[2]!) as Driving;
const server = createLeanClient(driving.base_url, { authorization: `Bearer ${driving.secret_key}` });
const sandbox = createLeanClient(driving.sandbox_url);
const waiting = new Map<string, () => void>();
const webhookKey = Buffer.from(driving.webhook_secret.slice("whsec_".length), "base64");

async function post(to: typeof server, path: string, body: Json): Promise<Json> {
  const answer = await to(path, body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as Json;
}

const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = request.headers;
    const expected = createHmac("sha256", webhookKey).update(`${id}.${at}.`).update(body).digest();
    if (!timingSafeEqual(expected, Buffer.from(String(signature).slice("v1,".length), "base64"))) {
      response.writeHead(400).end();
      return;
    }
    const event = JSON.parse(body.toString()) as { type: string; data: { object: { out_trade_no: string } } };
    response.writeHead(204).end(() => {
      if (event.type === "payment.succeeded") waiting.get(event.data.object.out_trade_no)?.();
    });
  });
});

let notify_url = "";
let count = 0;
let completed = 0;

/** One payment, the whole way; milliseconds from its start to its end. */
async function live(): Promise<number> {
  count += 1;
  const out_trade_no = `${driving.prefix}-${count}`;
  const started = performance.now();
  const { promise: told, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no webhook came for ${out_trade_no}`)), PATIENCE_MS);
  waiting.set(out_trade_no, resolve);
  const order = {
    out_trade_no,
    amount: 1234,
    currency: "CNY",
    subject: "一杯咖啡",
    method: "wechat.native",
    notify_url,
  };
  const payment = await post(server, "/v1/payments", order);
  const { qr_code } = payment.action as Json;
  if (qr_code === undefined) throw new Error(`the channel gave no QR code: ${JSON.stringify(payment)}`);
  await post(sandbox, "/control/pay", { code: qr_code, outcome: "success" });
  await told;
  clearTimeout(timer);
  waiting.delete(out_trade_no);
  completed += 1;
  return performance.now() - started;
}

async function main(): Promise<void> {
  receiver.listen(0, "127.0.0.1");
  await new Promise((resolve) => receiver.once("listening", resolve));
  notify_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks`;
  const from = performance.now() + driving.warm_up_s * 1000;
  const until = from + driving.seconds * 1000;
  const latencies: number[] = [];
  const payer = async () => {
    while (performance.now() < until) {
      const latency = await live();
      const now = performance.now();
      if (now >= from && now < until) latencies.push(latency);
    }
  };
  await Promise.all(Array.from({ length: driving.concurrency }, payer));
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  const driven: Driven = {
    per_second: latencies.length / driving.seconds,
    completed,
    p50_ms: at(0.5),
    p99_ms: at(0.99),
  };
  process.stdout.write(`${JSON.stringify(driven)}\n`);
}

await main();
process.exit(0);
