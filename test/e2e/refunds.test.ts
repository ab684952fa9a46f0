// Guarantee: never more goes back than was paid, under any concurrency and whatever the channel answers; a claim is
// given back only on the channel's own refusal; and every refund ends, or goes on being asked about.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePublicId } from "../../server/src/kit/id.ts";
import { createFeeRule } from "../../server/src/modules/fee/index.ts";
import { createTestMerchant } from "../platform/merchants.ts";
import { channelOf, codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const S = 1000;
const DAY = 86_400 * S;
const methods = ["wechat.native", "alipay.qr"] as const;
type Method = (typeof methods)[number];

async function paid(method: Method = "wechat.native", key?: string): Promise<Json> {
  const options = key ? { key } : {};
  const payment = await platform.post(
    "/v1/payments",
    paymentBody(method, { notify_url: platform.receiver.url }),
    options,
  );
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  return platform.get(`/v1/payments/${payment.id}`, options);
}

const bodyOf = (payment: Json, amount: number) => ({
  ...{ payment: payment.id, out_refund_no: nextNumber("refund"), amount },
});
const refund = (payment: Json, amount: number): Promise<Json> => platform.post("/v1/refunds", bodyOf(payment, amount));
const read = (made: Json): Promise<Json> => platform.get(`/v1/${made.object}s/${made.id}`);
const refusal = ({ status, body }: Json) => [status, body.error.code];
const refundedAtChannel = async (payment: Json) => {
  const { refunds } = await platform.sandbox.trade(payment.serial_no);
  return refunds.reduce((sum: number, { amount }: Json) => sum + amount, 0);
};

describe("concurrency", () => {
  test.each(methods)(
    "twenty refunds of %s at once that together exceed it: never more than was paid",
    async (method) => {
      const payment = await paid(method);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => platform.call("POST", "/v1/refunds", bodyOf(payment, 100))),
      );
      const refused = answers.filter(({ status }) => status !== 201);
      expect(answers.length - refused.length).toBe(12);
      expect(refused.map(refusal)).toEqual(Array(8).fill([400, "refund.amount_exceeds_refundable"]));
      await platform.settle();
      expect(await read(payment)).toMatchObject({ amount_refunded: 1200, amount_refunding: 0 });
      expect(await refundedAtChannel(payment)).toBe(1200);
    },
  );

  test("also from two processes, and of the whole amount", async () => {
    const payment = await paid();
    const second = await platform.startSecond();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? second : platform).call("POST", "/v1/refunds", bodyOf(payment, 1234)),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ amount_refunded: 1234, amount_refunding: 0 });
    expect(await refundedAtChannel(payment)).toBe(1234);
  });
});

describe("asynchronous results", () => {
  test.each(methods)("%s takes its time: the amount is being refunded until it says done", async (method) => {
    const payment = await paid(method);
    await platform.sandbox.fault(channelOf(method), "refund", "refund_processing");
    const made = await refund(payment, 500);
    expect(made.status).toBe("sent");
    await platform.advance(60 * S);
    expect(["sent", "unknown"]).toContain((await read(made)).status);
    expect(await read(payment)).toMatchObject({ amount_refunding: 500, amount_refunded: 0 });
    await platform.sandbox.endRefund(made.refund_no, "success");
    await platform.advance(180 * S);
    expect((await read(made)).status).toBe("succeeded");
    expect(platform.receiver.about(made.id).map(({ type }) => type)).toEqual(["refund.succeeded"]);
  });

  test("a refund that the channel closes has failed, and its amount can be refunded again", async () => {
    const payment = await paid();
    await platform.sandbox.fault("wechat", "refund", "refund_closed");
    const made = await refund(payment, 1234);
    await platform.settle();
    expect(await read(made)).toMatchObject({ status: "failed", failure: { code: "CLOSED" } });
    expect(await read(payment)).toMatchObject({ amount_refunding: 0, amount_refunded: 0 });
    expect(platform.receiver.about(made.id).map(({ type }) => type)).toEqual(["refund.failed"]);
    const again = await refund(payment, 1234);
    await platform.settle();
    expect((await read(again)).status).toBe("succeeded");
  });

  test("an abnormal one waits for a person, for days, and is never dropped", async () => {
    const payment = await paid();
    await platform.sandbox.fault("wechat", "refund", "refund_abnormal");
    const made = await refund(payment, 1234);
    for (let day = 0; day < 3; day++) await platform.advance(DAY);
    expect((await read(made)).status).toBe("sent");
    expect(await read(payment)).toMatchObject({ amount_refunding: 1234 });
    await platform.sandbox.endRefund(made.refund_no, "success");
    await platform.settle();
    expect((await read(made)).status).toBe("succeeded");
  });

  test("a refund notice that differs from what was asked is not believed; the channel is asked", async () => {
    const payment = await paid();
    await platform.sandbox.fault("wechat", "refund", "refund_processing");
    const made = await refund(payment, 700);
    await platform.sandbox.fault("wechat", "notice", "notice_wrong_amount");
    await platform.sandbox.endRefund(made.refund_no, "success");
    await platform.sandbox.settle();
    expect((await read(made)).status).toBe("sent");
    await platform.settle();
    expect(await read(made)).toMatchObject({ status: "succeeded", amount: 700 });
  });

  test.each(methods)("%s: an answer about another amount or number is not believed", async (method) => {
    for (const fault of method === "wechat.native" ? ["wrong_amount", "wrong_number"] : ["wrong_number"]) {
      const payment = await paid(method);
      await platform.sandbox.fault(channelOf(method), "refund", "refund_processing");
      const made = await refund(payment, 300);
      await platform.sandbox.fault(channelOf(method), "notice", "notice_lost");
      await platform.sandbox.endRefund(made.refund_no, "success");
      await platform.sandbox.fault(channelOf(method), "refund_query", fault);
      await platform.advance(10 * S);
      expect((await read(made)).status).toBe("unknown");
      await platform.advance(60 * S);
      await platform.sandbox.clearFaults();
      expect((await read(made)).status).toBe("succeeded");
    }
  });
});

