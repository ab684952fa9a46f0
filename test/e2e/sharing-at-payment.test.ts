// Guarantee: a payment shares itself when it is paid, as asked at its creation or by rule, once; whatever is wrong with the
// sharing, the payment has succeeded, the order says why, and it can be tried again.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import type { AdministrationServices } from "../../server/src/main/commands/administration.ts";
import { sharingCommand } from "../../server/src/main/commands/sharing.ts";
import { createSecondApp } from "../platform/merchants.ts";
import { nextNumber, paymentBody, type TestMethod } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import { addMerchant, addReceiver, balanceOf, pay, WECHAT_MERCHANT, WECHAT_PERSON } from "../platform/sharing.ts";
import { addUnionpay } from "../platform/unionpay.ts";

let platform: Platform;
let second: Awaited<ReturnType<typeof addMerchant>>;
let company: string;

beforeAll(async () => {
  platform = await startPlatform();
  second = await addMerchant(platform);
  company = await addReceiver(platform, WECHAT_MERCHANT);
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const S = 1_000;
const orderOf = async (payment: Json) => (await platform.get(`/v1/sharing_orders?payment=${payment.id}`)).data[0];
const refusal = ({ status, body }: Json) => [status, body.error?.code];

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(action: string, options: Record<string, unknown>, ...args: string[]): Promise<Json> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const { services } = platform;
    const given = { ...services, mode: "production", getChannel: services.payment.getChannel };
    const command = sharingCommand((use) => use(given as unknown as AdministrationServices));
    await command.run([action, ...args], { merchant: publicId("merchant", platform.merchant.merchant_id), ...options });
    return JSON.parse(String(write.mock.calls.at(-1)![0]));
  } finally {
    write.mockRestore();
  }
}

describe("a payment that says how it is shared", () => {
  test("is shared when it is paid: within the books at once, and the channel holds nothing back", async () => {
    const before = (await balanceOf(platform, second.merchant.key))?.pending ?? 0;
    const sharing = { receivers: [{ receiver: second.receiver, ratio_ppm: 200_000, description: "供货款" }] };
    const payment = await pay(platform, "wechat.native", { sharing });
    expect(await orderOf(payment)).toMatchObject({
      ...{ status: "succeeded", automatic: true, out_sharing_no: null, amount: 2_000 },
      receivers: [{ receiver: second.receiver, description: "供货款" }],
    });
    expect((await balanceOf(platform, second.merchant.key)).pending).toBe(before + 2_000);
    expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ frozen: false });
    expect(payment.amount_shared).toBe(2_000);
  });

  test("is shared by the channel after its delay, mixed with the books, and the rest is released", async () => {
    const receivers = [
      { receiver: company, ratio_ppm: 100_000 },
      { receiver: second.receiver, amount: 300 },
    ];
    const payment = await pay(platform, "wechat.native", { sharing: { receivers } });
    expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ frozen: true, shared: 0 });
    expect(await orderOf(payment)).toMatchObject({ status: "processing", amount: 1_300 });
    for (let turn = 0; turn < 4; turn += 1) await platform.advance(40 * S);
    expect(await orderOf(payment)).toMatchObject({ status: "succeeded", amount: 1_300 });
    expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ frozen: false, shared: 1_000 });
  });

  test("that came through a channel which shares nothing is shared within the books, and cannot be otherwise", async () => {
    await addUnionpay(platform);
    const share = (receiver: string) => ({ sharing: { receivers: [{ receiver, amount: 500 }] } });
    const method = "unionpay.qr" as TestMethod;
    const payment = await pay(platform, method, share(second.receiver));
    expect(await orderOf(payment)).toMatchObject({ status: "succeeded", channel: "unionpay", amount: 500 });
    const other = await pay(platform, method, share(company));
    expect(await orderOf(other)).toMatchObject({ status: "failed", failure: { code: "sharing.channel_cannot" } });
  });

  test("is refused at its creation for what is wrong already", async () => {
    const body = (sharing: object) => paymentBody("wechat.native", { amount: 10_000, sharing });
    const twice = [
      { receiver: company, amount: 1 },
      { receiver: company, amount: 2 },
    ];
    const create = (sharing: object) => platform.call("POST", "/v1/payments", body(sharing));
    expect(refusal(await create({ receivers: twice }))).toEqual([400, "sharing.receiver_twice"]);
    expect(refusal(await create({ group: "rg_none" }))).toEqual([404, "receiver_group.not_found"]);
    expect(refusal(await create({ receivers: [{ receiver: company }] }))).toEqual([400, "sharing.shares_invalid"]);
  });

  test("succeeds although its sharing cannot; the order says why, and is tried again once mended", async () => {
    const person = await addReceiver(platform, WECHAT_PERSON);
    const sharing = { receivers: [{ receiver: person, amount: 1_000 }], release: false };
    const created = await platform.post("/v1/payments", paymentBody("wechat.native", { amount: 10_000, sharing }));
    await platform.post(`/v1/receivers/${person}/disable`, {});
    await platform.sandbox.pay(created.action.qr_code);
    await platform.settle();
    const payment = await platform.get(`/v1/payments/${created.id}`);
    expect(payment).toMatchObject({ status: "succeeded", amount_shared: 0 });
    const order = await orderOf(payment);
    expect(order).toMatchObject({ status: "failed", receivers: [], failure: { code: "receiver.disabled" } });
    await addReceiver(platform, WECHAT_PERSON);
    await platform.post(`/v1/sharing_orders/${order.id}/retry`, {});
    for (let turn = 0; turn < 3; turn += 1) await platform.advance(40 * S);
    expect(await orderOf(payment)).toMatchObject({ id: order.id, status: "succeeded", amount: 1_000 });
  });

  test("asked for again is the same payment, although a receiver was disabled since", async () => {
    const person = await addReceiver(platform, { ...WECHAT_PERSON, account: "oUpF8uMuAJO_M2pxb1Q9zNjWgone" });
    const body = paymentBody("wechat.native", { sharing: { receivers: [{ receiver: person, amount: 1 }] } });
    const made = await platform.post("/v1/payments", body);
    await platform.post(`/v1/receivers/${person}/disable`, {});
    const again = await platform.call("POST", "/v1/payments", body);
    expect([again.status, again.body.id]).toEqual([200, made.id]);
    const other = { ...body, out_trade_no: nextNumber() };
    expect(refusal(await platform.call("POST", "/v1/payments", other))).toEqual([409, "receiver.disabled"]);
  });

  test("a payment whose ratio gives nobody a minor unit shares nothing", async () => {
    const sharing = { receivers: [{ receiver: second.receiver, ratio_ppm: 1 }] };
    const payment = await pay(platform, "wechat.native", { sharing });
    expect(await orderOf(payment)).toMatchObject({ status: "failed", failure: { code: "sharing.shares_invalid" } });
  });
});

