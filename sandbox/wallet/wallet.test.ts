/**
 * Guarantees the payer's side: wallet pages pay, fail and leave and go back to the merchant's page; WeChat's browser
 * stand-in checks the paySign; OAuth codes are good once; nothing scanned can plant markup.
 */
import { sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant } from "../testing/alipay-client.ts";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeOrder, makeWechatMerchant, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let wechat: WechatMerchantUnderTest;
let alipay: AlipayMerchantUnderTest;
const notify_url = "http://127.0.0.1:9/notice";

beforeAll(async () => {
  sandbox = await startTestSandbox();
  wechat = await makeWechatMerchant(sandbox, { name: "Tea & <Co>" });
  alipay = await makeAlipayMerchant(sandbox);
});
afterAll(() => sandbox.close());

const post = (path: string, form: Record<string, string>) =>
  fetch(`${sandbox.url}${path}`, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });
const show = async (path: string) => (await fetch(`${sandbox.url}${path}`)).text();
const state = async (number: string) => (await sandbox.control(`/trades/${number}`)).state;

/** Places a WeChat order of a kind and answers its number and the channel's answer. */
async function place(kind: string, more: object = {}): Promise<Json> {
  const order = makeOrder(wechat, notify_url, more);
  const { data } = await wechat.call("post", `/v3/pay/transactions/${kind}`, order);
  return { ...order, ...data };
}

describe("the wallet page", () => {
  it("lists open orders, shows a bill and pays it", async () => {
    const order = await place("native");
    expect(await show("/wallet")).toContain(order.out_trade_no);
    const scanned = await post("/wallet/scan", { code: order.code_url });
    expect(scanned.status).toBe(303);
    const page = await show(scanned.headers.get("location")!);
    expect(page).toContain("12.34");
    expect(page).toContain("Tea &amp; &lt;Co&gt;");
    expect(page).toContain("模拟");
    const paid = await post("/wallet/decide", { code: order.code_url, outcome: "success" });
    expect(await paid.text()).toContain("支付成功");
    expect(await state(order.out_trade_no)).toBe("SUCCESS");
    expect(await show("/wallet")).not.toContain(order.out_trade_no);
  });

  it.each(["fail", "leave"])("leaves the order open on %s", async (outcome) => {
    const order = await place("native");
    await post("/wallet/decide", { code: order.code_url, outcome });
    expect(await state(order.out_trade_no)).toBe("NOTPAY");
  });

  it("offers an ordinary link as a link, and says so when nothing is known", async () => {
    const link = await post("/wallet/scan", { code: 'https://shop.example/c/1?a="><script>x' });
    const page = await link.text();
    expect(page).toContain('href="https://shop.example/c/1?a=%22%3E%3Cscript%3Ex"');
    expect(page).not.toContain("<script>x");
    expect((await post("/wallet/scan", { code: "nothing" })).status).toBe(404);
  });

  it("never goes back to an address that is not http", async () => {
    const order = await place("native");
    const left = await post("/wallet/decide", { code: order.code_url, outcome: "leave", back: "javascript:alert(1)" });
    expect(left.headers.get("location")).toBeNull();
  });
});

describe("going back", () => {
  it("an h5 order leads to the wallet and from there to redirect_url", async () => {
    const order = await place("h5", { scene_info: { payer_client_ip: "10.0.0.1", h5_info: { type: "Wap" } } });
    const back = "https://shop.example/done?o=1";
    const page = await (await fetch(`${order.h5_url}&redirect_url=${encodeURIComponent(back)}`)).text();
    expect(page).toContain(`name="back" value="${back}"`);
    const paid = await post("/wallet/decide", { code: order.out_trade_no, outcome: "success", back });
    expect(paid.headers.get("location")).toBe(back);
  });

  it("an h5 link is good for five minutes and renewed by placing the order again", async () => {
    const order = await place("h5", { scene_info: { payer_client_ip: "10.0.0.1", h5_info: { type: "Wap" } } });
    await sandbox.control("/clock", { advance: 301 });
    await expect(sandbox.control("/pay", { code: order.h5_url })).rejects.toThrow(/409.*expired/);
    await sandbox.control("/clock", { reset: true });
  });

  it("an Alipay page order comes back with parameters that verify", async () => {
    const content = {
      out_trade_no: "PAGE1",
      total_amount: "1.00",
      subject: "Tea",
      product_code: "FAST_INSTANT_TRADE_PAY",
    };
    const url = alipay.sdk.pageExecute("alipay.trade.page.pay", "GET", {
      bizContent: content,
      returnUrl: "https://shop.example/done",
    });
    const wallet = (await fetch(url, { redirect: "manual" })).headers.get("location")!;
    const code = new URL(wallet).searchParams.get("code")!;
    const paid = await post("/wallet/decide", { code, outcome: "success" });
    const target = new URL(paid.headers.get("location")!);
    expect(target.origin + target.pathname).toBe("https://shop.example/done");
    const fields = Object.fromEntries(target.searchParams);
    expect(fields).toMatchObject({
      out_trade_no: "PAGE1",
      total_amount: "1.00",
      method: "alipay.trade.page.pay.return",
    });
    expect(alipay.sdk.checkNotifySignV2(fields)).toBe(true);
  });

  it("a tampered page order is refused with a page that says why", async () => {
    const url = alipay.sdk.pageExecute("alipay.trade.wap.pay", "GET", {
      bizContent: { out_trade_no: "WAP1", total_amount: "1.00", subject: "Tea", product_code: "QUICK_WAP_WAY" },
    });
    const refused = await fetch(url.replace("1.00", "0.01"));
    expect(await refused.text()).toContain("isv.invalid-signature");
    await expect(sandbox.control("/trades/WAP1")).rejects.toThrow(/404/);
  });
});

