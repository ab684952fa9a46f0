// Guarantee: every due delivery is sent by Standard Webhooks 1.0 with the same bytes and the same id on each try, until
// the receiver accepts it, refuses it for good, or the schedule of tries is used up; nothing is ever lost by a crash.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { publicId } from "../../kit/id.ts";
import type { Database } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { tryDelays_ms } from "./delivery.ts";
import { presentEvent } from "./event.ts";
import { getWebhookEndpoint, updateWebhookEndpoint } from "./manage-webhook-endpoints.ts";
import { requireEvent } from "./read-events.ts";
import { rotateWebhookSecret } from "./rotate-webhook-secret.ts";
import { appSecret, type Harness, isVerified, openHarness, type Receiver, startReceiver } from "./testing/harness.ts";

let harness: Harness;
const receivers: Receiver[] = [];

beforeAll(async () => {
  harness = await openHarness();
});

afterEach(async () => {
  await harness.discardPending();
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

afterAll(() => harness?.close());

async function receive(...answer: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...answer);
  receivers.push(receiver);
  return receiver;
}

test("an endpoint and a notify_url each get the event as the API shows it, signed with their own secret", async () => {
  const { services, clock } = harness;
  const scope = harness.newScope();
  const receiver = await receive();
  const endpoint = await harness.addEndpoint(scope, { url: receiver.url });
  const notify_url = `http://127.0.0.1:${receiver.port}/notify?order=1`;
  const event = await harness.record(scope, "payment.succeeded", {
    notify_url,
    data: { id: "pay_1", note: "汇流 🧧" },
  });
  expect(await harness.newWorker().drain()).toBe(2);
  const toEndpoint = receiver.received.find((request) => request.path === "/hook")!;
  const toNotifyUrl = receiver.received.find((request) => request.path === "/notify?order=1")!;
  expect(isVerified(endpoint.secret, toEndpoint)).toBe(true);
  expect(isVerified(appSecret.reveal(), toNotifyUrl)).toBe(true);
  expect(isVerified(endpoint.secret, toNotifyUrl)).toBe(false);
  const shown = presentEvent(await requireEvent(services, scope, event.id));
  expect(JSON.parse(toEndpoint.body)).toEqual(shown);
  expect(toEndpoint.body).toBe(JSON.stringify(shown));
  expect(toNotifyUrl.body).toBe(toEndpoint.body);
  expect(toEndpoint.headers).toMatchObject({
    "webhook-id": publicId("event", event.id),
    "webhook-timestamp": String(clock.now() / 1000),
    "content-type": "application/json",
  });
  for (const delivery of await harness.deliveriesOf(event)) {
    expect(delivery).toMatchObject({ status: "delivered", attempt_count: 1, last_status_code: 204, due_at: null });
    expect(delivery.delivered_at).toBe(clock.now());
  }
  expect(await harness.newWorker().drain()).toBe(0);
});

test("a receiver that fails is tried again on schedule with the same bytes, and at last given up", async () => {
  const scope = harness.newScope();
  const receiver = await receive(() => 500);
  const endpoint = await harness.addEndpoint(scope, { url: receiver.url });
  const event = await harness.record(scope, "payment.succeeded");
  const worker = harness.newWorker();
  for (const [index, delay] of tryDelays_ms.entries()) {
    const [before] = await harness.deliveriesOf(event);
    const wait = before!.due_at! - harness.clock.now();
    expect(wait).toBeGreaterThanOrEqual(delay * 0.9);
    expect(wait).toBeLessThanOrEqual(delay * 1.1);
    harness.clock.advance(wait - 1);
    if (wait > 0) expect(await worker.drain()).toBe(0);
    harness.clock.advance(1);
    expect(await worker.drain()).toBe(1);
    expect(receiver.received).toHaveLength(index + 1);
  }
  expect(receiver.received.every((request) => isVerified(endpoint.secret, request))).toBe(true);
  expect(new Set(receiver.received.map((request) => request.body)).size).toBe(1);
  expect(new Set(receiver.received.map((request) => request.headers["webhook-id"])).size).toBe(1);
  expect(new Set(receiver.received.map((request) => request.headers["webhook-timestamp"])).size).toBeGreaterThan(1);
  expect(await harness.deliveriesOf(event)).toMatchObject([
    { status: "failed", attempt_count: tryDelays_ms.length, last_error: "The receiver answered 500.", due_at: null },
  ]);
});

test("Retry-After puts a try off, in seconds or as a date, but at most by a day and never earlier", async () => {
  const scope = harness.newScope();
  harness.clock.advance(1_000 - (harness.clock.now() % 1_000));
  const start = harness.clock.now();
  const wanted: Record<string, [string, number]> = {
    "/seconds": ["600", 600_000],
    "/date": [new Date(start + 900_000).toUTCString(), 900_000],
    "/greedy": ["99999999", 24 * 3_600_000],
  };
  const receiver = await receive((request, response) => {
    response.writeHead(503, { "retry-after": wanted[request.path]?.[0] ?? "1" }).end();
    return undefined;
  });
  const waits = async (path: string) => {
    const notify_url = `http://127.0.0.1:${receiver.port}${path}`;
    const event = await harness.record(scope, "payment.succeeded", { notify_url });
    await harness.newWorker().drain();
    const [delivery] = await harness.deliveriesOf(event);
    return delivery!.due_at! - start;
  };
  for (const [path, [, wait]] of Object.entries(wanted)) expect(await waits(path)).toBe(wait);
  expect(await waits("/impatient")).toBeGreaterThanOrEqual(tryDelays_ms[1] * 0.9);
});

test("410 disables an endpoint with the reason and cancels what is pending for it", async () => {
  const scope = harness.newScope();
  const receiver = await receive((request) => (request.path === "/gone" ? 410 : 500));
  const { id } = await harness.addEndpoint(scope, { url: receiver.url });
  const worker = harness.newWorker();
  const early = await harness.record(scope, "payment.succeeded");
  await worker.drain();
  await updateWebhookEndpoint(harness.services, scope, id, { url: `http://127.0.0.1:${receiver.port}/gone` });
  const event = await harness.record(scope, "payment.closed");
  await worker.drain();
  expect(await getWebhookEndpoint(harness.services, scope, id)).toMatchObject({
    status: "disabled",
    disabled_reason: "The receiver answered 410 Gone.",
  });
  expect(await harness.deliveriesOf(event)).toMatchObject([{ status: "canceled", last_status_code: 410 }]);
  harness.clock.advance(10_000);
  await worker.drain();
  expect(await harness.deliveriesOf(early)).toMatchObject([
    { status: "canceled", last_error: "The endpoint is disabled." },
  ]);
  expect(receiver.received).toHaveLength(2);
  const later = await harness.record(scope, "payment.closed");
  expect(await harness.deliveriesOf(later)).toEqual([]);
});

test("410 from a notify_url ends that delivery and no other", async () => {
  const scope = harness.newScope();
  const receiver = await receive((request) => (request.path === "/gone" ? 410 : 200));
  await harness.addEndpoint(scope, { url: receiver.url });
  const notify_url = `http://127.0.0.1:${receiver.port}/gone`;
  const event = await harness.record(scope, "payment.succeeded", { notify_url });
  await harness.newWorker().drain();
  const statuses = (await harness.deliveriesOf(event)).map((delivery) => [
    delivery.endpoint_id === null,
    delivery.status,
  ]);
  expect(statuses.sort()).toEqual([
    [false, "delivered"],
    [true, "canceled"],
  ]);
});

test("a pending retry goes to the endpoint's new URL, and to none after the endpoint was deleted", async () => {
  const scope = harness.newScope();
  const wrong = await receive(() => 404);
  const right = await receive(() => 200);
  const { id } = await harness.addEndpoint(scope, { url: wrong.url });
  const event = await harness.record(scope, "payment.succeeded");
  const worker = harness.newWorker();
  await worker.drain();
  await updateWebhookEndpoint(harness.services, scope, id, { url: right.url });
  harness.clock.advance(10_000);
  await worker.drain();
  expect(await harness.deliveriesOf(event)).toMatchObject([{ status: "delivered", attempt_count: 2, url: right.url }]);
  expect([wrong.received.length, right.received.length]).toEqual([1, 1]);
});

test("during a rotation both secrets verify, afterwards only the new one", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  const { id, secret: old } = await harness.addEndpoint(scope, { url: receiver.url });
  const { view } = await rotateWebhookSecret(harness.services, scope, id, 3_600, undefined);
  const worker = harness.newWorker();
  await harness.record(scope, "payment.succeeded");
  await worker.drain();
  harness.clock.advance(3_600_000);
  await harness.record(scope, "payment.succeeded");
  await worker.drain();
  const [during, after] = receiver.received;
  expect(String(during!.headers["webhook-signature"])).toMatch(/^v1,\S+ v1,\S+$/);
  expect([isVerified(old, during!), isVerified(view.secret!, during!)]).toEqual([true, true]);
  expect(String(after!.headers["webhook-signature"])).toMatch(/^v1,\S+$/);
  expect([isVerified(old, after!), isVerified(view.secret!, after!)]).toEqual([false, true]);
});

