// Guarantee: a rotation gives one new secret for each Idempotency-Key and says until when the old one signs too.
import { afterAll, beforeAll, expect, test } from "vitest";
import { toRfc3339 } from "../../../../kit/clock.ts";
import { openApi, type TestApi } from "../../testing/api.ts";
import { type Harness, openHarness } from "../../testing/harness.ts";

let harness: Harness;
let api: TestApi;

beforeAll(async () => {
  harness = await openHarness();
  api = await openApi(harness.services);
});

afterAll(async () => {
  await api?.close();
  await harness?.close();
});

async function create() {
  const scope = harness.newScope();
  const url = "http://127.0.0.1:9000/in";
  return { scope, made: (await api.call(scope, "POST /v1/webhook_endpoints", { url })).json() };
}

test.each([
  ["a day without a body", undefined, 86_400],
  ["a day unless given", {}, 86_400],
  ["as long as asked", { overlap_seconds: 60 }, 60],
])("the old secret stays for %s", async (_what, body, overlap_s) => {
  const { scope, made } = await create();
  const rotated = await api.call(scope, `POST /v1/webhook_endpoints/${made.id}/rotate_secret`, body);
  expect(rotated.statusCode).toBe(200);
  expect(rotated.json().secret).not.toBe(made.secret);
  expect(rotated.json().previous_secret_until).toBe(toRfc3339(harness.clock.now() + overlap_s * 1000));
});

test("an overlap of 0 leaves no old secret", async () => {
  const { scope, made } = await create();
  const path = `POST /v1/webhook_endpoints/${made.id}/rotate_secret` as const;
  expect((await api.call(scope, path, { overlap_seconds: 0 })).json().previous_secret_until).toBeNull();
  const refused = await api.call(scope, path, { overlap_seconds: 604_801 });
  expect(refused.json().error).toMatchObject({ code: "request.invalid", param: "overlap_seconds" });
});

test("a repeated request rotates once and shows the same secret", async () => {
  const { scope, made } = await create();
  const path = `POST /v1/webhook_endpoints/${made.id}/rotate_secret` as const;
  const first = await api.call(scope, path, {}, "rotate-1");
  const second = await api.call(scope, path, {}, "rotate-1");
  expect(second.headers["idempotent-replayed"]).toBe("true");
  expect(second.json()).toEqual(first.json());
});