describe("refusals", () => {
  test.each(methods)("%s has not enough money: failed, told, and free to be asked again", async (method) => {
    const payment = await paid(method);
    await platform.sandbox.fault(channelOf(method), "refund", "not_enough");
    const made = await refund(payment, 1234);
    expect(made.status).toBe("failed");
    expect(made.failure.code).toMatch(/NOT_ENOUGH/);
    await platform.settle();
    expect(platform.receiver.about(made.id).map(({ type }) => type)).toEqual(["refund.failed"]);
    await refund(payment, 1234);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ amount_refunded: 1234 });
  });

  test.each(methods)("%s refuses a repetition: asked once more before the claim is given back", async (method) => {
    const payment = await paid(method);
    await platform.sandbox.fault(channelOf(method), "refund", "timeout_before");
    await platform.sandbox.fault(channelOf(method), "refund", "not_enough", { times: 2 });
    const made = await refund(payment, 1234);
    await platform.advance(10 * S);
    expect((await read(made)).status).toBe("unknown");
    expect(await read(payment)).toMatchObject({ amount_refunding: 1234 });
    await platform.advance(30 * S);
    expect((await read(made)).status).toBe("failed");
    expect(await read(payment)).toMatchObject({ amount_refunding: 0, amount_refunded: 0 });
  });

  test("a payment that has not succeeded cannot be refunded", async () => {
    const open = await platform.post("/v1/payments", paymentBody("wechat.native"));
    const closed = await platform.post("/v1/payments", paymentBody("cashier"));
    await platform.call("POST", `/v1/payments/${closed.id}/close`);
    for (const payment of [open, closed]) {
      const answer = await platform.call("POST", "/v1/refunds", bodyOf(payment, 1));
      expect(refusal(answer)).toEqual([409, "refund.payment_not_succeeded"]);
    }
  });

  test("a merchant whose balance is too low is told, and the channel never hears of it", async () => {
    const { services, sandbox, merchant } = platform;
    const poor = await createTestMerchant(services, sandbox.url, merchant.accounts);
    const own = { merchant_id: poor.merchant_id, livemode: false, currency: "CNY", app_id: poor.app_id };
    // The fee stays with the platform, so the whole amount is more than the merchant has.
    await createFeeRule({ ...services, sql: services.db }, { ...own, rate_ppm: 10_000n, refund_returns_fee: false });
    const payment = await paid("wechat.native", poor.key);
    const whole = await platform.call("POST", "/v1/refunds", bodyOf(payment, 1234), { key: poor.key });
    expect(refusal(whole)).toEqual([409, "refund.insufficient_balance"]);
    expect((await platform.sandbox.trade(payment.serial_no)).refunds).toEqual([]);
    const rest = await platform.post("/v1/refunds", bodyOf(payment, 1234 - 12), { key: poor.key });
    await platform.settle();
    expect(await platform.get(`/v1/refunds/${rest.id}`, { key: poor.key })).toMatchObject({
      ...{ status: "succeeded", fee_returned: 0 },
    });
  });

  test("a direct merchant may refund all: its own account at the channel pays", async () => {
    const payment = await paid("alipay.qr", platform.direct.key);
    const whole = await platform.post("/v1/refunds", bodyOf(payment, 1234), { key: platform.direct.key });
    expect(whole.status).toBe("succeeded");
  });

  test("after fifty refunds the channel takes no more, and says so before it is asked", async () => {
    const payment = await paid("alipay.qr");
    const answers = await Promise.all(
      Array.from({ length: 51 }, () => platform.call("POST", "/v1/refunds", bodyOf(payment, 1))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.filter(({ status }) => status !== 201).map(refusal)).toEqual([[400, "refund.too_many"]]);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ amount_refunded: 50, amount_refunding: 0 });
  });

  test("after a year nothing can be refunded through the channel", async () => {
    const payment = await paid();
    const last = bodyOf(payment, 1);
    await platform.advance(364 * DAY);
    expect((await platform.call("POST", "/v1/refunds", last)).status).toBe(201);
    await platform.advance(2 * DAY);
    const late = await platform.call("POST", "/v1/refunds", bodyOf(payment, 1));
    expect(refusal(late)).toEqual([400, "refund.window_passed"]);
    // The same request as before is still the same refund.
    expect((await platform.call("POST", "/v1/refunds", last)).status).toBe(200);
  });
});

