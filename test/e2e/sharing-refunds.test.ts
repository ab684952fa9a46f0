// Guarantee: a refund of a shared payment takes first what is left with the merchant; what is missing comes back from receivers
// before the refund or within it, is refused, or is the merchant's to pay, as the order says; and whatever fails on the way,
// claims are given back and the books are whole.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import {
  ALIPAY_USER,
  addMerchant,
  addReceiver,
  balanceOf,
  orderBody,
  pay,
  WECHAT_MERCHANT,
  WECHAT_PERSON,
} from "../platform/sharing.ts";

let platform: Platform;
let second: Awaited<ReturnType<typeof addMerchant>>;

beforeAll(async () => {
  platform = await startPlatform({ direct: true, channel_timeout_ms: 400 });
  second = await addMerchant(platform);
});

afterEach(async () => {
  expect(await platform.findFaults()).toEqual([]);
});

afterAll(() => platform.close());

const S = 1_000;
const wait = async () => {
  for (let turn = 0; turn < 5; turn += 1) await platform.advance(61 * S);
};
const refundBody = (payment: Json, amount: number) => ({
  ...{ payment: payment.id, out_refund_no: nextNumber("refund"), amount },
});
const refund = (payment: Json, amount: number, key = platform.merchant.key) =>
  platform.call("POST", "/v1/refunds", refundBody(payment, amount), { key });
const read = (made: Json, key = platform.merchant.key) => platform.get(`/v1/refunds/${made.id}`, { key });
const refusal = ({ status, body }: Json) => [status, body.error?.code];

/** CNY 100.00 of which so much was shared with another merchant of the platform. */
async function sharedInBooks(amount: number, more: object = {}): Promise<{ payment: Json; order: Json }> {
  const payment = await pay(platform);
  const body = orderBody(payment, [{ receiver: second.receiver, amount }], more);
  return { payment, order: await platform.post("/v1/sharing_orders", body) };
}

describe("with another merchant of the platform", () => {
  test("a refund of what is left asks nobody; a larger one has the receiver give back just what is missing", async () => {
    const { payment, order } = await sharedInBooks(9_000);
    expect((await refund(payment, 900)).body).toMatchObject({ status: "sent", from_receivers: 0 });
    const before = (await balanceOf(platform, second.merchant.key)).pending;
    const made = (await refund(payment, 1_000)).body;
    expect(made).toMatchObject({ status: "returning", amount: 1_000 });
    await wait();
    expect(await read(made)).toMatchObject({ status: "succeeded", from_receivers: 0 });
    // Of 99.40, 90.00 were shared and 8.95 refunded (9.00 less 0.05 of the fee): 0.45 are left of the 9.94 that are owed.
    expect((await balanceOf(platform, second.merchant.key)).pending).toBe(before - 949);
    const { data } = await platform.get(`/v1/sharing_orders/${order.id}/returns`);
    expect(data).toMatchObject([{ status: "succeeded", amount: 949, refund: made.id, with_refund: false }]);
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ amount_shared: 8_051 });
  });

  test("all of it can go back", async () => {
    const { payment } = await sharedInBooks(9_940);
    const made = (await refund(payment, 10_000)).body;
    await wait();
    expect(await read(made)).toMatchObject({ status: "succeeded" });
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({
      amount_shared: 0,
      amount_refunded: 10_000,
    });
  });

  test("its rule may refuse the refund, or have the merchant pay", async () => {
    const refused = await sharedInBooks(9_000, { refund_policy: "refuse" });
    const answer = await refund(refused.payment, 1_000);
    expect(refusal(answer)).toEqual([409, "refund.shared_money"]);
    expect(answer.body.error.message).toContain("940");
    expect((await refund(refused.payment, 900)).status).toBe(201);
    const paid = await sharedInBooks(9_000, { refund_policy: "merchant" });
    await pay(platform);
    const before = (await balanceOf(platform, platform.merchant.key)).pending;
    expect((await refund(paid.payment, 10_000)).body).toMatchObject({ status: "sent" });
    expect((await balanceOf(platform, platform.merchant.key)).pending).toBe(before - 9_940);
  });

  test("a receiver who cannot give back fails the refund, and the claim is given back", async () => {
    const poor = await addMerchant(platform);
    const payment = await pay(platform);
    await platform.post("/v1/sharing_orders", orderBody(payment, [{ receiver: poor.receiver, amount: 9_000 }]));
    const { key } = poor.merchant;
    const { merchant } = await platform.get(`/v1/receivers/${second.receiver}`);
    const onward = (await platform.post("/v1/receivers", { kind: "merchant", merchant }, { key })).id;
    const own = await pay(platform, "wechat.native", {}, key);
    const all = orderBody(own, [{ receiver: onward, amount: 9_940 }], { refund_policy: "merchant" });
    await platform.post("/v1/sharing_orders", all, { key });
    expect((await refund(own, 9_000, key)).body.status).toMatch(/^(sent|succeeded)$/);
    const made = (await refund(payment, 5_000)).body;
    await wait();
    expect(await read(made)).toMatchObject({ status: "failed", failure: { code: "SHARE_NOT_RETURNED" } });
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ amount_refunding: 0, amount_refunded: 0 });
    expect(platform.receiver.about(made.id).map(({ type }) => type)).toEqual(["refund.failed"]);
  });

  test("refunds and sharings at once never take more than was paid", async () => {
    const payment = await pay(platform);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        index % 2 === 0
          ? refund(payment, 2_000)
          : platform.call(
              "POST",
              "/v1/sharing_orders",
              orderBody(payment, [{ receiver: second.receiver, amount: 2_000 }]),
            ),
      ),
    );
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(3);
    await wait();
    const { amount_refunded, amount_refunding, amount_shared } = await platform.get(`/v1/payments/${payment.id}`);
    expect(amount_refunding).toBe(0);
    expect(amount_refunded + amount_shared).toBeLessThanOrEqual(10_000);
  });
});

