// Guarantee: an endpoint is read, changed and deleted by its own app in its own book; for anybody else it does not exist.
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi, type TestApi } from "../../testing/api.ts";
import { type Harness, openHarness } from "../../testing/harness.ts";

let harness: Harness;
let api: TestApi;
const url = "http://127.0.0.1:9000/in";

beforeAll(async () => {
  harness = await openHarness();
  api = await openApi(harness.services);
});

afterAll(async () => {
  await api?.close();
  await harness?.close();
});

test("what is given changes, what is not stays", async () => {
  const scope = harness.newScope();
  const made = (await api.call(scope, "POST /v1/webhook_endpoints", { url, description: "shop" })).json();
  const { secret: _secret, ...endpoint } = made;
  const change = { event_types: ["refund.failed", "refund.failed"], status: "disabled" };
  const changed = await api.call(scope, `PATCH /v1/webhook_endpoints/${endpoint.id}`, change);
  expect(changed.json()).toEqual({ ...endpoint, event_types: ["refund.failed"], status: "disabled" });
  const cleared = await api.call(scope, `PATCH /v1/webhook_endpoints/${endpoint.id}`, {
    description: null,
    event_types: [],
    url: "http://127.0.0.1:9000/new",
    status: "enabled",
  });
  expect(cleared.json()).toEqual({ ...endpoint, description: null, url: "http://127.0.0.1:9000/new" });
});

test("a new URL is checked as the first one was", async () => {
  const scope = harness.newScope(true);
  const { id } = (await api.call(scope, "POST /v1/webhook_endpoints", { url: "https://127.0.0.1/" })).json();
  const answer = await api.call(scope, `PATCH /v1/webhook_endpoints/${id}`, { url });
  expect(answer.json().error).toMatchObject({ code: "webhook.url_refused", param: "url" });
});

test("a deleted endpoint is gone", async () => {
  const scope = harness.newScope();
  const { id } = (await api.call(scope, "POST /v1/webhook_endpoints", { url })).json();
  const deleted = await api.call(scope, `DELETE /v1/webhook_endpoints/${id}`);
  expect(deleted.json()).toEqual({ id, object: "webhook_endpoint", deleted: true });
  expect((await api.call(scope, `GET /v1/webhook_endpoints/${id}`)).statusCode).toBe(404);
  expect((await api.call(scope, `DELETE /v1/webhook_endpoints/${id}`)).statusCode).toBe(404);
});

test("lists page through in both directions", async () => {
  const scope = harness.newScope();
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) {
    ids.unshift((await api.call(scope, "POST /v1/webhook_endpoints", { url })).json().id);
    harness.clock.advance(1);
  }
  const page = async (query: string) => {
    const { data, has_more } = (await api.call(scope, `GET /v1/webhook_endpoints?limit=2&${query}`)).json();
    return [data.map((endpoint: { id: string }) => endpoint.id), has_more];
  };
  expect(await page("")).toEqual([[ids[0], ids[1]], true]);
  expect(await page(`starting_after=${ids[1]}`)).toEqual([[ids[2], ids[3]], true]);
  expect(await page(`starting_after=${ids[3]}`)).toEqual([[ids[4]], false]);
  expect(await page(`ending_before=${ids[3]}`)).toEqual([[ids[1], ids[2]], true]);
});

test("another merchant, app or book cannot tell that an endpoint exists", async () => {
  const scope = harness.newScope();
  const { id } = (await api.call(scope, "POST /v1/webhook_endpoints", { url })).json();
  const stranger = harness.newScope();
  const others = [
    stranger,
    { ...scope, app_id: stranger.app_id },
    { ...scope, livemode: true },
    { ...scope, merchant_id: stranger.merchant_id },
  ];
  const requests = [
    ["GET", "", undefined],
    ["PATCH", "", { description: "mine" }],
    ["DELETE", "", undefined],
    ["POST", "/rotate_secret", {}],
    ["POST", "/test", undefined],
  ] as const;
  for (const other of others) {
    for (const [method, path, body] of requests) {
      const answers = await Promise.all(
        [id, "we_00000000000000000000000000", "nonsense"].map((any) =>
          api.call(other, `${method} /v1/webhook_endpoints/${any}${path}`, body),
        ),
      );
      const shown = answers.map((answer) => {
        const { request_id: _request_id, ...error } = answer.json().error;
        return JSON.stringify([answer.statusCode, error]);
      });
      expect(new Set(shown).size).toBe(1);
      expect(answers[0]!.json().error.code).toBe("webhook_endpoint.not_found");
    }
    expect((await api.call(other, "GET /v1/webhook_endpoints")).json().data).toEqual([]);
  }
  expect((await api.call(scope, `GET /v1/webhook_endpoints/${id}`)).json().description).toBeNull();
});