test("a rotation without overlap stops the old secret at once", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  const { id, secret: old } = await harness.addEndpoint(scope, { url: receiver.url });
  const { view } = await rotateWebhookSecret(harness.services, scope, id, 0, undefined);
  await harness.record(scope, "payment.succeeded");
  await harness.newWorker().drain();
  const [request] = receiver.received;
  expect([isVerified(old, request!), isVerified(view.secret!, request!)]).toEqual([false, true]);
});

test("a worker killed between sending and recording: the lease runs out and the same message goes again", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  await harness.addEndpoint(scope, { url: receiver.url });
  const event = await harness.record(scope, "payment.succeeded");
  // A database that is gone when the result is to be recorded is what a killed worker leaves behind.
  const dying: Database = {
    ...harness.db,
    query: (statement, values) => {
      if (statement.name === "webhook.record_results") return Promise.reject(new Error("killed"));
      return harness.db.query(statement, values);
    },
  };
  await harness.newWorker({ db: dying }).drain();
  expect(receiver.received).toHaveLength(1);
  const successor = harness.newWorker();
  harness.clock.advance(30_000);
  expect(await successor.drain()).toBe(0);
  harness.clock.advance(60_000);
  expect(await successor.drain()).toBe(1);
  const [first, second] = receiver.received;
  expect(second!.headers["webhook-id"]).toBe(first!.headers["webhook-id"]);
  expect(second!.body).toBe(first!.body);
  expect(await harness.deliveriesOf(event)).toMatchObject([{ status: "delivered", attempt_count: 2 }]);
});

