// Guarantee: what a channel passes on is what it says of each receiver, in either funding mode; asked again nothing is shared
// twice, what failed is the merchant's again, and whatever answer is lost, the books end where the channel does.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePublicId, publicId } from "../../server/src/kit/id.ts";
import { findPayment } from "../../server/src/modules/payment/index.ts";
import { createOrder } from "../../server/src/modules/sharing/create-order.ts";
import { createReturn } from "../../server/src/modules/sharing/create-return.ts";
import { driveOrder } from "../../server/src/modules/sharing/drive-order.ts";
import { driveReturn } from "../../server/src/modules/sharing/drive-return.ts";
import { saveAgreement } from "../../server/src/modules/sharing/index.ts";
import { findOrder } from "../../server/src/modules/sharing/read-sharings.ts";
import { nextNumber, type TestMethod } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import {
  ALIPAY_LOGIN,
  ALIPAY_USER,
  addReceiver,
  balanceOf,
  orderBody,
  pay,
  WECHAT_MERCHANT,
  WECHAT_PERSON,
} from "../platform/sharing.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true, channel_timeout_ms: 400 });
});

afterAll(async () => {
  await platform.advance(86_400_000);
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const S = 1_000;
const cases: [string, "wechat" | "alipay", TestMethod, "pooled" | "direct"][] = [
  ["WeChat Pay, pooled", "wechat", "wechat.native", "pooled"],
  ["WeChat Pay, direct", "wechat", "wechat.native", "direct"],
  ["Alipay, pooled", "alipay", "alipay.app", "pooled"],
  ["Alipay, direct", "alipay", "alipay.app", "direct"],
];
const keyOf = (mode: "pooled" | "direct") => (mode === "pooled" ? platform.merchant.key : platform.direct.key);

async function receiversOf(channel: "wechat" | "alipay", key: string): Promise<[string, string]> {
  const [first, second] = channel === "wechat" ? [WECHAT_MERCHANT, WECHAT_PERSON] : [ALIPAY_USER, ALIPAY_LOGIN];
  return [await addReceiver(platform, first, key), await addReceiver(platform, second, key)];
}

/** A payment that its channel holds back, a minute old. */
async function paid(method: TestMethod, key: string): Promise<Json> {
  const payment = await pay(platform, method, { sharing: {} }, key);
  await platform.advance(65 * S);
  return payment;
}

/** Long enough for several questions. */
async function wait(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await platform.advance(61 * S);
}

const refusal = ({ status, body }: Json) => [status, body.error?.code];
const read = (order: Json, key: string) => platform.get(`/v1/sharing_orders/${order.id}`, { key });
const shared = async (payment: Json) => Number((await platform.sandbox.trade(payment.serial_no)).shared);

describe.each(cases)("%s", (_, channel, method, mode) => {
  test("each receiver gets its part, and the rest is released", async () => {
    const key = keyOf(mode);
    const [first, second] = await receiversOf(channel, key);
    const payment = await paid(method, key);
    const before = await balanceOf(platform, key);
    const body = orderBody(
      payment,
      [
        { receiver: first, amount: 1_000 },
        { receiver: second, ratio_ppm: 50_000 },
      ],
      {
        release: true,
      },
    );
    const order = await platform.post("/v1/sharing_orders", body, { key });
    expect(["succeeded", "processing"]).toContain(order.status);
    await platform.advance(10 * S);
    expect(await read(order, key)).toMatchObject({ status: "succeeded", amount: 1_500 });
    await platform.advance(10 * S);
    const after = await platform.get(`/v1/payments/${payment.id}/sharing`, { key });
    expect(after).toMatchObject({ shared: 1_500, release: { status: "succeeded" } });
    expect(await shared(payment)).toBe(1_500);
    expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ frozen: false });
    const balance = await balanceOf(platform, key);
    const name = mode === "pooled" ? "pending" : "collected_directly";
    expect(balance[name] - before[name]).toBe(-1_500);
    expect(balance.sharing_in_transit).toBe(0);
    const late = orderBody(payment, [{ receiver: first, amount: 1 }]);
    expect(refusal(await platform.call("POST", "/v1/sharing_orders", late, { key }))).toEqual([
      409,
      "sharing.finished",
    ]);
    const bound = await platform.get(`/v1/receivers/${first}`, { key });
    expect(bound.channel_accounts).toMatchObject([{ status: "bound" }]);
  });

  test("a part that fails is the merchant's again, and is tried once more by itself", async () => {
    const key = keyOf(mode);
    const [first, second] = await receiversOf(channel, key);
    const payment = await paid(method, key);
    await platform.sandbox.fault(channel, "share", "payout_failed");
    const body = orderBody(payment, [
      { receiver: first, amount: 700 },
      { receiver: second, amount: 300 },
    ]);
    const { id } = await platform.post("/v1/sharing_orders", body, { key });
    await platform.advance(10 * S);
    const order = await read({ id }, key);
    expect(order).toMatchObject({ status: "partially_succeeded" });
    const failed = order.receivers.find(({ status }: Json) => status === "failed");
    expect(failed.failure.code).toMatch(/ACCOUNT_(ABNORMAL|BALANCE)|BALANCE_NOT_ENOUGH/);
    const left = await platform.get(`/v1/payments/${payment.id}/sharing`, { key });
    expect(left).toMatchObject({ shared: order.amount, left: 9_940 - order.amount, release: null });
    const again = await platform.post(`/v1/sharing_orders/${id}/retry`, {}, { key });
    expect(again.sharing_no).not.toBe(order.sharing_no);
    await platform.advance(10 * S);
    expect(await read({ id }, key)).toMatchObject({ status: "succeeded", amount: 1_000 });
    expect(await shared(payment)).toBe(1_000);
    const over = await platform.call("POST", `/v1/sharing_orders/${id}/retry`, {}, { key });
    expect(refusal(over)).toEqual([409, "sharing.nothing_to_retry"]);
    await platform.settle();
    const told = platform.receiver.about(id).map(({ type }) => type);
    expect(told.toSorted()).toEqual([
      "sharing_order.created",
      "sharing_order.partially_succeeded",
      "sharing_order.succeeded",
    ]);
  });

  test.each(["timeout_before", "timeout_after", "system_error", "bad_signature", "html", "http_500"])(
    "after %s nothing is shared twice, and the channel has the last word",
    async (fault) => {
      const key = keyOf(mode);
      const [first] = await receiversOf(channel, key);
      const payment = await paid(method, key);
      await platform.sandbox.fault(channel, "share", fault);
      const body = orderBody(payment, [{ receiver: first, amount: 900 }]);
      const order = await platform.post("/v1/sharing_orders", body, { key });
      expect(order).toMatchObject({ status: "processing", receivers: [{ status: "unknown" }] });
      const { amount_shared } = await platform.get(`/v1/payments/${payment.id}`, { key });
      expect(amount_shared).toBe(900);
      await wait();
      expect(await read(order, key)).toMatchObject({ status: "succeeded" });
      expect(await shared(payment)).toBe(900);
    },
  );

  test("limits are refused before anything moves", async () => {
    const key = keyOf(mode);
    const [first] = await receiversOf(channel, key);
    const payment = await paid(method, key);
    const share = (amount: number) =>
      platform.call("POST", "/v1/sharing_orders", orderBody(payment, [{ receiver: first, amount }]), { key });
    const above = await share(3_001);
    expect(refusal(above)).toEqual([400, "sharing.above_channel_limit"]);
    expect(above.body.error.message).toContain("3000");
    const other = channel === "wechat" ? ALIPAY_USER : WECHAT_MERCHANT;
    const stranger = orderBody(payment, [{ receiver: await addReceiver(platform, other, key), amount: 1 }]);
    const cannot = await platform.call("POST", "/v1/sharing_orders", stranger, { key });
    expect(refusal(cannot)).toEqual([409, "sharing.channel_cannot"]);
    platform.clock.advance(31 * 86_400 * S);
    expect(refusal(await share(1))).toEqual([409, "sharing.window_passed"]);
  });
});

