/**
 * Guarantee: where an account refuses for a reason of its own, or is left alone because it does not answer, the next one
 * takes the payment within the same request, and at most one ever takes the money; where nobody knows whether it was
 * charged, no other account is asked.
 */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import { registerWechat } from "../../server/src/main/demo/sandbox-merchants.ts";
import {
  bindChannelAccount,
  createChannelAccount,
  unbindChannelAccount,
} from "../../server/src/modules/channel-account/index.ts";
import { codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type RoutedAccount, type RoutedPlatform, startRoutedPlatform } from "../platform/routing.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: RoutedPlatform;
let A: RoutedAccount;
let B: RoutedAccount;
beforeAll(async () => {
  platform = await startRoutedPlatform({ direct: true });
  ({ A, B } = platform);
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.forget();
  expect(await platform.findFaults()).toEqual([]);
});

describe("a refusal of the account's own", () => {
  let restore: () => Promise<unknown>;
  beforeEach(async () => {
    restore = await platform.disown(A);
  });
  afterEach(() => restore());

  test("sends the payment on to the next account within the same request, and the payer pays there", async () => {
    const body = paymentBody("alipay.qr" as never);
    const payment = await platform.post("/v1/payments", body);
    expect(payment).toMatchObject({ status: "processing", action: { type: "qr_code" }, failure: null });
    const [refused, taken] = await platform.attemptsOf(payment);
    expect(refused).toMatchObject({ status: "failed", channel_account: A.name, failure: { code: expect.any(String) } });
    expect(taken).toMatchObject({ status: "sent", channel_account: B.name, serial_no: payment.serial_no, fee: 7 });
    expect(taken!.routing).toMatchObject({
      ...{ account: B.name, strategy: "order", rule: null, instead_of: refused!.id },
      candidates: [
        { account: A.name, refusal: "tried" },
        { account: B.name, refusal: null },
        { account: platform.C.name, refusal: null },
      ],
    });
    await platform.sandbox.pay(codeOf(payment));
    await platform.settle();
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "succeeded", channel: "alipay" });
    const again = await platform.call("POST", "/v1/payments", body);
    expect(again.body).toMatchObject({ id: payment.id, serial_no: payment.serial_no, status: "succeeded" });
    expect(await platform.attemptsOf(payment)).toHaveLength(2);
  });

  test("an attempt asked for again under its key is the one that took its place", async () => {
    const payment = await platform.post("/v1/payments", paymentBody("cashier"));
    const ask = (key: string) =>
      platform.call(
        "POST",
        `/v1/payments/${payment.id}/attempts`,
        { method: "alipay.qr" },
        { headers: { "idempotency-key": key } },
      );
    const [first, ...others] = await Promise.all([ask("k1"), ask("k1"), ask("k2")]);
    const again = await ask("k1");
    expect(again.headers["idempotent-replayed"]).toBe("true");
    for (const answer of [...others, again]) {
      expect(answer.body).toMatchObject({ serial_no: first.body.serial_no, action: first.body.action });
    }
    expect(await platform.takers(payment)).toEqual([A.name, B.name]);
  });

  test("a payer's code is charged at the next account: the refusal proves that it was not", async () => {
    const { auth_code } = await platform.sandbox.request("POST", "/control/auth_codes", { channel: "alipay" });
    const payment = await platform.post("/v1/payments", {
      ...paymentBody(),
      method: "auto.barcode",
      payer: { auth_code },
    });
    expect(payment).toMatchObject({ status: "succeeded", method: "alipay.barcode" });
    expect(await platform.takers(payment)).toEqual([A.name, B.name]);
  });

  test("ends the payment when every account refuses, after three of them", async () => {
    const restores = [await platform.disown(B), await platform.disown(platform.C)];
    const payment = await platform.create();
    expect(payment).toMatchObject({
      status: "failed",
      failure: { code: expect.any(String) },
      action: { type: "none" },
    });
    expect(await platform.attemptsOf(payment)).toMatchObject([
      { status: "failed" },
      { status: "failed" },
      { status: "failed" },
    ]);
    await platform.settle();
    for (const undo of restores) await undo();
  });

  test("goes on where the process dies before the next account hears of it: the same request again sends it", async () => {
    const payment = await platform.post("/v1/payments", paymentBody("cashier"));
    const { payment: services } = platform.services;
    const { pay } = services.channels;
    let calls = 0;
    services.channels.pay = async (...given) => {
      calls += 1;
      if (calls === 2) throw new Error("the process dies");
      return pay.apply(services.channels, given);
    };
    const body = { method: "alipay.qr" };
    const died = await platform.call("POST", `/v1/payments/${payment.id}/attempts`, body);
    services.channels.pay = pay;
    expect(died.status).toBe(500);
    expect(await platform.attemptsOf(payment)).toMatchObject([
      { status: "failed", channel_account: A.name },
      { status: "created", channel_account: B.name },
    ]);
    platform.clock.advance(31_000);
    await platform.settle();
    const again = await platform.post(`/v1/payments/${payment.id}/attempts`, body);
    expect(again).toMatchObject({ status: "processing", action: { type: "qr_code" } });
    await platform.sandbox.pay(codeOf(again));
    await platform.settle();
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "succeeded" });
  });
});