describe.each(["pooled", "direct"] as const)("through WeChat Pay, %s", (mode) => {
  const keyOf = () => (mode === "pooled" ? platform.merchant.key : platform.direct.key);

  async function sharedAtWechat(): Promise<{ payment: Json; order: Json; receiver: string }> {
    const key = keyOf();
    const receiver = await addReceiver(platform, WECHAT_MERCHANT, key);
    const person = await addReceiver(platform, WECHAT_PERSON, key);
    const payment = await pay(platform, "wechat.native", { sharing: {} }, key);
    await platform.advance(65 * S);
    const body = orderBody(payment, [
      { receiver, amount: 2_000 },
      { receiver: person, amount: 500 },
    ]);
    const { id } = await platform.post("/v1/sharing_orders", body, { key });
    await platform.advance(10 * S);
    const order = await platform.get(`/v1/sharing_orders/${id}`, { key });
    expect(order.status).toBe("succeeded");
    return { payment, order, receiver };
  }

  test("a receiver gives back by a call of its own, never more than its part, and a person cannot", async () => {
    const key = keyOf();
    const { payment, order, receiver } = await sharedAtWechat();
    const person = order.receivers.find((part: Json) => part.receiver !== receiver).receiver;
    const back = (who: string, amount: number) =>
      platform.call(
        "POST",
        `/v1/sharing_orders/${order.id}/returns`,
        { out_return_no: nextNumber("return"), receiver: who, amount },
        { key },
      );
    const before = await balanceOf(platform, key);
    expect((await back(receiver, 1_500)).body).toMatchObject({ status: "succeeded" });
    expect(refusal(await back(receiver, 501))).toEqual([400, "sharing.return_exceeds_part"]);
    expect(refusal(await back(person, 1))).toEqual([409, "sharing.cannot_return"]);
    const name = mode === "pooled" ? "pending" : "collected_directly";
    expect((await balanceOf(platform, key))[name] - before[name]).toBe(1_500);
    expect((await platform.sandbox.trade(payment.serial_no)).shared).toBe(1_000);
  });

  test.each(["timeout_before", "timeout_after", "system_error", "payout_processing", "payout_failed"])(
    "a return that meets %s ends as the channel says",
    async (fault) => {
      const key = keyOf();
      const { payment, order, receiver } = await sharedAtWechat();
      await platform.sandbox.fault("wechat", "share", fault);
      const body = { out_return_no: nextNumber("return"), receiver, amount: 700 };
      const made = await platform.post(`/v1/sharing_orders/${order.id}/returns`, body, { key });
      await wait();
      const end = await platform.get(`/v1/sharing_returns/${made.id}`, { key });
      expect(end.status).toBe(fault === "payout_failed" ? "failed" : "succeeded");
      const shared = fault === "payout_failed" ? 2_500 : 1_800;
      expect((await platform.sandbox.trade(payment.serial_no)).shared).toBe(shared);
      expect(await platform.get(`/v1/payments/${payment.id}`, { key })).toMatchObject({ amount_shared: shared });
    },
  );

  test.each([undefined, "timeout_before", "timeout_after"])(
    "a refund has receivers give back first (%s), and goes on by itself",
    async (fault) => {
      const key = keyOf();
      const { payment, order } = await sharedAtWechat();
      if (fault) await platform.sandbox.fault("wechat", "share", fault);
      const made = (await refund(payment, 9_000, key)).body;
      expect(made.status).toBe("returning");
      await wait();
      await wait();
      expect(await read(made, key)).toMatchObject({ status: "succeeded" });
      const { data } = await platform.get(`/v1/sharing_orders/${order.id}/returns`, { key });
      // 99.40 less 25.00 are left of 90.00 less 0.54 of the fee; the person keeps its part.
      expect(data).toMatchObject([{ status: "succeeded", amount: 1_506, refund: made.id }]);
      const { refunds } = await platform.sandbox.trade(payment.serial_no);
      expect(refunds).toMatchObject([{ amount: 9_000, status: "SUCCESS" }]);
    },
  );

  test("a sharing under way holds a refund up that needs it", async () => {
    const key = keyOf();
    const receiver = await addReceiver(platform, WECHAT_MERCHANT, key);
    const payment = await pay(platform, "wechat.native", { sharing: {} }, key);
    await platform.post("/v1/sharing_orders", orderBody(payment, [{ receiver, amount: 3_000 }]), { key });
    expect(refusal(await refund(payment, 9_000, key))).toEqual([409, "refund.shares_under_way"]);
    expect((await refund(payment, 5_000, key)).status).toBe(201);
    await wait();
  });
});