describe("a process that dies, or is slow, with the channel's answer in its hands", () => {
  type Sharing = Platform["services"]["sharing"];
  const REFUSED = { kind: "failed", failure: { code: "REFUSED_AGAIN", message: "told before" } };

  /** A process of which `act` makes something of each call to the channel. */
  function processThat(act: (name: string, call: () => Promise<unknown>) => Promise<unknown>): Sharing {
    const { sharing } = platform.services;
    const run = ((name: string, ...rest: [never, never, never]) =>
      act(name, () => sharing.channels.run(name, ...rest))) as Sharing["channels"]["run"];
    return { ...sharing, channels: { ...sharing.channels, run } };
  }

  const dying = () =>
    processThat(async (name, call) => {
      const answer = await call();
      if (name.endsWith(".share")) throw new Error("died");
      return answer;
    });
  /** The channel refuses whatever it is told again. */
  const refusing = () => processThat(async (name, call) => (name.endsWith(".share") ? REFUSED : call()));

  const caller = () => ({ ...platform.merchant, livemode: false, key_id: "" });

  test("a return that has taken effect is not failed by the refusal of its repetition", async () => {
    const [first] = await receiversOf("wechat", platform.merchant.key);
    const payment = await paid("wechat.native", platform.merchant.key);
    const { id } = await platform.post("/v1/sharing_orders", orderBody(payment, [{ receiver: first, amount: 900 }]));
    await wait();
    const order = await findOrder(platform.services.db, caller(), id);
    const input = { out_return_no: nextNumber("return"), receiver: first, amount: 400n };
    await expect(createReturn(dying(), caller(), order, input, undefined)).rejects.toThrow("died");
    expect(await shared(payment)).toBe(500);
    const { data } = await platform.get(`/v1/sharing_orders/${id}/returns`);
    const key = { merchant_id: order.merchant_id, id: parsePublicId("sharing_return", data[0].id)! };
    await driveReturn(refusing(), key);
    await wait();
    expect(await platform.get(`/v1/sharing_returns/${data[0].id}`)).toMatchObject({ status: "succeeded" });
  });

  test("a share that another process has sent meanwhile is not failed by the refusal of a second one", async () => {
    const account = `oUpF8uMuAJO_M2pxb1Q9zNjW${nextNumber("x").slice(-4).padStart(4, "0")}`;
    const receiver = await addReceiver(platform, { ...WECHAT_PERSON, account });
    const payment = await paid("wechat.native", platform.merchant.key);
    const found = await findPayment(platform.services, caller(), payment.id);
    const input = {
      ...{ out_sharing_no: nextNumber("share"), receivers: [{ receiver, amount: 600 }] },
      ...{ group: undefined, release: undefined, refund_policy: undefined },
    };
    const number = input.out_sharing_no;
    // Adding the receiver takes longer than its lease: another process does all of it, and dies.
    const slow = processThat(async (name, call) => {
      if (name.endsWith(".share")) return REFUSED;
      const answer = await call();
      if (!name.endsWith(".receivers")) return answer;
      const { data } = await platform.get(`/v1/sharing_orders?out_sharing_no=${number}`);
      const key = { merchant_id: caller().merchant_id, id: parsePublicId("sharing_order", data[0].id)! };
      await expect(driveOrder(dying(), key)).rejects.toThrow("died");
      return answer;
    });
    await createOrder(slow, caller(), found, input, undefined);
    expect(await shared(payment)).toBe(600);
    await wait();
    const { data } = await platform.get(`/v1/sharing_orders?out_sharing_no=${number}`);
    expect(data).toMatchObject([{ status: "succeeded", amount: 600 }]);
  });
});

