// Guarantee: whatever is sent to the payment and refund routes, the answer is of the error catalogue and says what to
// change, and nothing has happened. What is another's does not exist, and nobody can tell that it does.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import { listApiKeys, revokeApiKey } from "../../server/src/modules/identity/index.ts";
import { expectRefusal } from "../platform/catalogue.ts";
import { createKey, createSecondApp } from "../platform/merchants.ts";
import { codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type Answer, type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;
let paid: Json;
let open: Json;
let refund: Json;
let counts: Json;

async function countRows(): Promise<Json> {
  const [payments, refunds] = [
    await platform.get("/v1/payments?limit=100"),
    await platform.get("/v1/refunds?limit=100"),
  ];
  return { payments: payments.data, refunds: refunds.data };
}

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  const made = await platform.post("/v1/payments", paymentBody("wechat.native"));
  await platform.sandbox.pay(codeOf(made));
  await platform.settle();
  refund = await platform.post("/v1/refunds", { payment: made.id, out_refund_no: nextNumber("refund"), amount: 34 });
  await platform.settle();
  paid = await platform.get(`/v1/payments/${made.id}`);
  open = await platform.post("/v1/payments", paymentBody("cashier"));
  counts = await countRows();
});

afterAll(async () => {
  expect(await countRows()).toEqual(counts);
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const text = (length: number) => "x".repeat(length);
const refundBody = (more: object = {}) => ({
  payment: paid.id,
  out_refund_no: nextNumber("refund"),
  amount: 1,
  ...more,
});
/** The routes that take a body. */
const posts = () => ({
  "/v1/payments": paymentBody("cashier"),
  [`/v1/payments/${open.id}/attempts`]: { method: "wechat.native" },
  "/v1/refunds": refundBody(),
});

describe("a body that is no object", () => {
  const bodies: [string, string, string][] = [
    ["cut short", '{"amount": 1', "request.malformed_json"],
    ["not JSON", "amount=1", "request.malformed_json"],
    ["two objects", "{}{}", "request.malformed_json"],
    ["not UTF-8 text of JSON", "{\u0000}", "request.malformed_json"],
    ["a list", "[]", "request.invalid"],
    ["a text", '"x"', "request.invalid"],
    ["a number", "1", "request.invalid"],
    ["null", "null", "request.invalid"],
    ["nothing in it", "{}", "request.invalid"],
    ["nothing", "", "request.invalid"],
    ["a poisoned prototype", '{"__proto__": {"amount": 1}}', "request.malformed_json"],
  ];
  test.each(bodies)("%s", async (_name, body, code) => {
    for (const path of Object.keys(posts())) expectRefusal(await platform.call("POST", path, body), code);
  });

  test("too large, or of another type", async () => {
    for (const [path, body] of Object.entries(posts())) {
      const large = JSON.stringify({ ...body, metadata: { a: text(70_000) } });
      expectRefusal(await platform.call("POST", path, large), "request.body_too_large");
      const headers = { "content-type": "text/plain" };
      expectRefusal(await platform.call("POST", path, body, { headers }), "request.unsupported_media_type");
    }
  });
});

test("an unknown field is named, wherever it is", async () => {
  for (const [path, body] of Object.entries(posts())) {
    expectRefusal(await platform.call("POST", path, { ...body, colour: "red" }), "request.invalid", "colour");
  }
  const payer = { payer: { openid: "o", name: "x" } };
  expectRefusal(
    await platform.call("POST", "/v1/payments", paymentBody("cashier", payer)),
    "request.invalid",
    "payer.name",
  );
  for (const path of ["/v1/payments", "/v1/refunds"]) {
    expectRefusal(await platform.call("GET", `${path}?page=2`), "request.invalid", "page");
  }
});

describe("amounts", () => {
  const wrong = [0, -1, 1.5, 10 ** 18, 100_000_000_001, "100", "1e2", null, true, [1], {}, "NaN"];
  test.each(wrong.map((amount) => [JSON.stringify(amount), amount]))("%s is none", async (_name, amount) => {
    expectRefusal(
      await platform.call("POST", "/v1/payments", paymentBody("cashier", { amount })),
      "request.invalid",
      "amount",
    );
    expectRefusal(await platform.call("POST", "/v1/refunds", refundBody({ amount })), "request.invalid", "amount");
  });

  test("numbers that JSON writes and no integer is", async () => {
    for (const amount of ["1e400", "100000000000000000001", "0.1", "-0"]) {
      const body = JSON.stringify(paymentBody("cashier")).replace("1234", amount);
      expectRefusal(await platform.call("POST", "/v1/payments", body), "request.invalid", "amount");
    }
  });
});

describe("fields of a payment", () => {
  const wrong: [string, Json, string?][] = [
    ["out_trade_no", ""],
    ["out_trade_no", text(65)],
    ["out_trade_no", 1],
    ["subject", ""],
    ["subject", text(129)],
    ["currency", "cny"],
    ["currency", "CNYX"],
    ["currency", ""],
    ["currency", 156],
    ["method", "wechat"],
    ["method", "wechat.telepathy"],
    ["method", "WECHAT.NATIVE"],
    ["method", 1],
    ["expires_in", 59],
    ["expires_in", 604_801],
    ["expires_in", 60.5],
    ["expires_in", "60"],
    ["notify_url", "receiver.example"],
    ["notify_url", "ftp://receiver.example/"],
    ["return_url", "javascript:alert(1)"],
    ["return_url", `https://a.example/${text(1100)}`],
    ["metadata", { a: 1 }, "metadata.a"],
    ["metadata", { a: text(501) }, "metadata.a"],
    ["metadata", []],
    ["metadata", Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key${index}`, ""]))],
    ["payer", "o123"],
    ["payer", { openid: "" }, "payer.openid"],
    ["description", text(257)],
    ["store", ""],
  ];
  test.each(wrong)("%s: %j", async (field, value, param = field) => {
    const answer = await platform.call("POST", "/v1/payments", paymentBody("cashier", { [field]: value }));
    expectRefusal(answer, "request.invalid", param);
  });

  test.each(["out_trade_no", "amount", "currency", "subject"])("%s is missing", async (field) => {
    const answer = await platform.call("POST", "/v1/payments", paymentBody("cashier", { [field]: undefined }));
    expectRefusal(answer, "request.invalid", field);
  });

  test("text that no database keeps", async () => {
    for (const subject of ["a\u0000b", "\ud800"]) {
      const body = JSON.stringify(paymentBody("cashier", { subject: "SUBJECT" })).replace(
        "SUBJECT",
        JSON.stringify(subject).slice(1, -1),
      );
      const answer = await platform.call("POST", "/v1/payments", body);
      expect(answer.status).toBe(400);
      expectRefusal(answer, answer.body.error.code);
    }
  });

  test("a currency that nobody knows, and one that no account collects", async () => {
    const post = (currency: string, method: "cashier" | "wechat.native") =>
      platform.call("POST", "/v1/payments", paymentBody(method, { currency }));
    expectRefusal(await post("ABC", "cashier"), "payment.currency_unsupported", "currency");
    expectRefusal(await post("USD", "wechat.native"), "payment.method_unavailable", "method");
  });

  test("a method without what it needs of the payer", async () => {
    for (const [method, param] of [
      ["wechat.jsapi", "payer.openid"],
      ["wechat.h5", "payer.ip"],
    ] as const) {
      const body = paymentBody(method, { payer: {} });
      expectRefusal(await platform.call("POST", "/v1/payments", body), "payment.payer_required", param);
      const attempts = `/v1/payments/${open.id}/attempts`;
      expectRefusal(await platform.call("POST", attempts, { method }), "payment.payer_required", param);
    }
  });

  test.each([
    "https://",
    "http://user:secret@receiver.example/",
    "https://receiver.example:22/",
    "https://receiver.example/#part",
  ])("notify_url %s is refused", async (notify_url) => {
    const answer = await platform.call("POST", "/v1/payments", paymentBody("cashier", { notify_url }));
    expectRefusal(answer, "payment.notify_url_refused", "notify_url");
    expect(answer.body.error.message).not.toContain("secret");
  });
});

test("where private networks are closed, notify_url cannot reach into them", async () => {
  const strict = await startPlatform({ webhook_private_addresses: false });
  try {
    const addresses = [
      "http://127.0.0.1/",
      "http://[::1]/",
      "http://10.0.0.8/",
      "http://169.254.169.254/latest",
      "http://localhost/",
    ];
    for (const notify_url of [...addresses, "http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://a.internal/"]) {
      const answer = await strict.call("POST", "/v1/payments", paymentBody("cashier", { notify_url }));
      expectRefusal(answer, "payment.notify_url_refused", "notify_url");
    }
    expect((await strict.get("/v1/payments")).data).toEqual([]);
  } finally {
    await strict.close();
  }
});

describe("lists", () => {
  test.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=x", "limit"],
    ["starting_after=pay_nothing", "starting_after"],
    ["status=paid", "status"],
    ["created_from=yesterday", "created_from"],
  ])("/v1/payments?%s", async (query, param) => {
    const answer = await platform.call("GET", `/v1/payments?${query}`);
    expect(answer.status).toBe(400);
    expectRefusal(answer, answer.body.error.code, param);
  });

  test("/v1/refunds of a status that there is not", async () => {
    expectRefusal(await platform.call("GET", "/v1/refunds?status=paid"), "request.invalid", "status");
  });
});

describe("keys", () => {
  const requests = () =>
    [
      ["GET", "/v1/payments"],
      ["POST", "/v1/payments", paymentBody("cashier")],
      ["GET", `/v1/payments/${paid.id}`],
      ["POST", "/v1/refunds", refundBody()],
    ] as const;
  async function expectAll(options: Json, code: string): Promise<void> {
    for (const [method, path, body] of requests()) {
      expectRefusal(await platform.call(method, path, body, options), code);
    }
  }

  test("none, one of no form, a wrong one", async () => {
    await expectAll({ key: null }, "identity.key_missing");
    await expectAll({ key: "nonsense" }, "identity.key_invalid");
    const last = platform.merchant.key.at(-1);
    await expectAll({ key: platform.merchant.key.slice(0, -1) + (last === "A" ? "B" : "A") }, "identity.key_invalid");
  });

  test("a revoked one works no more, at once", async () => {
    const { services, merchant } = platform;
    const key = await createKey(services, merchant);
    expect((await platform.call("GET", "/v1/payments", undefined, { key })).status).toBe(200);
    const page = { limit: 1, fetch: 2, order: "desc", older_than: null, newer_than: null } as const;
    const filter = { merchant_id: merchant.merchant_id, prefix: key.slice(0, 20) };
    const { rows } = await listApiKeys(services.db, filter, page);
    const { id: key_id } = rows[0]!;
    await revokeApiKey(services, { merchant_id: merchant.merchant_id, key_id });
    await expect
      .poll(async () => (await platform.call("GET", "/v1/payments", undefined, { key })).body.error?.code)
      .toBe("identity.key_revoked");
  });
});

describe("what is another's", () => {
  const nothing = () => platform.services.ids.uuid();

  /** The same request about a thing of ours, made by a stranger, and about nothing at all: not to be told apart. */
  async function expectAlike(key: string): Promise<void> {
    const noPayment = publicId("payment", nothing());
    const about = (payment: string, refund_id: string): ["GET" | "POST", string, object?][] => [
      ["GET", `/v1/payments/${payment}`],
      ["GET", `/v1/payments/${payment}/attempts`],
      ["POST", `/v1/payments/${payment}/attempts`, { method: "wechat.native" }],
      ["POST", `/v1/payments/${payment}/close`],
      ["GET", `/v1/refunds/${refund_id}`],
      ["GET", `/v1/refunds?payment=${payment}`],
      ["POST", "/v1/refunds", { payment, out_refund_no: "theirs", amount: 1 }],
    ];
    const ours = about(paid.id, refund.id);
    const none = about(noPayment, publicId("refund", nothing()));
    for (const [index, request] of ours.entries()) {
      const [method, path, body] = none[index]!;
      const [theirs, missing] = [
        await platform.call(request[0], request[1], request[2], { key }),
        await platform.call(method, path, body, { key }),
      ];
      expectRefusal(theirs, path.includes("/refunds/") ? "refund.not_found" : "payment.not_found");
      expect(withoutRequest(theirs)).toEqual(withoutRequest(missing));
    }
    for (const list of ["/v1/payments", "/v1/refunds", `/v1/payments?out_trade_no=${paid.out_trade_no}`]) {
      expect((await platform.get(list, { key })).data).toEqual([]);
    }
    expect((await platform.get(`/v1/payments?number=${paid.serial_no}`, { key })).data).toEqual([]);
  }

  function withoutRequest({ status, text: bytes, body, headers }: Answer): Json {
    const { "request-id": request_id, date: _, ...rest } = headers;
    return {
      status,
      bytes: bytes.replace(body.error.request_id, ""),
      rest,
      same: request_id === body.error.request_id,
    };
  }

  test("another merchant's", () => expectAlike(platform.direct.key));

  test("another app's of the same merchant", async () => {
    await expectAlike((await createSecondApp(platform.services, platform.merchant.merchant_id)).key);
  });

  test("the other book's: live does not see test", async () => {
    await expectAlike(await createKey(platform.services, { ...platform.merchant, livemode: true }));
  });

  test("ids that are none", async () => {
    for (const id of ["pay_", "x", "pay_x", paid.id.toLowerCase().slice(0, -1), `rf_${paid.id.slice(4)}`, text(64)]) {
      expectRefusal(await platform.call("GET", `/v1/payments/${id}`), "payment.not_found");
    }
    expectRefusal(await platform.call("GET", `/v1/payments/${text(65)}`), "request.invalid");
    expectRefusal(await platform.call("GET", `/v1/payments/${text(200)}`), "request.uri_too_long");
    expectRefusal(await platform.call("GET", "/v1/payment"), "request.route_not_found");
    expectRefusal(await platform.call("POST", `/v1/payments/${paid.id}`, {}), "request.method_not_allowed");
  });
});
