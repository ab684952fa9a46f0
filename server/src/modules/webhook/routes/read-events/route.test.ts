// Guarantee: an app sees the events of its own book and their deliveries, filtered and page by page; nobody else's.
import { afterAll, beforeAll, expect, test } from "vitest";
import { toRfc3339 } from "../../../../kit/clock.ts";
import { publicId } from "../../../../kit/id.ts";
import { openApi, type TestApi } from "../../testing/api.ts";
import { type Harness, openHarness, startReceiver } from "../../testing/harness.ts";

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

test("an event shows the object as it was, exactly", async () => {
  const scope = harness.newScope();
  const data = { id: "pay_1", amount: 100, metadata: { 名: "值", nested: [1, null] } };
  const event = await harness.record(scope, "payment.succeeded", { data });
  const answer = await api.call(scope, `GET /v1/events/${publicId("event", event.id)}`);
  expect(answer.json()).toEqual({
    id: publicId("event", event.id),
    object: "event",
    type: "payment.succeeded",
    created_at: toRfc3339(event.created_at),
    livemode: false,
    data: { object: data },
  });
});

test("lists filter by type, object and period, and page through", async () => {
  const scope = harness.newScope();
  const start = harness.clock.now();
  const events = [];
  for (const type of ["payment.succeeded", "refund.succeeded", "payment.succeeded", "payment.closed"] as const) {
    events.unshift(await harness.record(scope, type));
    harness.clock.advance(7_200_000);
  }
  const [closed, paidLater, refunded, paid] = events.map((event) => publicId("event", event.id));
  const list = async (query: string) => {
    const { data, has_more } = (await api.call(scope, `GET /v1/events?${query}`)).json();
    return [data.map((event: { id: string }) => event.id), has_more];
  };
  const instant = (hours: number) => encodeURIComponent(toRfc3339(start + hours * 3_600_000));
  expect(await list("")).toEqual([[closed, paidLater, refunded, paid], false]);
  expect(await list("type=payment.succeeded")).toEqual([[paidLater, paid], false]);
  expect(await list(`object=${publicId("refund", events[2]!.object_id)}`)).toEqual([[refunded], false]);
  expect(await list("object=pay_nonsense")).toEqual([[], false]);
  expect(await list(`created_from=${instant(2)}&created_to=${instant(6)}`)).toEqual([[paidLater, refunded], false]);
  expect(await list(`limit=2&starting_after=${closed}`)).toEqual([[paidLater, refunded], true]);
  expect(await list(`limit=2&ending_before=${paid}`)).toEqual([[paidLater, refunded], true]);
});

test.each([
  ["created_from=yesterday", "created_from"],
  ["created_to=2026-13-45T00:00:00Z", "created_to"],
  ["type=payment.refunded", "type"],
  ["limit=0", "limit"],
  ["starting_after=pay_1", "starting_after"],
  ["sort=type", "sort"],
])("400 for %s, naming it", async (query, param) => {
  const answer = await api.call(harness.newScope(), `GET /v1/events?${query}`);
  expect(answer.statusCode).toBe(400);
  expect(answer.json().error.param).toBe(param);
});

test("deliveries say where, how often and with what result", async () => {
  const scope = harness.newScope();
  const receiver = await startReceiver((request) => (request.path === "/hook" ? 200 : 503));
  const { id } = await harness.addEndpoint(scope, { url: receiver.url });
  const notify_url = `http://127.0.0.1:${receiver.port}/notify`;
  const event = await harness.record(scope, "payment.succeeded", { notify_url });
  await harness.newWorker().drain();
  await receiver.close();
  const path = `/v1/events/${publicId("event", event.id)}/deliveries`;
  const { data, ...list } = (await api.call(scope, `GET ${path}`)).json();
  expect(list).toEqual({ object: "list", has_more: false, url: path });
  const byUrl = Object.fromEntries(data.map((delivery: { url: string }) => [delivery.url, delivery]));
  expect(byUrl[receiver.url]).toMatchObject({
    object: "webhook_delivery",
    event: publicId("event", event.id),
    webhook_endpoint: publicId("webhook_endpoint", id),
    status: "delivered",
    attempt_count: 1,
    last_status_code: 200,
    last_error: null,
    next_attempt_at: null,
  });
  expect(byUrl[notify_url]).toMatchObject({
    webhook_endpoint: null,
    status: "pending",
    last_status_code: 503,
    last_error: "The receiver answered 503.",
    delivered_at: null,
    next_attempt_at: expect.stringMatching(/^20/),
  });
  const page = (await api.call(scope, `GET ${path}?limit=1`)).json();
  expect([page.data.length, page.has_more]).toEqual([1, true]);
});

test("another merchant, app or book cannot tell that an event exists", async () => {
  const scope = harness.newScope();
  const event = await harness.record(scope, "payment.succeeded");
  const stranger = harness.newScope();
  const others = [stranger, { ...scope, app_id: stranger.app_id }, { ...scope, livemode: true }];
  for (const other of others) {
    for (const request of [
      "GET /v1/events/:id",
      "GET /v1/events/:id/deliveries",
      "POST /v1/events/:id/resend",
    ] as const) {
      const answers = await Promise.all(
        [publicId("event", event.id), "evt_00000000000000000000000000", "nonsense"].map((any) =>
          api.call(other, request.replace(":id", any) as typeof request),
        ),
      );
      const shown = answers.map((answer) => {
        const { request_id: _request_id, ...error } = answer.json().error;
        return JSON.stringify([answer.statusCode, error]);
      });
      expect(new Set(shown).size).toBe(1);
      expect(answers[0]!.json().error.code).toBe("event.not_found");
    }
    expect((await api.call(other, "GET /v1/events")).json().data).toEqual([]);
  }
});