describe("the stand-in for WeChat's browser", () => {
  /** What a page hands to getBrandWCPayRequest, signed by the merchant. */
  function invocation(prepay_id: string, change: Record<string, string> = {}): Record<string, string> {
    const fields = { appId: wechat.appid, timeStamp: "1790000000", nonceStr: "n1", package: `prepay_id=${prepay_id}` };
    const text = `${fields.appId}\n${fields.timeStamp}\n${fields.nonceStr}\n${fields.package}\n`;
    const paySign = sign("sha256", Buffer.from(text), wechat.merchant_private_key_pem).toString("base64");
    return { ...fields, signType: "RSA", paySign, ...change };
  }
  const invoke = async (fields: Record<string, string>): Promise<Json> =>
    (await fetch(`${sandbox.url}/wechat/jsapi/invoke`, { method: "POST", body: JSON.stringify(fields) })).json();

  it("opens the wallet for a right paySign and refuses a wrong one", async () => {
    const order = await place("jsapi", { payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" } });
    const opened = await invoke(invocation(order.prepay_id));
    expect(opened.wallet_url).toBe(`${sandbox.url}/wallet/pay?code=${order.prepay_id}`);
    const refused = await invoke(invocation(order.prepay_id, { nonceStr: "n2" }));
    expect(refused).toMatchObject({
      err_msg: "get_brand_wcpay_request:fail",
      err_desc: expect.stringContaining("签名失败"),
    });
    expect((await invoke(invocation("wx0000"))).err_msg).toBe("get_brand_wcpay_request:fail");
  });

  it.each([
    ["success", "ok"],
    ["leave", "cancel"],
    ["fail", "fail"],
  ])("its sheet goes back on %s with the result in the address", async (outcome, result) => {
    const order = await place("jsapi", { payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" } });
    const back = "https://shop.example/cashier?x=1#top";
    const sheet = await show(`/wechat/jsapi/sheet?${new URLSearchParams({ ...invocation(order.prepay_id), back })}`);
    expect(sheet).toContain('name="sheet" value="1"');
    const clicked = await post("/wallet/decide", { code: order.prepay_id, outcome, back, sheet: "1" });
    expect(clicked.headers.get("location")).toBe(`https://shop.example/cashier?x=1#wxpay=${order.prepay_id}:${result}`);
  });
});

describe("WeChat OAuth", () => {
  const authorize = async (more: Record<string, string> = {}) => {
    const query = {
      appid: wechat.appid,
      redirect_uri: "https://shop.example/back",
      response_type: "code",
      scope: "snsapi_base",
      state: "s",
    };
    return fetch(`${sandbox.url}/connect/oauth2/authorize?${new URLSearchParams({ ...query, ...more })}`, {
      redirect: "manual",
    });
  };
  const codeOf = async (more: Record<string, string> = {}) =>
    new URL((await authorize(more)).headers.get("location")!).searchParams.get("code")!;
  const token = async (code: string, more: Record<string, string> = {}): Promise<Json> => {
    const query = { appid: wechat.appid, secret: wechat.app_secret, code, grant_type: "authorization_code" };
    return (await fetch(`${sandbox.url}/sns/oauth2/access_token?${new URLSearchParams({ ...query, ...more })}`)).json();
  };

  it("gives a code that is good once and a stable openid per payer", async () => {
    const code = await codeOf();
    const first = await token(code);
    expect(first.openid).toMatch(/^o[\w-]{27}$/);
    expect((await token(code)).errcode).toBe(40163);
    expect((await token(await codeOf())).openid).toBe(first.openid);
    expect((await token(await codeOf({ payer: "payer-2" }))).openid).not.toBe(first.openid);
  });

  it("gives a mini program's login code its own openid, once, for that program and secret only", async () => {
    const { mini_appid: appid, mini_app_secret } = wechat;
    const logIn = async () => (await sandbox.control("/login_codes", { channel: "wechat", appid })).code as string;
    const session = async (js_code: string, more: Record<string, string> = {}): Promise<Json> => {
      const query = { appid, secret: mini_app_secret, js_code, grant_type: "authorization_code", ...more };
      return (await fetch(`${sandbox.url}/sns/jscode2session?${new URLSearchParams(query)}`)).json();
    };
    const code = await logIn();
    const first = await session(code);
    expect(first).toEqual({ openid: expect.stringMatching(/^o[\w-]{27}$/), session_key: expect.any(String) });
    expect((await session(code)).errcode).toBe(40163);
    expect((await session(await codeOf())).errcode).toBe(40029);
    expect((await token(await logIn())).errcode).toBe(40029);
    expect((await session(await logIn(), { secret: wechat.app_secret })).errcode).toBe(40125);
    const late = await logIn();
    await sandbox.control("/clock", { advance: 301 });
    expect((await session(late)).errcode).toBe(40029);
    await sandbox.control("/clock", { reset: true });
    await expect(sandbox.control("/login_codes", { appid: wechat.appid })).rejects.toThrow("404");
  });

  it("refuses an old code, an unknown one, a wrong secret and a wrong appid", async () => {
    const code = await codeOf();
    await sandbox.control("/clock", { advance: 301 });
    expect((await token(code)).errcode).toBe(40029);
    await sandbox.control("/clock", { reset: true });
    expect((await token("nonsense")).errcode).toBe(40029);
    expect((await token(code, { secret: "x" })).errcode).toBe(40125);
    expect((await token(code, { appid: "wx0" })).errcode).toBe(40013);
    expect((await authorize({ appid: "wx0" })).status).toBe(400);
  });

  it("lets a person choose only when asked to", async () => {
    const page = await (await authorize({ ask: "1" })).text();
    expect(page).toContain("payer-2");
  });
});