describe("waiting and refusals", () => {
  test("what comes too soon waits by itself", async () => {
    const [first] = await receiversOf("wechat", platform.merchant.key);
    const payment = await pay(platform, "wechat.native", { sharing: {} });
    const order = await platform.post("/v1/sharing_orders", orderBody(payment, [{ receiver: first, amount: 100 }]));
    expect(order).toMatchObject({ status: "created", receivers: [{ status: "created" }] });
    await platform.advance(30 * S);
    expect((await read(order, platform.merchant.key)).status).toBe("created");
    await platform.advance(40 * S);
    await platform.advance(10 * S);
    expect((await read(order, platform.merchant.key)).status).toBe("succeeded");
  });

  test("WeChat Pay shares only what it was asked to hold back", async () => {
    const [first] = await receiversOf("wechat", platform.merchant.key);
    const payment = await pay(platform);
    const body = orderBody(payment, [{ receiver: first, amount: 1 }]);
    expect(refusal(await platform.call("POST", "/v1/sharing_orders", body))).toEqual([409, "sharing.not_held"]);
    const finish = await platform.call("POST", `/v1/payments/${payment.id}/finish_sharing`, {});
    expect(refusal(finish)).toEqual([409, "sharing.not_held"]);
  });

  test("a receiver whom the channel refuses gets nothing, and the other its part", async () => {
    const nobody = await addReceiver(platform, { ...ALIPAY_USER, account: "2088000000000000" });
    const [first] = await receiversOf("alipay", platform.merchant.key);
    const payment = await paid("alipay.app", platform.merchant.key);
    const body = orderBody(payment, [
      { receiver: nobody, amount: 200 },
      { receiver: first, amount: 100 },
    ]);
    const { id } = await platform.post("/v1/sharing_orders", body);
    await platform.advance(10 * S);
    const order = await read({ id }, platform.merchant.key);
    expect(order).toMatchObject({ status: "partially_succeeded", amount: 100 });
    expect(order.receivers.find(({ receiver }: Json) => receiver === nobody)).toMatchObject({ status: "failed" });
  });

  test("it is not known whether a receiver was added: nothing is shared until it is", async () => {
    const account = `oUpF8uMuAJO_M2pxb1Q9zNjW${nextNumber("x").slice(-4).padStart(4, "0")}`;
    const receiver = await addReceiver(platform, { ...WECHAT_PERSON, account });
    const payment = await paid("wechat.native", platform.merchant.key);
    await platform.sandbox.fault("wechat", "receivers", "timeout_after");
    const body = orderBody(payment, [{ receiver, amount: 100 }]);
    const order = await platform.post("/v1/sharing_orders", body);
    expect(order).toMatchObject({ status: "processing", unknown_reason: "receiver_unknown" });
    expect(await shared(payment)).toBe(0);
    await wait();
    expect((await read(order, platform.merchant.key)).status).toBe("succeeded");
  });

  test("a receiver is disabled when nothing of it is under way, is taken away at the channel, and can come back", async () => {
    const account = "oUpF8uMuAJO_M2pxb1Q9zNjWbye0";
    const receiver = await addReceiver(platform, { ...WECHAT_PERSON, account });
    const payment = await paid("wechat.native", platform.merchant.key);
    await platform.sandbox.fault("wechat", "share", "payout_processing", { delay_ms: 60_000 });
    await platform.post("/v1/sharing_orders", orderBody(payment, [{ receiver, amount: 100 }]));
    const busy = await platform.call("POST", `/v1/receivers/${receiver}/disable`, {});
    expect(refusal(busy)).toEqual([409, "receiver.in_use"]);
    await platform.advance(120 * S);
    await platform.advance(120 * S);
    await platform.post(`/v1/receivers/${receiver}/disable`, {});
    await platform.settle();
    const gone = await platform.get(`/v1/receivers/${receiver}`);
    expect(gone).toMatchObject({ status: "disabled", channel_accounts: [{ status: "removed" }] });
    const body = orderBody(payment, [{ receiver, amount: 100 }]);
    expect(refusal(await platform.call("POST", "/v1/sharing_orders", body))).toEqual([409, "receiver.disabled"]);
    expect(await addReceiver(platform, { ...WECHAT_PERSON, account })).toBe(receiver);
    expect((await platform.post("/v1/sharing_orders", body)).receivers[0].status).not.toBe("failed");
    await platform.advance(20 * S);
  });

  test("more than the channel's own limit goes through what the operator says was agreed", async () => {
    const { db, clock } = platform.services;
    const [first] = await receiversOf("wechat", platform.direct.key);
    const payment = await paid("wechat.native", platform.direct.key);
    await saveAgreement(db, platform.direct.accounts.wechat, 500_000, clock.now());
    const body = orderBody(payment, [{ receiver: first, amount: 4_000 }]);
    const order = await platform.post("/v1/sharing_orders", body, { key: platform.direct.key });
    // The sandbox's merchant has no such agreement: the channel refuses, and says so.
    expect(order).toMatchObject({ status: "failed", receivers: [{ failure: { code: "RULE_LIMIT" } }] });
    await saveAgreement(db, platform.direct.accounts.wechat, 300_000, clock.now());
  });
});

describe("finishing", () => {
  test.each(["timeout_before", "timeout_after", "system_error"])(
    "is asked about after %s until it is done",
    async (fault) => {
      const payment = await paid("wechat.native", platform.merchant.key);
      await platform.sandbox.fault("wechat", "share", fault);
      const made = await platform.post(`/v1/payments/${payment.id}/finish_sharing`, {});
      expect(made).toMatchObject({ object: "sharing_release", status: "unknown" });
      await wait();
      const again = await platform.call("POST", `/v1/payments/${payment.id}/finish_sharing`, {});
      expect([again.status, again.body]).toMatchObject([200, { id: made.id, status: "succeeded" }]);
      expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ frozen: false });
    },
  );
});

test("names and accounts of receivers are shown masked only", async () => {
  const { data } = await platform.get("/v1/receivers?limit=100");
  const text = JSON.stringify(data);
  for (const { account, name } of [WECHAT_MERCHANT, { ...WECHAT_PERSON, name: undefined }, ALIPAY_LOGIN]) {
    expect(text).not.toContain(account);
    if (name) expect(text).not.toContain(name);
  }
  expect(publicId("channel_account", platform.merchant.accounts.wechat)).toMatch(/^ca_/);
});
