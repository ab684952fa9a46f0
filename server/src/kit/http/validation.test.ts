/**
 * Guarantees: a request that does not fit its schema is refused before any use case sees it, with the field's path and a
 * sentence that says what to send; nothing is converted silently; unknown fields are named; what was sent is not echoed.
 */
import { Type } from "typebox";
import { beforeAll, expect, test } from "vitest";
import { createManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import type { ApiServer } from "./api.ts";
import { pageProperties } from "./pagination.ts";
import { createHttpServer } from "./server.ts";

let server: ApiServer;

const Body = Type.Object({
  amount: Type.Integer({ minimum: 1, maximum: 999_999_999_999 }),
  currency: Type.Union([Type.Literal("CNY"), Type.Literal("USD")]),
  method: Type.Optional(Type.Enum(["wechat.native", "alipay.qr"])),
  subject: Type.String({ minLength: 1, maxLength: 20 }),
  out_trade_no: Type.Optional(Type.String({ pattern: "^[0-9A-Za-z_-]{1,64}$" })),
  notify_url: Type.Optional(Type.String({ format: "uri" })),
  payer: Type.Optional(Type.Object({ openid: Type.String() })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
  tags: Type.Optional(Type.Array(Type.String(), { maxItems: 2 })),
});

beforeAll(async () => {
  server = await createHttpServer({
    log: createLogger("silent"),
    clock: createManualClock(0),
    random: createSeededRandom(1),
    base_url: "https://pay.example",
  });
  const schema = { body: Body, response: { 200: Type.Object({ amount: Type.Integer() }) } };
  server.post("/v1/things", { schema }, (request) => ({ amount: request.body.amount }));
  server.get(
    "/v1/things",
    { schema: { querystring: Type.Object({ ...pageProperties, live: Type.Optional(Type.Boolean()) }) } },
    (request) => request.query,
  );
  server.post("/v1/things/:id/close", { schema: { summary: "Close" } }, (_request, reply) =>
    reply.send({ closed: true }),
  );
});

const good = { amount: 100, currency: "CNY", subject: "tea" };

async function post(payload: string, contentType = "application/json") {
  const answer = await server.inject({
    method: "POST",
    url: "/v1/things",
    headers: { "content-type": contentType },
    payload,
  });
  return {
    status: answer.statusCode,
    ...answer.json<{ error: { code: string; param: string | null; message: string } }>(),
  };
}

test.each<[string, object, string, RegExp]>([
  ["amount of 0", { amount: 0 }, "amount", /at least 1\./],
  ["amount of -1", { amount: -1 }, "amount", /at least 1\./],
  ["amount of 1.5", { amount: 1.5 }, "amount", /whole number .* but a number with decimals was sent/],
  ["amount of 10^18", { amount: 1e18 }, "amount", /at most 999999999999\./],
  ["amount as a string", { amount: "100" }, "amount", /whole number .* but a string was sent/],
  ["amount of null", { amount: null }, "amount", /but null was sent/],
  ["amount of true", { amount: true }, "amount", /but a boolean was sent/],
  ["amount as a list", { amount: [100] }, "amount", /but a list was sent/],
  ["an unknown currency", { currency: "XXX" }, "currency", /one of CNY, USD\./],
  ["a currency in lower case", { currency: "cny" }, "currency", /one of CNY, USD\./],
  ["an unknown method", { method: "cash" }, "method", /one of wechat\.native, alipay\.qr\./],
  ["an empty subject", { subject: "" }, "subject", /must not be empty/],
  ["a long subject", { subject: "x".repeat(21) }, "subject", /at most 20 characters/],
  ["a number with a bad form", { out_trade_no: "a b" }, "out_trade_no", /pattern/],
  ["an address that is none", { notify_url: "not a url" }, "notify_url", /valid uri/],
  ["a list that is too long", { tags: ["a", "b", "c"] }, "tags", /at most 2 elements/],
  ["an unknown field", { colour: "red" }, "colour", /colour is not a field/],
  ["an unknown field inside", { payer: { openid: "o", openId: "o" } }, "payer.openId", /payer\.openId is not a field/],
  ["a missing field", { subject: undefined }, "subject", /subject is missing/],
  ["a missing field inside", { payer: {} }, "payer.openid", /payer\.openid is missing/],
  ["metadata that is no text", { metadata: { order: 7 } }, "metadata.order", /must be a string/],
  ["NUL in a text", { subject: "a\0b" }, "subject", /NUL/],
  ["half a surrogate pair", { metadata: { note: "\ud800" } }, "metadata.note", /surrogate/],
  ["NUL in a name", { metadata: { "a\0": "b" } }, "metadata", /NUL/],
])("%s is refused", async (_name, change, param, sentence) => {
  const answer = await post(JSON.stringify({ ...good, ...change }));
  expect([answer.status, answer.error.code, answer.error.param]).toEqual([400, "request.invalid", param]);
  expect(answer.error.message).toMatch(sentence);
});

test("an unknown field is told before the missing one that it misspells", async () => {
  const answer = await post(JSON.stringify({ ...good, amount: undefined, amuont: 100 }));
  expect(answer.error.param).toBe("amuont");
});

test.each([
  ["cut off", '{"amount": 100'],
  ["not JSON", "amount=100"],
  ["with a comma too many", '{"amount": 100,}'],
  ["with a prototype", '{"__proto__": {"amount": 1}}'],
  ["with NaN", '{"amount": NaN}'],
])("a body %s is malformed", async (_name, payload) => {
  const answer = await post(payload);
  expect([answer.status, answer.error.code]).toEqual([400, "request.malformed_json"]);
});

test.each([["null"], ["[]"], ["7"], ['"text"'], ["true"], [""]])("a body of %s is no object", async (payload) => {
  const answer = await post(payload);
  expect([answer.status, answer.error.code]).toEqual([400, "request.invalid"]);
  expect(answer.error.message).toMatch(/The body must be an object/);
});

test.each([
  ["text/plain"],
  ["application/x-www-form-urlencoded"],
  ["multipart/form-data; boundary=x"],
  ["application/xml"],
  ["nonsense"],
])("a body of type %s is refused with 415", async (contentType) => {
  const answer = await post(JSON.stringify(good), contentType);
  expect([answer.status, answer.error.code]).toEqual([415, "request.unsupported_media_type"]);
});

test("a body that is nested without end is refused like any other", async () => {
  const depth = 20_000;
  for (const inner of ["", '"\\u0000"']) {
    const payload = `{"amount": 1, "metadata": ${"[".repeat(depth)}${inner}${"]".repeat(depth)}}`;
    const answer = await post(payload);
    expect([answer.status, answer.error.code]).toEqual([400, "request.invalid"]);
  }
});

test("a body over the limit is refused with 413", async () => {
  const answer = await post(JSON.stringify({ ...good, metadata: { note: "x".repeat(70_000) } }));
  expect([answer.status, answer.error.code]).toEqual([413, "request.body_too_large"]);
});

test("the values that were sent are not repeated in the answer", async () => {
  for (const change of [
    { amount: "hunter2" },
    { currency: "hunter2" },
    { out_trade_no: "hunter2!" },
    { payer: "hunter2" },
  ]) {
    expect((await post(JSON.stringify({ ...good, ...change }))).error.message).not.toContain("hunter2");
  }
});

test("a good body passes, with every kind of character that a text can hold", async () => {
  const payload = { ...good, subject: "茶 🍵 \\u0000 \"'<&>", metadata: { 键: "值" } };
  expect(await post(JSON.stringify(payload))).toMatchObject({ status: 200, amount: 100 });
});

test("a query is converted where its schema asks for numbers and booleans, and checked", async () => {
  const get = async (query: string) => (await server.inject(`/v1/things?${query}`)).json();
  expect(await get("limit=5&live=true")).toEqual({ limit: 5, live: true });
  for (const [query, param] of [
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=1e1", "limit"],
    ["limit=5&limit=6", "limit"],
    ["live=yes", "live"],
    ["page=2", "page"],
    ["starting_after=%00", "starting_after"],
  ] as const) {
    expect((await get(query)).error).toMatchObject({ code: "request.invalid", param });
  }
});

test("a POST without a body passes where none is asked for, whatever type its client claims", async () => {
  for (const headers of [{}, { "content-type": "application/json" }]) {
    const answer = await server.inject({ method: "POST", url: "/v1/things/1/close", headers });
    expect(answer.json()).toEqual({ closed: true });
  }
});

test("where no body or query is asked for, there must be none", async () => {
  const close = (url: string, payload?: object | string) =>
    server.inject({
      method: "POST",
      url,
      headers: { "content-type": "application/json" },
      ...(payload && { payload }),
    });
  expect((await close("/v1/things/1/close", {})).statusCode).toBe(200);
  for (const payload of [{ reason: "x" }, "[1]", "7"]) {
    const answer = await close("/v1/things/1/close", payload);
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, "request.invalid"]);
  }
  expect((await close("/v1/things/1/close?reason=x")).json().error).toMatchObject({ param: "reason" });
});
