// Guarantee: a resend delivers the same event again, under the same id, to whom it should go and once for each
// Idempotency-Key; a test event reaches only the endpoint that is being tried.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { publicId } from "../../../../kit/id.ts";
import { updateWebhookEndpoint } from "../../manage-webhook-endpoints.ts";
import type { Scope } from "../../service.ts";
import { openApi, type TestApi } from "../../testing/api.ts";
import { type Harness, isVerified, openHarness, type Receiver, startReceiver } from "../../testing/harness.ts";

let harness: Harness;
let api: TestApi;
let receiver: Receiver;
let scope: Scope;

beforeAll(async () => {
  harness = await openHarness();
  api = await openApi(harness.services);
});

beforeEach(async () => {
  scope = harness.newScope();
  receiver = await startReceiver();
});

afterEach(async () => {
  await harness.discardPending();
  await receiver.close();
});

afterAll(async () => {
  await api?.close();
  await harness?.close();
});

const at = (path: string) => `http://127.0.0.1:${receiver.port}${path}`;
const paths = () => receiver.received.map((request) => request.path).sort();

async function deliver(): Promise<void> {
  await harness.newWorker().drain();
}

test("a resend goes to every endpoint that wants the type and to the notify_url, with the same id and body", async () => {
  await harness.addEndpoint(scope, { url: at("/all") });
  await harness.addEndpoint(scope, { url: at("/refunds"), event_types: ["refund.succeeded"] });
  const event = await harness.record(scope, "payment.succeeded", { notify_url: at("/notify") });
  await deliver();
  harness.clock.advance(3_600_000);
  const answer = await api.call(scope, `POST /v1/events/${publicId("event", event.id)}/resend`);
  expect([answer.statusCode, answer.json().id]).toEqual([200, publicId("event", event.id)]);
  await deliver();
  expect(paths()).toEqual(["/all", "/all", "/notify", "/notify"]);
  expect(new Set(receiver.received.map((request) => request.headers["webhook-id"])).size).toBe(1);
  expect(new Set(receiver.received.map((request) => request.body)).size).toBe(1);
  expect(await harness.deliveriesOf(event)).toHaveLength(4);
});

test("a resend may name one endpoint, also one that did not want the type", async () => {
  await harness.addEndpoint(scope, { url: at("/all") });
  const only = await harness.addEndpoint(scope, { url: at("/only"), event_types: ["refund.failed"] });
  const event = await harness.record(scope, "payment.succeeded");
  await harness.discardPending();
  const body = { webhook_endpoint: publicId("webhook_endpoint", only.id) };
  await api.call(scope, `POST /v1/events/${publicId("event", event.id)}/resend`, body);
  await deliver();
  expect(paths()).toEqual(["/only"]);
});

test("a repeated request resends once", async () => {
  await harness.addEndpoint(scope, { url: at("/all") });
  const event = await harness.record(scope, "payment.succeeded");
  const path = `POST /v1/events/${publicId("event", event.id)}/resend` as const;
  const first = await api.call(scope, path, undefined, "resend-1");
  const second = await api.call(scope, path, undefined, "resend-1");
  expect(second.headers["idempotent-replayed"]).toBe("true");
  expect(second.body).toBe(first.body);
  expect(await harness.deliveriesOf(event)).toHaveLength(2);
});

test("a resend to nobody, to a disabled endpoint or to a stranger's is refused", async () => {
  const event = await harness.record(scope, "payment.succeeded");
  const path = `POST /v1/events/${publicId("event", event.id)}/resend` as const;
  const disabled = await harness.addEndpoint(scope, { url: at("/off") });
  await updateWebhookEndpoint(harness.services, scope, disabled.id, { status: "disabled" });
  const foreign = await harness.addEndpoint(harness.newScope(), { url: at("/foreign") });
  const refusal = async (body?: object) => (await api.call(scope, path, body)).json().error.code;
  expect(await refusal()).toBe("event.no_receiver");
  expect(await refusal({ webhook_endpoint: publicId("webhook_endpoint", disabled.id) })).toBe(
    "webhook_endpoint.disabled",
  );
  expect(await refusal({ webhook_endpoint: publicId("webhook_endpoint", foreign.id) })).toBe(
    "webhook_endpoint.not_found",
  );
  expect(await refusal({ webhook_endpoint: "we_nonsense" })).toBe("webhook_endpoint.not_found");
  expect(await harness.deliveriesOf(event)).toEqual([]);
});

test("a test event reaches the endpoint that is tried and no other", async () => {
  await harness.addEndpoint(scope, { url: at("/other") });
  const tried = await harness.addEndpoint(scope, { url: at("/tried"), event_types: ["refund.failed"] });
  const id = publicId("webhook_endpoint", tried.id);
  const answer = await api.call(scope, `POST /v1/webhook_endpoints/${id}/test`, undefined, "test-1");
  const replay = await api.call(scope, `POST /v1/webhook_endpoints/${id}/test`, undefined, "test-1");
  expect(replay.body).toBe(answer.body);
  expect(answer.json()).toMatchObject({ object: "event", type: "webhook_endpoint.test", data: { object: { id } } });
  expect(answer.body).not.toContain("whsec_");
  await deliver();
  expect(paths()).toEqual(["/tried"]);
  expect(isVerified(tried.secret, receiver.received[0]!)).toBe(true);
  expect(JSON.parse(receiver.received[0]!.body)).toEqual(answer.json());
});