test("a first request that is refused after a repetition was taken gives no claim back", async () => {
  const payment = await paid();
  await platform.sandbox.fault("wechat", "refund", "timeout_before");
  const made = await refund(payment, 1000);
  expect(made.status).toBe("unknown");
  // What the first request would have recorded, had its answer come after the worker's repetition was sent.
  await platform.services.refund.groups.recordOutcome({
    merchant_id: platform.merchant.merchant_id,
    payment_id: parsePublicId("payment", payment.id)!,
    refund_id: parsePublicId("refund", made.id)!,
    outcome: { kind: "failed", failure: { code: "NOT_ENOUGH", message: "late" } },
    from: "request",
  });
  expect(await read(made)).toMatchObject({ status: "unknown" });
  expect(await read(payment)).toMatchObject({ amount_refunding: 1000, amount_refunded: 0 });
  await platform.advance(3600 * S);
  expect(await read(made)).toMatchObject({ status: "succeeded", failure: null });
  expect(await refundedAtChannel(payment)).toBe(1000);
});

describe("the refund of a second success", () => {
  test.each(["not_enough", "timeout_after", "timeout_before"])("%s: tried until the channel pays it", async (fault) => {
    const payment = await platform.post("/v1/payments", paymentBody("alipay.qr"));
    platform.clock.advance(S);
    const other = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "wechat.native" });
    await platform.settle();
    await platform.sandbox.pay(codeOf(other));
    await platform.settle();
    await platform.sandbox.fault("alipay", "refund", fault);
    await platform.sandbox.pay(codeOf(payment));
    await platform.settle();
    const automatic = async () => (await platform.get(`/v1/refunds?payment=${payment.id}`)).data[0];
    expect(await automatic()).toMatchObject({ automatic: true, status: "unknown" });
    await platform.advance(10 * S);
    await platform.advance(60 * S);
    expect(await automatic()).toMatchObject({ status: "succeeded", failure: null });
    expect(await refundedAtChannel({ serial_no: (await automatic()).serial_no })).toBe(1234);
  });
});

test("a duplicate whose refund the channel has closed is refunded again, under another number", async () => {
  const payment = await platform.post("/v1/payments", paymentBody("wechat.native"));
  await platform.sandbox.pay(codeOf(payment), { notify: false });
  platform.clock.advance(S);
  const winner = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "alipay.qr" });
  await platform.sandbox.pay(codeOf(winner));
  await platform.sandbox.fault("wechat", "refund", "refund_closed");
  await platform.settle();
  const refundsOf = async () => (await platform.get(`/v1/refunds?payment=${payment.id}`)).data;
  // Both were made in the same millisecond of the clock that stands, so their order says nothing.
  const byStatus = (list: Json[]) => list.sort((a, b) => (a.status < b.status ? -1 : 1));
  const [again, closed] = byStatus(await refundsOf());
  expect(closed).toMatchObject({ automatic: true, status: "failed", failure: { code: "CLOSED" } });
  expect(again).toMatchObject({ automatic: true, status: "created", amount: 1234 });
  expect(again.refund_no).not.toBe(closed.refund_no);
  await platform.advance(3600 * S);
  expect(byStatus(await refundsOf()).map(({ status }) => status)).toEqual(["failed", "succeeded"]);
  expect((await platform.sandbox.trade(payment.serial_no)).refunds).toMatchObject([
    { refund: closed.refund_no, status: "CLOSED" },
    { refund: again.refund_no, status: "SUCCESS" },
  ]);
});

test("refunds are listed newest first, by payment, status and number, in pages", async () => {
  const payment = await paid();
  const made: Json[] = [];
  for (const amount of [1, 2, 3]) {
    made.unshift(await refund(payment, amount));
    await platform.advance(1);
  }
  const list = async (query: string): Promise<Json> => platform.get(`/v1/refunds?${query}`);
  const ids = made.map(({ id }) => id);
  const all = await list(`payment=${payment.id}`);
  expect(all).toMatchObject({ object: "list", has_more: false });
  expect(all.data.map(({ id }: Json) => id)).toEqual(ids);
  expect(all.data[0]).toEqual(await read(made[0]));
  const page = await list(`payment=${payment.id}&limit=1&starting_after=${ids[0]}`);
  expect([page.data[0].id, page.has_more]).toEqual([ids[1], true]);
  expect((await list(`payment=${payment.id}&limit=1&ending_before=${ids[2]}`)).data[0].id).toBe(ids[1]);
  expect((await list(`out_refund_no=${made[2].out_refund_no}`)).data.map(({ id }: Json) => id)).toEqual([ids[2]]);
  expect((await list(`payment=${payment.id}&status=failed`)).data).toEqual([]);
});
