// Guarantee: one request to a receiver ends within its limits whatever the receiver does, is never redirected, and its
// result says what happened; a slow receiver holds no more than its share of the worker.
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../kit/clock.ts";
import { createWebhookSender, type SenderOptions, type SendResult } from "./send-webhook.ts";
import { type Harness, openHarness, type Receiver, startReceiver, until } from "./testing/harness.ts";

const limits = { connections_max: 4, connect_timeout_ms: 1_000, total_timeout_ms: 5_000 };
const closing: (() => Promise<void> | void)[] = [];
let harness: Harness;

beforeAll(async () => {
  harness = await openHarness();
});

afterEach(async () => {
  await harness.discardPending();
  for (const close of closing.splice(0)) await close();
});

afterAll(() => harness?.close());

async function receive(...answer: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...answer);
  closing.push(receiver.close);
  return receiver;
}

async function send(url: string, options: Partial<SenderOptions> = {}): Promise<SendResult> {
  const sender = createWebhookSender({ allow_private_addresses: true, ...limits, ...options });
  closing.push(sender.close);
  return sender.send({ url, livemode: false, headers: { "webhook-id": "evt_1" }, body: '{"id":"evt_1"}' });
}

/** A server that answers every request with the given bytes. */
async function listenRaw(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("a redirect is an answer, and its target is not called", async () => {
  const target = await receive();
  const receiver = await receive((_request, response) => {
    response.writeHead(307, { location: target.url }).end();
    return undefined;
  });
  expect(await send(receiver.url)).toMatchObject({ kind: "answered", status_code: 307 });
  expect(target.received).toEqual([]);
});

test("a receiver that never answers is given up", async () => {
  const receiver = await receive(() => undefined);
  expect(await send(receiver.url, { total_timeout_ms: 100 })).toEqual({
    kind: "failed",
    reason: "The receiver did not answer within 0.1 s.",
  });
});

test("a status counts even when the body that follows it never ends", async () => {
  const endless = await listenRaw((socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    const drip = setInterval(() => socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`), 5);
    socket.on("close", () => clearInterval(drip));
  });
  expect(await send(endless)).toMatchObject({ kind: "answered", status_code: 200 });
  const silent = await listenRaw((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"));
  expect(await send(silent, { total_timeout_ms: 100 })).toMatchObject({ kind: "answered", status_code: 200 });
});

test.each([
  ["breaks off", (socket: Socket) => socket.destroy(), "The receiver broke off the connection."],
  ["speaks no HTTP", (socket: Socket) => socket.end("SSH-2.0-x\r\n\r\n"), "The receiver did not answer in HTTP."],
  [
    "sends endless headers",
    (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}\r\n\r\n`),
    "The receiver's answer has too large headers.",
  ],
] as const)("a receiver that %s is named as such", async (_what, answer, reason) => {
  expect(await send(await listenRaw(answer))).toEqual({ kind: "failed", reason });
});

test("a port where nobody listens is named as such", async () => {
  const receiver = await startReceiver();
  await receiver.close();
  expect(await send(receiver.url)).toEqual({ kind: "failed", reason: "The receiver refused the connection." });
});

test("connections are used again", async () => {
  const ports = new Set<number>();
  const receiver = await receive((_request, response) => {
    ports.add(response.socket!.remotePort!);
    response.writeHead(200).end("ok");
    return undefined;
  });
  const sender = createWebhookSender({ allow_private_addresses: true, ...limits });
  closing.push(sender.close);
  for (let count = 0; count < 20; count++) {
    await sender.send({ url: receiver.url, livemode: false, headers: {}, body: "{}" });
  }
  expect(ports.size).toBeLessThanOrEqual(limits.connections_max);
});

test("the backlog of a receiver that hangs does not keep others waiting", async () => {
  const scope = harness.newScope();
  const held: Socket[] = [];
  const hanging = await receive((_request, response) => {
    held.push(response.socket!);
    return undefined;
  });
  const quick = await receive();
  const now = systemClock.now();
  const created_at = now - 60_000;
  for (let count = 0; count < 60; count++) {
    await harness.record(scope, "payment.succeeded", { notify_url: hanging.url, created_at });
  }
  const late = [];
  for (let count = 0; count < 20; count++) {
    late.push(await harness.record(scope, "payment.closed", { notify_url: quick.url, created_at: now }));
  }
  const worker = harness.newWorker({ clock: systemClock, concurrency: 16, receiver_concurrency: 8, interval_ms: 50 });
  worker.start();
  await until(() => quick.received.length === late.length);
  expect(held.length).toBeLessThanOrEqual(8);
  expect(hanging.received).toHaveLength(held.length);
  for (const socket of held) socket.destroy();
  await worker.stop();
});

test("a quick receiver's backlog goes through whole, in several claims", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  await harness.addEndpoint(scope, { url: receiver.url });
  for (let count = 0; count < 50; count++) await harness.record(scope, "payment.succeeded");
  const worker = harness.newWorker({ concurrency: 8, receiver_concurrency: 4 });
  worker.start();
  await until(() => receiver.received.length === 50);
  await worker.stop();
  const ids = new Set(receiver.received.map((request) => request.headers["webhook-id"]));
  expect(ids.size).toBe(50);
});
