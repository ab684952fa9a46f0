// Guarantee: an answer that did not come, or cannot be believed, is unknown and never failed; the channel is asked on a
// schedule that thins out and never ends, until it tells what happened, and then exactly that is recorded.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { channelOf, codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const S = 1000;
const MINUTE = 60 * S;
const HOUR = 60 * MINUTE;
const methods = ["wechat.native", "alipay.qr"] as const;
const create = (method: (typeof methods)[number], more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", paymentBody(method, { notify_url: platform.receiver.url, ...more }));
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);
const attemptOf = async (payment: Json): Promise<Json> =>
  (await platform.get(`/v1/payments/${payment.id}/attempts`)).data[0];

/** What leaves the outcome of a call unknown. */
const unknowing = {
  timeout_before: "connection",
  timeout_after: "connection",
  http_500: "http_status",
  bad_signature: "bad_signature",
  no_signature: "bad_signature",
  html: undefined,
  empty: undefined,
  system_error: "system_error",
  rate_limit: "rate_limited",
} as const;
const faults = Object.keys(unknowing) as (keyof typeof unknowing)[];

describe.each(methods)("creating by %s", (method) => {
  test.each(faults)("%s: unknown, and the same request again brings the order", async (fault) => {
    const body = paymentBody(method);
    await platform.sandbox.fault(channelOf(method), "pay", fault);
    const payment = await platform.post("/v1/payments", body);
    expect(payment).toMatchObject({ status: "processing", action: { type: "none" }, failure: null });
    const attempt = await attemptOf(payment);
    expect(attempt.status).toBe("unknown");
    const reason = unknowing[fault];
    if (reason) expect(attempt.unknown_reason).toBe(reason);

    const again = await platform.post("/v1/payments", body);
    expect([again.id, again.serial_no]).toEqual([payment.id, payment.serial_no]);
    await platform.sandbox.pay(codeOf(again));
    await platform.settle();
    expect((await read(payment)).status).toBe("succeeded");
    expect(await attemptOf(payment)).toMatchObject({ status: "succeeded", unknown_reason: null });
  });

  test("a merchant that gives up closes it: nothing is left at the channel", async () => {
    await platform.sandbox.fault(channelOf(method), "pay", "timeout_after");
    const payment = await create(method);
    await platform.call("POST", `/v1/payments/${payment.id}/close`);
    await platform.advance(2 * MINUTE);
    expect((await read(payment)).status).toBe("closed");
    if (method === "wechat.native") {
      expect((await platform.sandbox.trade(payment.serial_no)).state).toBe("CLOSED");
    }
  });

  test("a channel that never heard of it: it ends with the payment", async () => {
    await platform.sandbox.fault(channelOf(method), "pay", "timeout_before");
    const payment = await create(method, { expires_in: 600 });
    await platform.advance(5 * MINUTE);
    expect((await read(payment)).status).toBe("processing");
    await platform.advance(6 * MINUTE);
    expect((await read(payment)).status).toBe("closed");
  });
});