test("a delivery that cannot be signed now is tried again on schedule", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  const event = await harness.record(scope, "payment.succeeded", { notify_url: receiver.url });
  await harness.newWorker({ loadAppWebhookSecrets: () => Promise.reject(new Error("no master key")) }).drain();
  expect(await harness.deliveriesOf(event)).toMatchObject([{ status: "pending", attempt_count: 1 }]);
  expect(receiver.received).toEqual([]);
  harness.clock.advance(10_000);
  await harness.newWorker().drain();
  expect(await harness.deliveriesOf(event)).toMatchObject([
    { status: "delivered", attempt_count: 2, last_error: null },
  ]);
});

test("a delivery whose tries were all cut short by crashes ends as failed, unsent", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  const event = await harness.record(scope, "payment.succeeded", { notify_url: receiver.url });
  const setCount = platformStatement(
    "test.set_count",
    "update webhook_deliveries set attempt_count = $2 where event_id = $1",
  );
  await harness.db.query(setCount, [event.id, tryDelays_ms.length]);
  await harness.newWorker().drain();
  expect(receiver.received).toEqual([]);
  expect(await harness.deliveriesOf(event)).toMatchObject([{ status: "failed", due_at: null }]);
});

test("two workers share what is due without sending anything twice", async () => {
  const scope = harness.newScope();
  const receiver = await receive();
  await harness.addEndpoint(scope, { url: receiver.url });
  for (let count = 0; count < 40; count++) await harness.record(scope, "payment.succeeded");
  await Promise.all([harness.newWorker({ concurrency: 4 }).drain(), harness.newWorker({ concurrency: 4 }).drain()]);
  expect(receiver.received).toHaveLength(40);
  expect(new Set(receiver.received.map((request) => request.headers["webhook-id"])).size).toBe(40);
});