test("a payer whom only the refusing account's application knows stays there; another order goes on", async () => {
  const { services, sandbox, merchant } = platform;
  const { merchant_id } = merchant;
  const registered = await registerWechat(sandbox.url, "Refused");
  const given = { ...services, getChannel: services.payment.getChannel };
  const first = await createChannelAccount(given, { ...registered, funding_mode: "pooled", livemode: false });
  await bindChannelAccount(services, { merchant_id, channel_account_id: first.id, priority: 1 });
  platform.clock.advance(1_000);
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const merchant_public_key_pem = publicKey.export({ type: "spki", format: "pem" });
  const mchid = first.config.mchid;
  await sandbox.request("POST", "/control/merchants", {
    channel: "wechat",
    name: "Refused",
    mchid,
    merchant_public_key_pem,
  });
  const names = [first.id, merchant.accounts.wechat].map((id) => publicId("channel_account", id));
  const native = await platform.post("/v1/payments", paymentBody("wechat.native"));
  expect(await platform.takers(native)).toEqual(names);
  const jsapi = await platform.post("/v1/payments", paymentBody("wechat.jsapi"));
  expect(jsapi).toMatchObject({ status: "failed", failure: { code: "SIGN_ERROR" } });
  expect(await platform.takers(jsapi)).toEqual(names.slice(0, 1));
  await unbindChannelAccount(services.db, { merchant_id, channel_account_id: first.id });
  await platform.sandbox.pay(codeOf(native));
});

describe("an account whose credentials make no request", () => {
  /** As if the secrets of these accounts could not be read. */
  function spoil(...spoilt: RoutedAccount[]): () => void {
    const { channels } = platform.services.payment;
    const { pay } = channels;
    channels.pay = (channel, account, input) => {
      const bad = spoilt.some(({ id }) => id === account.id);
      return pay(channel, bad ? { ...account, version: account.version + 1_000, secrets: {} } : account, input);
    };
    return () => {
      channels.pay = pay;
    };
  }

  test("gives the payment to the next", async () => {
    const mend = spoil(A);
    const payment = await platform.create();
    mend();
    expect(payment).toMatchObject({ status: "processing", action: { type: "qr_code" } });
    expect(await platform.attemptsOf(payment)).toMatchObject([
      { channel_account: A.name, status: "failed", failure: { code: "CHANNEL_ACCOUNT_UNUSABLE" } },
      { channel_account: B.name, status: "sent" },
    ]);
  });

  test("keeps it until it is mended where there is no other", async () => {
    for (const { id } of [B, platform.C]) {
      await platform.limit({ channel_account_id: id, currency: "CNY", amount_max: 1n });
    }
    const payment = await platform.post("/v1/payments", paymentBody("cashier"));
    const ask = () => platform.post(`/v1/payments/${payment.id}/attempts`, { method: "alipay.qr" });
    const mend = spoil(A);
    expect(await ask()).toMatchObject({ status: "processing", action: { type: "none" } });
    mend();
    expect(await ask()).toMatchObject({ status: "processing", action: { type: "qr_code" } });
    expect(await platform.attemptsOf(payment)).toMatchObject([{ channel_account: A.name, status: "sent" }]);
  });
});

describe("a call whose outcome is unknown", () => {
  test.each(["timeout_before", "timeout_after", "http_500", "bad_signature", "empty"])(
    "(%s) never sends the payment on",
    async (kind) => {
      await platform.failCalls(A, kind);
      const payment = await platform.create();
      expect(payment).toMatchObject({ status: "processing", action: { type: "none" } });
      expect(await platform.attemptsOf(payment)).toMatchObject([{ status: "unknown", channel_account: A.name }]);
      await platform.advance(60_000);
      expect(await platform.takers(payment)).toEqual([A.name]);
    },
  );

  test("and one that is sent again and then refused stays with its account", async () => {
    const payment = await platform.post("/v1/payments", paymentBody("cashier"));
    await platform.failCalls(A, "timeout_after");
    const ask = () => platform.post(`/v1/payments/${payment.id}/attempts`, { method: "alipay.qr" });
    await ask();
    const restore = await platform.disown(A);
    await ask();
    expect(await platform.takers(payment)).toEqual([A.name]);
    await restore();
  });
});

