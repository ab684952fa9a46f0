/**
 * Guarantees that the simulated Alipay transfers money to persons as its documents say: from applications with
 * certificates, once per number, told in GBK to the application's own gateway; judged by the official SDK with signature
 * validation on, and by bytes where the SDK reads no GBK.
 */
import { verify } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant } from "../testing/alipay-client.ts";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: AlipayMerchantUnderTest;
let last = 0;

beforeAll(async () => {
  const started_ms = Date.now();
  sandbox = await startTestSandbox({ now: () => started_ms });
  receiver = await startReceiver({ status: 200, body: "success" });
  merchant = await makeAlipayMerchant(sandbox, { mode: "certificate", app_gateway: `${receiver.url}/gateway` });
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  receiver.clear();
  receiver.reply = { status: 200, body: "success" };
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

const product = { product_code: "TRANS_ACCOUNT_NO_PWD", biz_scene: "DIRECT_TRANSFER" };
function order(more: object = {}): Json {
  last += 1;
  return {
    out_biz_no: `T${String(last).padStart(8, "0")}`,
    trans_amount: "12.34",
    ...product,
    order_title: "佣金",
    payee_info: { identity: "2088000000000044", identity_type: "ALIPAY_USER_ID" },
    ...more,
  };
}
const transfer = (body: Json): Promise<Json> => merchant.call("alipay.fund.trans.uni.transfer", body);
const query = ({ out_biz_no }: Json): Promise<Json> =>
  merchant.call("alipay.fund.trans.common.query", { out_biz_no, ...product });
const ask = (fault: string) => sandbox.control("/faults", { channel: "alipay", operation: "transfer", fault });

/** A form's values as bytes. */
function readBytes(body: string): Map<string, Buffer> {
  const decode = (text: string) =>
    Buffer.from(
      text.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
      "latin1",
    );
  return new Map(
    body.split("&").map((pair) => {
      const [name = "", value = ""] = pair.split("=");
      return [name, decode(value)];
    }),
  );
}

describe("a transfer", () => {
  it("succeeds at once, and the query says so", async () => {
    const body = order();
    const made = await transfer(body);
    expect(made).toMatchObject({ code: "10000", status: "SUCCESS", out_biz_no: body.out_biz_no });
    expect(made.trans_date).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(await query(body)).toMatchObject({ status: "SUCCESS", order_id: made.order_id, trans_amount: "12.34" });
  });

  it("is the same when it is asked for again, and refused when it says something else", async () => {
    const body = order();
    const { order_id } = await transfer(body);
    expect(await transfer(body)).toMatchObject({ order_id, status: "SUCCESS" });
    expect((await transfer({ ...body, trans_amount: "12.35" })).sub_code).toBe("PAYMENT_INFO_INCONSISTENCY");
  });

  it("that is under way ends as it must", async () => {
    const [good, bad] = [order(), order()];
    await ask("payout_processing");
    expect((await transfer(good)).status).toBe("DEALING");
    await ask("payout_failed");
    expect((await transfer(bad)).status).toBe("DEALING");
    await sandbox.control("/clock", { advance: 3_601 });
    expect((await query(good)).status).toBe("SUCCESS");
    expect(await query(bad)).toMatchObject({ status: "FAIL", error_code: "PAYEE_ACCOUNT_STATUS_ERROR" });
  });

  it.each([
    [{ trans_amount: "0.09" }, "EXCEED_LIMIT_SM_MIN_AMOUNT"],
    [{ trans_amount: "50000.00" }, "MEMO_REQUIRED_IN_TRANSFER_ERROR"],
    [{ trans_amount: "-1" }, "INVALID_PARAMETER"],
    [{ product_code: "STD_RED_PACKET" }, "INVALID_PARAMETER"],
    [{ order_title: undefined }, "INVALID_PARAMETER"],
    [{ payee_info: { identity: "2088000000000000", identity_type: "ALIPAY_USER_ID" } }, "PAYEE_NOT_EXIST"],
    [{ payee_info: { identity: "a@example.com", identity_type: "ALIPAY_LOGON_ID" } }, "INVALID_PARAMETER"],
    [{ payee_info: { identity: "1", identity_type: "BANKCARD" } }, "INVALID_PARAMETER"],
  ])("is refused: %o with %s, and is not there afterwards", async (change, sub_code) => {
    const body = order(change);
    expect((await transfer(body)).sub_code).toBe(sub_code);
    expect((await query({ out_biz_no: body.out_biz_no })).sub_code).toBe("ORDER_NOT_EXIST");
  });

  it("needs an application with certificates", async () => {
    const plain = await makeAlipayMerchant(sandbox);
    const answer = (await plain.sdk.exec("alipay.fund.trans.uni.transfer", { bizContent: order() })) as Json;
    expect(answer).toMatchObject({ code: "40006", sub_code: "isv.insufficient-isv-permissions" });
  });
});

describe("the message of a transfer", () => {
  it("comes to the application's gateway in GBK, signed over its bytes, until it is acknowledged", async () => {
    receiver.reply = { status: 200, body: "fail" };
    await ask("payout_failed");
    const body = order();
    await transfer(body);
    expect(receiver.received).toHaveLength(0);
    await sandbox.control("/clock", { advance: 3_601 });
    const [message] = await receiver.until(1);
    expect(message!.headers["content-type"]).toContain("GBK");
    const form = readBytes(message!.body);
    const { sign, sign_type: _, ...signed } = Object.fromEntries(form);
    const parts = Object.keys(signed)
      .sort()
      .flatMap((name, index) => [Buffer.from(`${index ? "&" : ""}${name}=`), signed[name]!]);
    const signature = Buffer.from(sign!.toString(), "base64");
    expect(verify("sha256", Buffer.concat(parts), merchant.alipay_public_key_pem, signature)).toBe(true);
    const content = JSON.parse(new TextDecoder("gbk").decode(form.get("biz_content")));
    expect(form.get("msg_method")?.toString()).toBe("alipay.fund.trans.order.changed");
    expect(content).toMatchObject({ out_biz_no: body.out_biz_no, status: "FAIL", fail_reason: "收款方账号异常" });
    receiver.reply = { status: 200, body: "success" };
    await sandbox.control("/clock", { advance: 240 });
    await receiver.until(2);
    await sandbox.control("/clock", { advance: 86_400 });
    expect(receiver.received).toHaveLength(2);
  });
});