describe("the schedule", () => {
  test("asks 5 s, 30 s, 1 m, 3 m, 5 m, 10 m, 30 m after the one before, then hourly, without end", async () => {
    await platform.sandbox.fault("wechat", "pay", "timeout_after");
    await platform.sandbox.fault("wechat", "query", "system_error", { times: 1000 });
    const payment = await create("wechat.native", { expires_in: 604_800 });
    await platform.sandbox.pay(payment.serial_no, { notify: false });
    const remaining = async () => (await platform.sandbox.request("GET", "/control/faults")).data[0].times;
    const steps = [5 * S, 30 * S, MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, HOUR, HOUR, HOUR];
    let asked = 0;
    for (const step of steps) {
      await platform.advance(step - 1);
      expect(1000 - (await remaining())).toBe(asked);
      await platform.advance(1);
      asked += 1;
      expect(1000 - (await remaining())).toBe(asked);
    }
    await platform.sandbox.clearFaults();
    await platform.advance(HOUR);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test.each(methods)("finds a payment by %s whose every notice was lost", async (method) => {
    const payment = await create(method);
    await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.advance(30 * S);
    expect((await read(payment)).status).toBe("succeeded");
  });
});

describe.each(methods)("asking about %s", (method) => {
  test.each(["wrong_amount", "wrong_number"])("%s: an answer that does not fit is not believed", async (fault) => {
    const payment = await create(method);
    await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.sandbox.fault(channelOf(method), "query", fault);
    await platform.advance(30 * S);
    expect(await attemptOf(payment)).toMatchObject({ status: "unknown", unknown_reason: "integrity" });
    expect((await read(payment)).status).toBe("processing");
    await platform.advance(MINUTE);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test.each(["timeout_before", "timeout_after", "bad_signature"])("%s: asked again, later", async (fault) => {
    const payment = await create(method);
    await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.sandbox.fault(channelOf(method), "query", fault);
    await platform.advance(30 * S);
    expect((await attemptOf(payment)).status).toBe("unknown");
    await platform.advance(MINUTE);
    expect((await read(payment)).status).toBe("succeeded");
  });
});

describe("closing with a channel that does not answer", () => {
  test.each(["timeout_before", "timeout_after", "bad_signature", "system_error"])(
    "%s: stays open and says so, until the worker has closed it",
    async (fault) => {
      const payment = await create("wechat.native");
      await platform.sandbox.fault("wechat", "close", fault);
      const answer = await platform.call("POST", `/v1/payments/${payment.id}/close`);
      expect(answer.body).toMatchObject({ status: "processing", closing: true });
      const attempt = await platform.call("POST", `/v1/payments/${payment.id}/attempts`, { method: "alipay.qr" });
      expect(attempt.body.error.code).toBe("payment.not_open");
      await platform.advance(MINUTE);
      expect(await read(payment)).toMatchObject({ status: "closed", closing: false });
      expect((await platform.sandbox.trade(payment.serial_no)).state).toBe("CLOSED");
    },
  );

  test("paid before the close arrived: it succeeds", async () => {
    const payment = await create("wechat.native");
    await platform.sandbox.fault("wechat", "close", "timeout_before");
    await platform.call("POST", `/v1/payments/${payment.id}/close`);
    await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.advance(MINUTE);
    expect((await read(payment)).status).toBe("succeeded");
  });
});

describe.each(methods)("refunding %s", (method) => {
  test.each(faults)("%s: the claim stays until the channel answers, and the money goes once", async (fault) => {
    const payment = await create(method);
    await platform.sandbox.pay(codeOf(payment));
    await platform.settle();
    await platform.sandbox.fault(channelOf(method), "refund", fault);
    await platform.sandbox.fault(channelOf(method), "notice", "notice_lost");
    const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1000 };
    const refund = await platform.post("/v1/refunds", body);
    expect(refund.status).toBe("unknown");
    expect(await read(payment)).toMatchObject({ amount_refunding: 1000, amount_refunded: 0 });
    const more = await platform.call("POST", "/v1/refunds", {
      ...body,
      out_refund_no: nextNumber("refund"),
      amount: 235,
    });
    expect(more.body.error.code).toBe("refund.amount_exceeds_refundable");

    await platform.advance(10 * S);
    await platform.advance(30 * S);
    expect(await platform.get(`/v1/refunds/${refund.id}`)).toMatchObject({ status: "succeeded", amount: 1000 });
    expect(await read(payment)).toMatchObject({ amount_refunding: 0, amount_refunded: 1000 });
    await platform.sandbox.clearFaults();
    const { refunds } = await platform.sandbox.trade(payment.serial_no);
    expect(refunds).toMatchObject([{ refund: refund.refund_no, amount: 1000 }]);
  });
});

test("a channel that takes longer than our limit is unknown, and its late effect is found", async () => {
  const slow = await startPlatform({ channel_timeout_ms: 300 });
  try {
    await slow.sandbox.fault("wechat", "pay", "slow", { delay_ms: 1500 });
    const payment = await slow.post("/v1/payments", paymentBody("wechat.native"));
    expect(payment).toMatchObject({ status: "processing", action: { type: "none" } });
    await slow.sandbox.pay(payment.serial_no, { notify: false });
    await slow.advance(5 * S);
    expect((await slow.get(`/v1/payments/${payment.id}`)).status).toBe("succeeded");
    expect(await slow.findFaults()).toEqual([]);
  } finally {
    await slow.close();
  }
});
