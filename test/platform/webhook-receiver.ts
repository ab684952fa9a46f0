/** A merchant's receiver of webhooks: keeps what arrives and verifies it with the independent library. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { Json } from "./sandbox-control.ts";

/** A webhook that arrived. */
export interface ReceivedWebhook {
  webhook_id: string;
  type: string;
  /** The object that the event is about. */
  object: Json;
  /** Whether one of the known secrets signed exactly these bytes. */
  verified: boolean;
}

export interface WebhookReceiver {
  url: string;
  received: ReceivedWebhook[];
  /** How the next webhooks are answered; 204 unless told. */
  answer: { status: number };
  /** Adds a secret whose signature is good. */
  trust(secret: string): void;
  /** The webhooks about an object, by its id, in order of arrival. */
  about(object_id: string): ReceivedWebhook[];
  close(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const secrets: string[] = [];
  const answer = { status: 204 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(read(secrets, request.headers as Record<string, string>, Buffer.concat(chunks).toString("utf8")));
      response.writeHead(answer.status).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    received,
    answer,
    trust: (secret) => secrets.push(secret),
    about: (object_id) => received.filter(({ object }) => object.id === object_id),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function read(secrets: readonly string[], headers: Record<string, string>, body: string): ReceivedWebhook {
  const event = JSON.parse(body) as { type: string; data: { object: Json } };
  const webhook_id = headers["webhook-id"] ?? "";
  // Signed anew by the library at the moment that the message names: the tests' clock is not the machine's.
  const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
  const given = (headers["webhook-signature"] ?? "").split(" ");
  const verified = secrets.some((secret) => given.includes(new Webhook(secret).sign(webhook_id, at, body)));
  return { webhook_id, type: event.type, object: event.data.object, verified };
}
