/** One payment the whole way, through the API and the sandbox like a merchant's system and a payer's phone would. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { DemoFile } from "./demo-file.ts";

type Json = Record<string, unknown>;

export interface DemoReceipt {
  /** The payment as it was created and as it is at the end. */
  created: Json;
  paid: Json;
  /** The webhook as it was received, its signature verified. */
  webhook: { id: string; type: string };
}

const PATIENCE_MS = 15_000;

/** Throws when a step does not answer as it should within 15 s. */
export async function payOnce(demo: DemoFile, out_trade_no: string): Promise<DemoReceipt> {
  const receiver = await receiveWebhook(demo.webhook_secret);
  try {
    const created = await call(`${demo.base_url}/v1/payments`, demo.secret_key, {
      out_trade_no,
      amount: 1234,
      currency: "CNY",
      subject: "一杯咖啡 A cup of coffee",
      method: "wechat.native",
      notify_url: receiver.url,
    });
    const { qr_code } = created.action as { qr_code?: string };
    if (!qr_code) throw new Error(`the channel gave no QR code: ${JSON.stringify(created)}`);
    await call(`${demo.sandbox_url}/control/pay`, undefined, { code: qr_code, outcome: "success" });
    const webhook = await receiver.received;
    const paid = await call(`${demo.base_url}/v1/payments/${created.id}`, demo.secret_key);
    return { created, paid, webhook };
  } finally {
    receiver.close();
  }
}

async function call(url: string, key: string | undefined, body?: Json): Promise<Json> {
  const response = await fetch(url, {
    method: body ? "POST" : "GET",
    headers: { ...(body && { "content-type": "application/json" }), ...(key && { authorization: `Bearer ${key}` }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const answer = (await response.json()) as Json;
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

/** A merchant's receiver, for one webhook: verifies the signature with the independent library. */
async function receiveWebhook(secret: string) {
  const { promise: received, resolve, reject } = Promise.withResolvers<{ id: string; type: string }>();
  // Seen by nobody when an earlier step fails first.
  received.catch(() => undefined);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      try {
        const event = new Webhook(secret).verify(
          Buffer.concat(chunks).toString("utf8"),
          request.headers as Record<string, string>,
        ) as { id: string; type: string };
        response.writeHead(204).end();
        resolve(event);
      } catch (error) {
        response.writeHead(400).end();
        reject(error);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const timer = setTimeout(() => reject(new Error("the webhook did not arrive within 15 s")), PATIENCE_MS);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    received,
    close() {
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}