describe("a rule", () => {
  test("shares every payment of the merchant, an app's own rule its payments, and what the payment says goes first", async () => {
    const group = async (ratio_ppm: number) =>
      (
        await platform.post("/v1/receiver_groups", {
          ...{ name: nextNumber("group"), members: [{ receiver: second.receiver, ratio_ppm }] },
        })
      ).id;
    const app = await createSecondApp(platform.services, platform.merchant.merchant_id);
    expect(await run("set-rule", { group: await group(100_000) })).toMatchObject({ app: null, hold: false });
    await run("set-rule", { group: await group(50_000), app: app.id });
    expect(await run("rules", {})).toHaveLength(2);
    platform.clock.advance(2 * S);
    expect((await pay(platform)).amount_shared).toBe(1_000);
    expect((await pay(platform, "wechat.native", {}, app.key)).amount_shared).toBe(500);
    const own = { sharing: { receivers: [{ receiver: second.receiver, amount: 7 }] } };
    expect((await pay(platform, "wechat.native", own)).amount_shared).toBe(7);
    await run("remove-rule", { app: app.id });
    await run("remove-rule", {});
    platform.clock.advance(2 * S);
    expect((await pay(platform)).amount_shared).toBe(0);
    expect(await run("rules", {})).toEqual([]);
  });

  test("says what refunds of shared payments do", async () => {
    expect(await run("set-policy", { policy: "refuse" })).toMatchObject({ refund_policy: "refuse" });
    const sharing = { receivers: [{ receiver: second.receiver, ratio_ppm: 900_000 }] };
    const payment = await pay(platform, "wechat.native", { sharing });
    const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 5_000 };
    expect(refusal(await platform.call("POST", "/v1/refunds", body))).toEqual([409, "refund.shared_money"]);
    await run("set-policy", { policy: "return" });
    await expect(run("set-policy", { policy: "maybe" })).rejects.toThrow("choose one of return, refuse, merchant");
  });
});

test("the command line makes, lists and disables receivers, and remembers what a channel has agreed to", async () => {
  const made = await run("add-receiver", {
    channel: "wechat",
    kind: "merchant_no",
    account: "1900000999",
    name: "甲公司",
  });
  expect(made).toMatchObject({ account: "190***999", name: "***司", status: "active" });
  expect((await run("receivers", {})).map(({ id }: Json) => id)).toContain(made.id);
  expect(await run("disable-receiver", {}, made.id)).toMatchObject({ status: "disabled" });
  const account = publicId("channel_account", platform.merchant.accounts.wechat);
  expect(await run("agree", { "channel-account": account, channelAccount: account, max: "12.5%" })).toMatchObject({
    share_ppm_max: 125_000,
  });
  await expect(run("agree", { channelAccount: account, max: "101%" })).rejects.toThrow("--max");
});
