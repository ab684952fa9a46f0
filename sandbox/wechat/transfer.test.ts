/**
 * Guarantee: a transfer waits for its person for a day, ends once, and is told of; only one that nobody confirmed can be
 * taken back; its number repeats harmlessly. Held by an independent client (wechatpay-axios-plugin).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Rsa } from "wechatpay-axios-plugin";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import {
  makeCall,
  makeOrder,
  makeWechatMerchant,
  openNotice,
  type WechatMerchantUnderTest,
} from "../testing/wechat-client.ts";

const base = "/v3/fund-app/mch-transfer/transfer-bills";
const numbers = Array.from({ length: 100 }, (_, index) => `TRANSFER${String(index).padStart(6, "0")}`);

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: WechatMerchantUnderTest;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver();
  merchant = await makeWechatMerchant(sandbox);
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});
beforeEach(async () => {
  receiver.clear();
  await sandbox.control("/clock", { reset: true });
});

function makeTransfer(more: object = {}): Json {
  return {
    appid: merchant.appid,
    out_bill_no: numbers.shift(),
    transfer_scene_id: "1000",
    openid: "o-person",
    transfer_amount: 12_345,
    transfer_remark: "提现",
    notify_url: `${receiver.url}/t`,
    transfer_scene_report_infos: [{ info_type: "活动名称", info_content: "新会员有礼" }],
    ...more,
  };
}
const seal = (text: string) => {
  const serial = merchant.platform_serial_no as string;
  return [Rsa.encrypt(text, Rsa.from(merchant.certs[serial]!, "public")), { "Wechatpay-Serial": serial }] as const;
};
const stateOf = async (out_bill_no: string) => (await merchant.call("get", `${base}/out-bill-no/${out_bill_no}`)).data;

test("it waits for its person, who confirms, and the merchant is told", async () => {
  const body = makeTransfer();
  const placed = await merchant.call("post", base, body);
  expect(placed.data).toMatchObject({ state: "WAIT_USER_CONFIRM", package_info: expect.any(String) });
  const again = await merchant.call("post", base, body);
  expect(again.data).toEqual(placed.data);
  await sandbox.control("/transfers", { transfer: placed.data.package_info });
  const [message] = await receiver.until(1);
  const { event_type, content } = openNotice(merchant, message!);
  expect([event_type, content]).toEqual([
    "MCHTRANSFER.BILL.FINISHED",
    expect.objectContaining({ out_bill_no: body.out_bill_no, state: "SUCCESS", transfer_amount: 12_345 }),
  ]);
  const asked = await stateOf(body.out_bill_no);
  expect(asked).toMatchObject({ mch_id: merchant.mchid, state: "SUCCESS", openid: "o-person" });
  const other = await merchant.call("get", `${base}/transfer-bill-no/${asked.transfer_bill_no}`);
  expect(other.data).toEqual(asked);
  expect((await merchant.call("post", `${base}/out-bill-no/${body.out_bill_no}/cancel`)).data.code).toBe(
    "INVALID_REQUEST",
  );
  await expect(sandbox.control("/transfers", { transfer: body.out_bill_no })).rejects.toThrow("409");
});

test("nobody confirms within a day: it fails by itself", async () => {
  const { out_bill_no } = (await merchant.call("post", base, makeTransfer())).data;
  await sandbox.control("/clock", { advance: 86_399 });
  expect(receiver.received).toHaveLength(0);
  await sandbox.control("/clock", { advance: 2 });
  await receiver.until(1);
  await sandbox.control("/clock", { reset: true });
  expect(await stateOf(out_bill_no)).toMatchObject({ state: "FAIL", fail_reason: "OVERDUE_CLOSE" });
});

test("one that nobody confirmed is taken back, and stays so", async () => {
  const { out_bill_no } = (await merchant.call("post", base, makeTransfer())).data;
  const path = `${base}/out-bill-no/${out_bill_no}/cancel`;
  expect((await merchant.call("post", path)).data.state).toBe("CANCELING");
  await receiver.until(1);
  expect((await merchant.call("post", path)).data.state).toBe("CANCELLED");
  expect(await stateOf(out_bill_no)).toMatchObject({ state: "CANCELLED" });
  await expect(sandbox.control("/transfers", { transfer: out_bill_no })).rejects.toThrow("409");
});

test("faults fail it, keep it accepted, or find the balance empty", async () => {
  const fault = (name: string) => sandbox.control("/faults", { channel: "wechat", operation: "transfer", fault: name });
  await fault("payout_failed");
  const fails = (await merchant.call("post", base, makeTransfer())).data;
  expect(await stateOf(fails.out_bill_no)).toMatchObject({ state: "FAIL", fail_reason: "ACCOUNT_FROZEN" });
  await fault("payout_processing");
  const waits = (await merchant.call("post", base, makeTransfer())).data;
  expect(waits).toMatchObject({ state: "ACCEPTED" });
  expect(waits).not.toHaveProperty("package_info");
  await sandbox.control("/transfers", { transfer: waits.out_bill_no, outcome: "accept" });
  expect(await stateOf(waits.out_bill_no)).toMatchObject({ state: "WAIT_USER_CONFIRM" });
  await fault("not_enough");
  expect((await merchant.call("post", base, makeTransfer())).data.code).toBe("NOT_ENOUGH");
});

test("what is missing, strange or in clear is refused", async () => {
  const body = makeTransfer();
  await merchant.call("post", base, body);
  const provider = await makeWechatMerchant(sandbox, { mode: "partner" });
  const refusals = [
    await merchant.call("post", base, { ...body, transfer_amount: 1 }),
    await merchant.call("post", base, makeTransfer({ transfer_amount: 200_000 })),
    await merchant.call("post", base, makeTransfer({ user_name: "clear" }), seal("x")[1]),
    await merchant.call("post", base, makeTransfer({ transfer_scene_report_infos: [] })),
    await merchant.call("post", base, makeTransfer({ appid: provider.appid })),
    await merchant.call("post", base, makeTransfer({ out_bill_no: "with-dash" })),
    await provider.call("post", base, makeTransfer({ appid: provider.appid })),
    await merchant.call("get", `${base}/out-bill-no/NOBODYS`),
  ];
  expect(refusals.map(({ status, data }) => `${status} ${data.code}`)).toEqual([
    "400 INVALID_REQUEST",
    "400 PARAM_ERROR",
    "400 PARAM_ERROR",
    "400 PARAM_ERROR",
    "400 APPID_MCHID_NOT_MATCH",
    "400 PARAM_ERROR",
    "403 NO_AUTH",
    "404 NOT_FOUND",
  ]);
  const [user_name, headers] = seal("张三");
  const large = await merchant.call("post", base, makeTransfer({ transfer_amount: 200_000, user_name }), headers);
  expect(large.data.state).toBe("WAIT_USER_CONFIRM");
});

test("a person confirms it in the wallet, or leaves it waiting", async () => {
  const { out_bill_no, package_info } = (await merchant.call("post", base, makeTransfer())).data;
  const page = async (path: string, form?: Record<string, string>) => {
    const body = form && { method: "POST", body: new URLSearchParams(form).toString() };
    const response = await fetch(`${sandbox.url}${path}`, body);
    return [response.status, await response.text()] as const;
  };
  expect((await page("/wallet/transfers"))[1]).toContain(out_bill_no);
  const address = `/wallet/transfer?package=${package_info}`;
  expect((await page(address))[1]).toContain("¥123.45");
  await page("/wallet/transfer", { package: package_info, outcome: "leave" });
  expect(await stateOf(out_bill_no)).toMatchObject({ state: "WAIT_USER_CONFIRM" });
  expect((await page("/wallet/transfer", { package: package_info, outcome: "confirm" }))[1]).toContain(
    'data-result="ok"',
  );
  await receiver.until(1);
  expect(await stateOf(out_bill_no)).toMatchObject({ state: "SUCCESS" });
  expect((await page(address))[1]).toContain("已收款");
  expect((await page("/wallet/transfer", { package: package_info, outcome: "confirm" }))[0]).toBe(409);
  expect((await page("/wallet/transfer?package=nobodys"))[0]).toBe(404);
});

test("transfers, and sharings of held money, survive a restart: the expiry and the notice go on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-transfers-"));
  const dataFile = join(folder, "state.json");
  try {
    const before = await startTestSandbox({ dataFile });
    const kept = await makeWechatMerchant(before);
    const order = makeOrder(kept, "https://shop.example/n", { settle_info: { profit_sharing: true } });
    const placed = await kept.call("post", "/v3/pay/transactions/native", order);
    const { transaction_id } = await before.control("/pay", { code: placed.data.code_url, notify: false });
    await before.control("/clock", { advance: 61 });
    const release = { transaction_id, out_order_no: "KEPTRELEASE", description: "rest" };
    await kept.call("post", "/v3/profitsharing/orders/unfreeze", release);
    const body = makeTransfer({ appid: kept.appid });
    await kept.call("post", base, body);
    await before.close();

    const after = await startTestSandbox({ dataFile });
    const call = makeCall(after, kept, kept.certs);
    const path = "/v3/profitsharing/orders/KEPTRELEASE";
    expect((await call("get", path, { params: { transaction_id } })).data).toMatchObject({ state: "FINISHED" });
    expect((await call("post", base, body)).data).toMatchObject({ state: "WAIT_USER_CONFIRM" });
    await after.control("/clock", { advance: 86_500 });
    const [message] = await receiver.until(1);
    expect(openNotice(kept, message!).content).toMatchObject({ state: "FAIL", fail_reason: "OVERDUE_CLOSE" });
    await after.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