describe.each(["pooled", "direct"] as const)("through Alipay, %s", (mode) => {
  const keyOf = () => (mode === "pooled" ? platform.merchant.key : platform.direct.key);

  async function sharedAtAlipay(method: "alipay.app" | "alipay.qr"): Promise<{ payment: Json; order: Json }> {
    const key = keyOf();
    const receiver = await addReceiver(platform, ALIPAY_USER, key);
    const payment = await pay(platform, method, { sharing: {} }, key);
    await platform.advance(35 * S);
    const { id } = await platform.post("/v1/sharing_orders", orderBody(payment, [{ receiver, amount: 3_000 }]), {
      key,
    });
    await platform.advance(10 * S);
    return { payment, order: await platform.get(`/v1/sharing_orders/${id}`, { key }) };
  }

  test.each([undefined, "timeout_before", "timeout_after", "refund_closed"])(
    "the refund itself takes parts back (%s)",
    async (fault) => {
      const key = keyOf();
      const { payment, order } = await sharedAtAlipay("alipay.app");
      const receiver = order.receivers[0].receiver;
      const alone = await platform.call(
        "POST",
        `/v1/sharing_orders/${order.id}/returns`,
        { out_return_no: nextNumber("return"), receiver, amount: 1 },
        { key },
      );
      expect(refusal(alone)).toEqual([409, "sharing.cannot_return"]);
      if (fault) await platform.sandbox.fault("alipay", "refund", fault);
      const made = (await refund(payment, 9_000, key)).body;
      await wait();
      await wait();
      const ended = await read(made, key);
      if (fault === "refund_closed") {
        // Alipay keeps no failed refund: asked again it is paid.
        expect(["succeeded", "failed"]).toContain(ended.status);
      } else {
        // 99.40 less 30.00 are left of 90.00 less 0.54 of the fee.
        expect(ended).toMatchObject({ status: "succeeded", from_receivers: 2_006 });
      }
      if (ended.status !== "succeeded") return;
      expect((await platform.sandbox.trade(payment.serial_no)).shared).toBe(994);
      expect(await platform.get(`/v1/payments/${payment.id}`, { key })).toMatchObject({ amount_shared: 994 });
      const { data } = await platform.get(`/v1/sharing_orders/${order.id}/returns`, { key });
      expect(data).toMatchObject([{ status: "succeeded", amount: 2_006, with_refund: true, refund: made.id }]);
    },
  );

  test("face to face, Alipay takes from each in proportion, whatever is left", async () => {
    const key = keyOf();
    const { payment } = await sharedAtAlipay("alipay.qr");
    for (const [amount, shared] of [
      [1_001, 2_700],
      [3_333, 1_701],
    ] as const) {
      const made = (await refund(payment, amount, key)).body;
      await wait();
      expect(await read(made, key)).toMatchObject({ status: "succeeded" });
      expect((await platform.sandbox.trade(payment.serial_no)).shared).toBe(shared);
      expect(await platform.get(`/v1/payments/${payment.id}`, { key })).toMatchObject({ amount_shared: shared });
    }
  });
});
