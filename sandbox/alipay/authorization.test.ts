/**
 * Guarantees that a third-party application acts in the simulated Alipay only for merchants that let it, while they let
 * it, and only over their own trades; judged by the official SDK with signature validation on.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant, openNotice } from "../testing/alipay-client.ts";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let provider: AlipayMerchantUnderTest;
let merchant: AlipayMerchantUnderTest;
let last = 0;

beforeAll(async () => {
  const started_ms = Date.now();
  sandbox = await startTestSandbox({ now: () => started_ms });
  receiver = await startReceiver({ status: 200, body: "success" });
  provider = await makeAlipayMerchant(sandbox, { mode: "certificate", third_party: true });
  merchant = await makeAlipayMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/clock", { reset: true });
  receiver.clear();
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

/** The merchant opens the provider's page and agrees; the provider gets a code. */
async function authorize(app_id = merchant.app_id): Promise<string> {
  const query = new URLSearchParams({
    app_id: provider.app_id,
    redirect_uri: "https://provider.example/back?x=1",
    state: "s1",
    merchant: app_id,
  });
  const response = await fetch(`${sandbox.url}/oauth2/appToAppAuth.htm?${query}`, { redirect: "manual" });
  const target = new URL(response.headers.get("location")!);
  expect([target.searchParams.get("state"), target.searchParams.get("app_id")]).toEqual(["s1", provider.app_id]);
  return target.searchParams.get("app_auth_code")!;
}

const exchange = (content: object): Promise<Json> => provider.call("alipay.open.auth.token.app", content);
const exchangeCode = async () => exchange({ grant_type: "authorization_code", code: await authorize() });
const acting = (token: string, method: string, content: object, more: object = {}): Promise<Json> =>
  provider.call(method, content, { ...more, app_auth_token: token });

function order(): Json {
  last += 1;
  return { out_trade_no: `I${String(last).padStart(8, "0")}`, total_amount: "12.34", subject: "Tea" };
}

describe("the token", () => {
  it("comes for a code once, and names the merchant", async () => {
    const code = await authorize();
    const granted = await exchange({ grant_type: "authorization_code", code });
    expect(granted).toMatchObject({
      code: "10000",
      auth_app_id: merchant.app_id,
      user_id: merchant.seller_id,
      app_auth_token: expect.stringMatching(/^\d{6}BB\w+$/),
    });
    expect(granted.tokens[0].app_auth_token).toBe(granted.app_auth_token);
    // A gateway refusal carries no signature, which the SDK's own check cannot read.
    await expect(exchange({ grant_type: "authorization_code", code })).rejects.toThrow();
    const asked = await provider.call("alipay.open.auth.token.app.query", { app_auth_token: granted.app_auth_token });
    expect(asked).toMatchObject({ status: "valid", auth_app_id: merchant.app_id, user_id: merchant.seller_id });
  });

  it("is refreshed once; the old one goes on for ten minutes, and none for longer than a year", async () => {
    const first = await exchangeCode();
    const second = await exchange({ grant_type: "refresh_token", refresh_token: first.app_refresh_token });
    expect(second.app_auth_token).not.toBe(first.app_auth_token);
    const again = exchange({ grant_type: "refresh_token", refresh_token: first.app_refresh_token });
    await expect(again).rejects.toThrow();
    const ask = (token: string) => acting(token, "alipay.trade.query", { out_trade_no: "NOSUCH" });
    expect((await ask(first.app_auth_token)).sub_code).toBe("ACQ.TRADE_NOT_EXIST");
    await sandbox.control("/clock", { advance: 601 });
    expect((await ask(first.app_auth_token)).sub_code).toBe("aop.app-auth-token-time-out");
    expect((await ask(second.app_auth_token)).sub_code).toBe("ACQ.TRADE_NOT_EXIST");
    await sandbox.control("/clock", { advance: 31_536_000 });
    expect((await ask(second.app_auth_token)).sub_code).toBe("aop.app-auth-token-time-out");
  });

  it("dies when the merchant takes it back, and works for no other application", async () => {
    const { app_auth_token } = await exchangeCode();
    const content = { out_trade_no: "NOSUCH" };
    const stranger = await makeAlipayMerchant(sandbox, { third_party: true });
    expect(await stranger.call("alipay.trade.query", content, { app_auth_token })).toMatchObject({
      code: "20001",
      sub_code: "aop.invalid-app-auth-token",
    });
    await sandbox.control("/merchants", { channel: "alipay", app_id: merchant.app_id, revokes: provider.app_id });
    expect(await acting(app_auth_token, "alipay.trade.query", content)).toMatchObject({
      code: "20001",
      sub_code: "aop.invalid-app-auth-token",
    });
  });

  it("is not given by a stranger's page, nor to an application that is no third-party one", async () => {
    const query = new URLSearchParams({ app_id: merchant.app_id, redirect_uri: "https://x.example", merchant: "1" });
    expect((await fetch(`${sandbox.url}/oauth2/appToAppAuth.htm?${query}`)).status).toBe(400);
    const own = { grant_type: "authorization_code", code: await authorize() };
    expect((await merchant.call("alipay.open.auth.token.app", own)).sub_code).toBe("isv.insufficient-isv-permissions");
  });
});