describe("an account that does not answer", () => {
  const health = async (name: string) => {
    const { data } = await platform.get("/v1/routing/health");
    const account = data.find((one: Json) => one.channel_account === name);
    return account.operations.find((lane: Json) => lane.operation === "pay");
  };

  test("is left alone, tried by one payment later, and used again when that goes well", async () => {
    await platform.failCalls(A, "http_500", 6);
    for (let count = 0; count < 5; count += 1) await platform.create();
    expect(await health(A.name)).toMatchObject({ state: "open", opened_at: expect.any(String) });
    expect(await health(A.name)).not.toHaveProperty("calls");
    const around = await platform.create();
    expect(await platform.attemptsOf(around)).toMatchObject([
      {
        channel_account: B.name,
        routing: { candidates: [{ refusal: "health" }, { refusal: null }, { refusal: null }] },
      },
    ]);
    platform.clock.advance(5_000);
    expect(await health(A.name)).toMatchObject({ state: "half_open" });
    // The probe meets the sixth fault.
    expect(await platform.attemptsOf(await platform.create())).toMatchObject([
      { channel_account: A.name, status: "unknown" },
    ]);
    expect(await health(A.name)).toMatchObject({ state: "open" });
    platform.clock.advance(10_000);
    expect(await platform.attemptsOf(await platform.create())).toMatchObject([
      { channel_account: A.name, status: "sent" },
    ]);
    expect(await health(A.name)).toMatchObject({ state: "closed", opened_at: null, retry_at: null });
  });

  test("is asked again until every payment is known, though questions were kept back", async () => {
    await platform.create();
    const payments = [];
    for (let count = 0; count < 12; count += 1) payments.push(await platform.create());
    for (const payment of payments) await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.failCalls(A, "http_500", 12, "query");
    await platform.advance(31_000);
    const { data } = await platform.get("/v1/routing/health");
    const lanes: Json[] = data.find((one: Json) => one.channel_account === A.name).operations;
    expect(lanes.find((lane) => lane.operation === "query")).toMatchObject({ state: "open" });
    for (let count = 0; count < 30; count += 1) await platform.advance(60_000);
    for (const payment of payments) {
      expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "succeeded" });
      expect(await platform.takers(payment)).toEqual([A.name]);
    }
  });

  test("tells a merchant how many calls it made through an account of its own", async () => {
    const { key, accounts } = platform.direct;
    await platform.post("/v1/payments", paymentBody("alipay.qr" as never), { key });
    const { data } = await platform.get("/v1/routing/health", { key });
    const name = publicId("channel_account", accounts.alipay);
    const { operations } = data.find((one: Json) => one.channel_account === name);
    const pay = operations.find(({ operation }: Json) => operation === "pay");
    expect(pay).toMatchObject({ state: "closed", calls: 1, troubles: 0, active: 0, waiting: 0 });
  });

  test("costs a payer who has no other account no wait, and nothing is sent", async () => {
    await platform.limit({ channel_account_id: B.id, currency: "CNY", amount_max: 1n });
    await platform.limit({ channel_account_id: platform.C.id, currency: "CNY", amount_max: 1n });
    await platform.failCalls(A, "http_500", 5);
    for (let count = 0; count < 5; count += 1) await platform.create();
    const payment = await platform.create();
    expect(payment).toMatchObject({ status: "failed", failure: { code: "CHANNEL_UNAVAILABLE" } });
    await expect(platform.sandbox.trade(payment.serial_no)).rejects.toThrow("404");
  });
});

test("of a hundred payments at once while an account fails, each has one attempt that may be charged", async () => {
  // Closes the breaker, where an earlier test left it half open.
  await platform.create();
  await platform.failCalls(A, "http_500", 40);
  const payments = await Promise.all(Array.from({ length: 100 }, () => platform.create()));
  const ways = await Promise.all(payments.map((payment) => platform.attemptsOf(payment)));
  const open = ways.map((attempts) => attempts.filter(({ status }) => status !== "failed"));
  expect(open.every((attempts) => attempts.length === 1)).toBe(true);
  const unknown = ways.filter((attempts) => attempts.some(({ status }) => status === "unknown"));
  expect(unknown.length).toBeGreaterThanOrEqual(5);
  expect(unknown.every((attempts) => attempts.length === 1)).toBe(true);
  for (const payment of payments.filter(({ action }) => action.type === "qr_code")) {
    await platform.sandbox.pay(codeOf(payment));
  }
  await platform.settle();
  const { data } = await platform.get("/v1/payments?limit=100&status=succeeded");
  expect(data.length).toBeGreaterThanOrEqual(100 - unknown.length);
});

test("the numbers of a payment are those of the last attempt, on its event too", async () => {
  const restore = await platform.disown(A);
  const out_trade_no = nextNumber();
  const payment = await platform.create({ out_trade_no });
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  await restore();
  const { data } = await platform.get(`/v1/events?object=${payment.id}`);
  expect(data).toMatchObject([
    { type: "payment.succeeded", data: { object: { serial_no: payment.serial_no, out_trade_no } } },
  ]);
});
