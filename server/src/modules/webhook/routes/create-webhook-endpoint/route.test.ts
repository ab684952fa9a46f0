// Guarantee: an endpoint is created once for each Idempotency-Key, its secret is shown by that answer and its replay
// only and never stored in the clear, and an address that may not be called is refused with the reason.
import { afterAll, beforeAll, expect, test } from "vitest";
import { platformStatement } from "../../../../kit/sql/statement.ts";
import { ENDPOINTS_MAX } from "../../create-webhook-endpoint.ts";
import { openApi, type TestApi } from "../../testing/api.ts";
import { type Harness, openHarness } from "../../testing/harness.ts";

let harness: Harness;
let api: TestApi;
const url = "https://hooks.example/in";

beforeAll(async () => {
  harness = await openHarness();
  const lookup = async (hostname: string) =>
    hostname === "inside.example" ? [{ address: "10.0.0.7", family: 4 }] : [{ address: "8.8.8.8", family: 4 }];
  api = await openApi({ ...harness.services, allow_private_addresses: false, lookup });
});

afterAll(async () => {
  await api?.close();
  await harness?.close();
});

test("201 with the endpoint and its secret, which no later answer shows", async () => {
  const scope = harness.newScope(true);
  const body = { url, event_types: ["payment.succeeded"], description: "shop" };
  const made = await api.call(scope, "POST /v1/webhook_endpoints", body);
  expect(made.statusCode).toBe(201);
  const { secret, ...endpoint } = made.json();
  expect(endpoint).toMatchObject({ object: "webhook_endpoint", livemode: true, status: "enabled", ...body });
  const bytes = Buffer.from(secret.slice("whsec_".length), "base64").length;
  expect([secret.slice(0, 6), bytes]).toEqual(["whsec_", 32]);
  const read = await api.call(scope, `GET /v1/webhook_endpoints/${endpoint.id}`);
  expect(read.json()).toEqual(endpoint);
  const list = await api.call(scope, "GET /v1/webhook_endpoints");
  expect(list.json()).toEqual({ object: "list", data: [endpoint], has_more: false, url: "/v1/webhook_endpoints" });
});

test("the secret is sealed at rest", async () => {
  const scope = harness.newScope();
  const { secret } = (await api.call(scope, "POST /v1/webhook_endpoints", { url })).json();
  const [row] = await harness.db.query<{ text: string }>(
    platformStatement("test.row", "select w::text as text from webhook_endpoints w where merchant_id = $1"),
    [scope.merchant_id],
  );
  const hex = Buffer.from(secret.slice("whsec_".length), "base64").toString("hex");
  expect(row!.text).not.toContain(hex);
  expect(row!.text).not.toContain(Buffer.from(secret).toString("hex"));
});

test("the same Idempotency-Key makes one endpoint and replays it; another body is a conflict", async () => {
  const scope = harness.newScope();
  const create = (body: object) => api.call(scope, "POST /v1/webhook_endpoints", body, "key-1");
  const answers = await Promise.all([create({ url }), create({ url }), create({ url })]);
  expect(answers.map((answer) => answer.statusCode)).toEqual([201, 201, 201]);
  expect(new Set(answers.map((answer) => answer.body)).size).toBe(1);
  expect(answers.filter((answer) => answer.headers["idempotent-replayed"] === "true")).toHaveLength(2);
  const conflict = await create({ url: "https://other.example/" });
  expect([conflict.statusCode, conflict.json().error.code]).toEqual([409, "idempotency.key_reused"]);
  expect((await api.call(scope, "GET /v1/webhook_endpoints")).json().data).toHaveLength(1);
});

test.each([
  "http://127.0.0.1:9000/hook",
  "https://localhost/hook",
  "https://inside.example/hook",
  "https://user:pw@hooks.example/",
  "https://hooks.example:22/",
  "hooks.example/in",
])("400 for %s, naming the field", async (refused) => {
  const answer = await api.call(harness.newScope(), "POST /v1/webhook_endpoints", { url: refused });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().error).toMatchObject({ code: "webhook.url_refused", param: "url" });
});

test("clear text is for test events only", async () => {
  const body = { url: "http://hooks.example/in" };
  expect((await api.call(harness.newScope(false), "POST /v1/webhook_endpoints", body)).statusCode).toBe(201);
  expect((await api.call(harness.newScope(true), "POST /v1/webhook_endpoints", body)).statusCode).toBe(400);
});

test("an unknown type or field is an error that names it", async () => {
  const scope = harness.newScope();
  const unknownType = await api.call(scope, "POST /v1/webhook_endpoints", { url, event_types: ["payment.refunded"] });
  expect(unknownType.json().error).toMatchObject({ code: "request.invalid", param: "event_types.0" });
  const unknownField = await api.call(scope, "POST /v1/webhook_endpoints", { url, events: [] });
  expect(unknownField.json().error).toMatchObject({ code: "request.invalid", param: "events" });
});

test("an app has a bounded number of endpoints", async () => {
  const scope = harness.newScope();
  for (let count = 0; count < ENDPOINTS_MAX; count++) await api.call(scope, "POST /v1/webhook_endpoints", { url });
  const answer = await api.call(scope, "POST /v1/webhook_endpoints", { url });
  expect([answer.statusCode, answer.json().error.code]).toEqual([409, "webhook_endpoint.limit_reached"]);
});