describe("acting for a merchant", () => {
  it("needs a token, but for what is the provider's own", async () => {
    // Refused by the gateway, unsigned.
    await expect(provider.call("alipay.trade.query", { out_trade_no: "NOSUCH" })).rejects.toThrow();
    const plain = (await provider.sdk.exec("alipay.trade.query", { bizContent: { out_trade_no: "NOSUCH" } })) as Json;
    expect(plain).toMatchObject({ code: "40006", sub_code: "isv.self-invoke-forbidden" });
  });

  it("orders under the merchant's name, and Alipay tells the provider, in its keys, whose trade it is", async () => {
    const { app_auth_token } = await exchangeCode();
    const body = order();
    const more = { notifyUrl: `${receiver.url}/notice` };
    const placed = await acting(app_auth_token, "alipay.trade.precreate", body, more);
    await sandbox.control("/pay", { code: placed.qr_code });
    expect(openNotice(provider, (await receiver.until(1))[0]!)).toMatchObject({
      app_id: provider.app_id,
      auth_app_id: merchant.app_id,
      seller_id: merchant.seller_id,
      out_trade_no: body.out_trade_no,
    });
    const number = { out_trade_no: body.out_trade_no };
    expect((await acting(app_auth_token, "alipay.trade.query", number)).trade_status).toBe("TRADE_SUCCESS");
    // It is the merchant's own trade, and nobody else's.
    expect((await merchant.call("alipay.trade.query", number)).trade_status).toBe("TRADE_SUCCESS");
    const other = await makeAlipayMerchant(sandbox, { authorizes: provider.app_id });
    const otherToken = other.app_auth_token as string;
    expect((await acting(otherToken, "alipay.trade.query", number)).sub_code).toBe("ACQ.TRADE_NOT_EXIST");
    expect((await acting(otherToken, "alipay.trade.precreate", body)).code).toBe("10000");
  });

  it("lets a browser open a page that was signed with the token, and no page without it", async () => {
    const { app_auth_token } = await exchangeCode();
    const bizContent = { ...order(), product_code: "FAST_INSTANT_TRADE_PAY" };
    const open = async (more: object) => {
      const url = provider.sdk.pageExecute("alipay.trade.page.pay", "GET", { bizContent, ...more });
      return (await fetch(url, { redirect: "manual" })).headers.get("location")!;
    };
    expect(await open({ app_auth_token })).toContain("/wallet/pay?code=");
    expect(await open({})).toContain("isv.self-invoke-forbidden");
  });
});
