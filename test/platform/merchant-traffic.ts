/** A merchant's system and its payers under load: it repeats every request that was not answered, as merchants do. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CrashSite } from "./crash-site.ts";
import { codeOf, nextNumber, paymentBody } from "./payments.ts";
import type { Json } from "./sandbox-control.ts";

export interface Traffic {
  /** Payments that the API acknowledged, with the amount that was asked back of each. */
  acknowledged: Map<string, { serial_no: string; refunded: number }>;
  /** The codes of every refusal. */
  refusals: Set<string>;
  /** Starts nothing new, and resolves when every request has been answered. */
  finish(): Promise<void>;
}

const CLIENTS = 4;
const PATIENCE_MS = 40_000;
const AMOUNT = 300;

/** Starts clients that create, pay and partly refund, one payment after another. */
export function startTraffic(site: CrashSite): Traffic {
  const acknowledged: Traffic["acknowledged"] = new Map();
  const refusals = new Set<string>();
  const client: Client = { site, acknowledged, refusals };
  let finishing = false;
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    while (!finishing) await takeOnePayment(client, index % 2 === 0 ? "wechat.native" : "alipay.qr");
  });
  return {
    ...{ acknowledged, refusals },
    async finish() {
      finishing = true;
      await Promise.all(clients);
    },
  };
}

type Client = Pick<Traffic, "acknowledged" | "refusals"> & { site: CrashSite };

async function takeOnePayment(client: Client, method: "wechat.native" | "alipay.qr"): Promise<void> {
  const { site, acknowledged } = client;
  const body = paymentBody(method, { amount: AMOUNT, notify_url: site.receiver.url });
  const payment = await persist(client, "POST", "/v1/payments", body, ({ action }) => action.type === "qr_code");
  const entry = { serial_no: payment.serial_no, refunded: 0 };
  acknowledged.set(payment.id, entry);
  await site.sandbox.pay(codeOf(payment));
  await persist(client, "GET", `/v1/payments/${payment.id}`, undefined, ({ status }) => status === "succeeded");
  const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 100 };
  await persist(client, "POST", "/v1/refunds", refund, ({ object }) => object === "refund");
  entry.refunded += refund.amount;
}

/** Asks until the answer is what is waited for. Unanswered and unavailable is asked again; any other refusal throws. */
async function persist(
  { site, refusals }: Client,
  method: "GET" | "POST",
  path: string,
  body: object | undefined,
  isDone: (object: Json) => boolean,
): Promise<Json> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await site.call(method, path, body).catch(() => undefined);
    if (answer && answer.status < 300 && isDone(answer.body)) return answer.body;
    if (answer && answer.status >= 300) refusals.add(answer.body.error.code);
    if (answer && answer.status >= 300 && answer.body.error.retryable !== true) {
      throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    }
    if (performance.now() > giveUpAt) throw new Error(`${method} ${path}: no end: ${JSON.stringify(answer?.body)}`);
    await sleep(50);
  }
}
