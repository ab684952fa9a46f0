/**
 * Guarantees: a payer is shown what their device can do and the payment's true state; an attempt starts only from our
 * own pages or a wallet's browser that left from us; nobody is sent to an address that the payment did not give.
 */
import { beforeEach, describe, expect, it } from "vitest";
import {
  cashierTestErrors,
  createInMemoryCashierService,
  type InMemoryCashierService,
} from "../../../../test/browser/cashier-service-in-memory.ts";
import { createManualClock } from "../../kit/clock.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createRateLimiter, limitByAddress } from "../../kit/http/rate-limit.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { createLogger } from "../../kit/log.ts";
import { createSeededRandom } from "../../kit/random.ts";
import { registerCashierRoutes } from "./routes.ts";

const agents = {
  pc: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15",
  wechat: "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50",
  alipay: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 AlipayClient/10.5.0",
  phone: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
};
type Agent = keyof typeof agents;

const public_url = "https://pay.example.com";
const jsbridge_url = "https://sandbox.example.com/wechat/jsbridge.js";
const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
let service: InMemoryCashierService;
let server: ApiServer;

beforeEach(async () => {
  service = createInMemoryCashierService(clock, "https://wallet.example.com");
  const log = createLogger("silent");
  server = await createHttpServer({ log, clock, random: createSeededRandom(1), base_url: public_url });
  registerCashierRoutes(server, { service, public_url: `${public_url}/`, clock, log, jsbridge_url });
});

function get(url: string, agent: Agent, headers: Record<string, string> = {}) {
  return server.inject({ method: "GET", url, headers: { "user-agent": agents[agent], ...headers } });
}

function post(
  token: string,
  method: string,
  agent: Agent,
  headers: Record<string, string> = { "sec-fetch-site": "same-origin" },
) {
  return server.inject({
    method: "POST",
    url: `/c/${token}/attempts`,
    headers: { "user-agent": agents[agent], "content-type": "application/x-www-form-urlencoded", ...headers },
    payload: `method=${method}`,
  });
}

const stateCookie = (header: unknown) => /cashier_state=(\w+)/.exec(String(header))?.[1];

describe("on a PC", () => {
  it("shows one code for both wallets, and what can be paid in this browser", async () => {
    const { token } = service.put();
    const page = await get(`/c/${token}`, "pc");
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain("打开微信或支付宝，扫一扫完成支付");
    expect(page.body).toContain('value="alipay.page"');
    expect(page.body).not.toContain('value="wechat.native"');
    expect(service.starts).toEqual([]);
  });

  it("shows a channel's own code when the address itself cannot be paid by that wallet", async () => {
    const { token } = service.put({ methods: ["wechat.native", "alipay.qr"] });
    const choices = await get(`/c/${token}`, "pc");
    expect(choices.body).toContain('value="wechat.native"');
    expect((await post(token, "wechat.native", "pc")).headers.location).toBe(`/c/${token}`);
    const page = await get(`/c/${token}`, "pc");
    expect(page.body).toContain("付款二维码，请用微信扫描");
    expect(page.body).toContain('value="alipay.qr"');
  });

  it("says that the payment is open on the phone that scanned", async () => {
    const { token } = service.put();
    await service.start(token, "alipay.wap", {}, public_url);
    expect((await get(`/c/${token}`, "pc")).body).toContain("已在支付宝中打开");
  });
});

describe("inside WeChat", () => {
  it("asks who the payer is, binds the answer to this browser, then opens the bridge", async () => {
    const { token } = service.put();
    const left = await get(`/c/${token}`, "wechat");
    const authorize = new URL(left.headers.location!);
    expect(left.statusCode).toBe(302);
    expect(authorize.searchParams.get("redirect_url")).toBe(`${public_url}/c/${token}`);
    const cookie = String(left.headers["set-cookie"]);
    expect(cookie).toMatch(/HttpOnly; SameSite=Lax; Secure$/);
    const state = stateCookie(cookie)!;
    expect(authorize.searchParams.get("state")).toBe(state);

    const back = await get(`/c/${token}?code=good-code&state=${state}`, "wechat", { cookie: `cashier_state=${state}` });
    expect(back.headers.location).toBe(`/c/${token}?pay=wechat`);
    expect(service.starts).toMatchObject([
      { method: "wechat.jsapi", payer: { openid: "o-payer-1" }, return_url: `${public_url}/c/${token}?view=1` },
    ]);
    const bridge = await get(`/c/${token}?pay=wechat`, "wechat");
    expect(bridge.body).toContain("prepay_id=1");
    expect(bridge.body).toContain(`src="${jsbridge_url}"`);
    expect(bridge.headers["content-security-policy"]).toContain("script-src 'self' https://sandbox.example.com");
  });

  it.each([
    ["no cookie", {}],
    ["another browser's state", { cookie: "cashier_state=0123456789abcdef0123456789abcdef" }],
  ])("starts nothing on a return with %s", async (_case, headers) => {
    const { token } = service.put();
    const state = stateCookie((await get(`/c/${token}`, "wechat")).headers["set-cookie"])!;
    const back = await get(`/c/${token}?code=good-code&state=${state}`, "wechat", headers);
    expect(back.statusCode).toBe(403);
    expect(back.body).toContain("未能确认您的身份");
    expect(service.starts).toEqual([]);
  });

  it("offers to begin again when WeChat does not confirm the code", async () => {
    const { token } = service.put();
    const state = "s".repeat(32);
    const back = await get(`/c/${token}?code=used&state=${state}`, "wechat", { cookie: `cashier_state=${state}` });
    expect(back.statusCode).toBe(403);
    expect(back.body).toContain(`href="/c/${token}"`);
    expect(service.starts).toEqual([]);
  });

  it("takes the stand-in for the bridge in test mode only", async () => {
    const { token } = service.put({ livemode: true });
    await service.start(token, "wechat.jsapi", {}, public_url);
    const bridge = await get(`/c/${token}?pay=wechat`, "wechat");
    expect(bridge.body).not.toContain("sandbox.example.com");
    expect(bridge.headers["content-security-policy"]).not.toContain("sandbox.example.com");
    expect(bridge.body).not.toContain("测试模式");
  });

  it("says what to do when the merchant does not take WeChat Pay", async () => {
    const { token } = service.put({ methods: ["alipay.wap"] });
    const page = await get(`/c/${token}`, "wechat");
    expect(page.body).toContain("请复制链接，在支付宝或手机浏览器中打开");
    expect(page.body).toContain(`${public_url}/c/${token}`);
  });
});

describe("inside Alipay", () => {
  it("goes to Alipay's page at once, and shows the state when it sends back", async () => {
    const { token } = service.put();
    const left = await get(`/c/${token}`, "alipay");
    expect(left.statusCode).toBe(302);
    expect(left.headers.location).toContain("https://wallet.example.com/pay?method=alipay.wap");
    const back = await get(`/c/${token}?view=1&out_trade_no=1&sign=x`, "alipay");
    expect(back.body).toContain("正在确认支付结果");
    expect(service.starts).toHaveLength(1);
  });
});

describe("on another phone", () => {
  it("lets the payer choose, and passes on through a page of ours", async () => {
    const { token } = service.put();
    const page = await get(`/c/${token}`, "phone");
    expect(page.body).toContain('value="wechat.h5"');
    expect(page.body).toContain('value="alipay.wap"');
    expect(page.body).not.toContain('value="alipay.page"');
    expect((await post(token, "wechat.h5", "phone")).headers.location).toBe(`/c/${token}/go`);
    const go = await get(`/c/${token}/go`, "phone");
    expect(go.body).toContain("正在前往微信支付");
    expect(go.body).toMatch(/<noscript><meta http-equiv="refresh" content="0; url=https:\/\/wallet\.example\.com\/pay/);
    expect(go.headers["referrer-policy"]).toBe("strict-origin-when-cross-origin");
  });

  it("never links to an address that is not of the web", async () => {
    const { token } = service.put({ return_url: "javascript:alert(1)", status: "succeeded" });
    expect((await get(`/c/${token}`, "phone")).body).not.toContain("javascript:");
    const other = service.put();
    service.next({ action: { type: "redirect", url: "javascript:alert(1)" } });
    await post(other.token, "wechat.h5", "phone");
    expect((await get(`/c/${other.token}/go`, "phone")).headers.location).toBe(`/c/${other.token}?view=1`);
  });
});

describe("when a start does not go well", () => {
  it("shows the channel's reason and the other ways", async () => {
    const { token } = service.put();
    service.next({ failure: { code: "RULE_LIMIT", message: "<b>交易被限制</b>" }, action: { type: "none" } });
    const page = await post(token, "alipay.wap", "phone");
    expect(page.statusCode).toBe(422);
    expect(page.body).toContain("&lt;b&gt;交易被限制&lt;/b&gt; <code>RULE_LIMIT</code>");
    expect(page.body).toContain('value="wechat.h5"');
  });

  it("confirms when the outcome is not known", async () => {
    const { token } = service.put();
    service.next({ action: { type: "none" } });
    expect((await post(token, "alipay.wap", "phone")).headers.location).toBe(`/c/${token}?view=1`);
    expect((await get(`/c/${token}?view=1`, "phone")).body).toContain("正在确认支付结果");
    service.next(cashierTestErrors["cashier_test.unknown"]());
    expect((await post(token, "alipay.wap", "phone")).headers.location).toBe(`/c/${token}?view=1`);
  });

  it("says that nothing happened when the channel is down, with the request's number", async () => {
    const { token } = service.put();
    service.next(cashierTestErrors["cashier_test.channel_down"]());
    const page = await post(token, "alipay.wap", "phone");
    expect(page.statusCode).toBe(503);
    expect(page.body).toContain("暂时无法发起支付");
    expect(page.body).toContain(String(page.headers["request-id"]));
  });

  it("shows an error page without the cause when something breaks", async () => {
    const { token } = service.put();
    service.next(new Error("select secret from table"));
    const page = await post(token, "alipay.wap", "phone");
    expect(page.statusCode).toBe(500);
    expect(page.body).toContain("页面出了点问题");
    expect(page.body).not.toContain("select");
  });
});

describe("whose POST is taken", () => {
  it.each([
    ["another site's form", { "sec-fetch-site": "cross-site" }],
    ["another origin", { origin: "https://evil.example" }],
    ["a hidden origin", { origin: "null" }],
    ["no origin at all", {}],
  ])("refuses %s", async (_case, headers) => {
    const { token } = service.put();
    const answer = await post(token, "alipay.wap", "phone", headers);
    expect(answer.statusCode).toBe(403);
    expect(answer.headers["content-type"]).toContain("text/html");
    expect(service.starts).toEqual([]);
  });

  it.each([
    ["our own page", { "sec-fetch-site": "same-origin" }],
    ["our public origin", { origin: public_url }],
    ["the host that was asked", { origin: "http://10.0.0.5:8080", host: "10.0.0.5:8080" }],
  ])("takes %s", async (_case, headers) => {
    const { token } = service.put();
    expect((await post(token, "alipay.wap", "phone", headers)).statusCode).toBe(303);
  });

  it("starts nothing by a method that the merchant does not offer, or after the end", async () => {
    const { token } = service.put({ methods: ["alipay.wap"] });
    expect((await post(token, "wechat.h5", "phone")).headers.location).toBe(`/c/${token}?view=1`);
    const closed = service.put({ status: "closed" });
    await post(closed.token, "alipay.wap", "phone");
    expect(service.starts).toEqual([]);
  });
});

describe("who asks without meaning to pay", () => {
  it("starts nothing for a HEAD request inside a wallet", async () => {
    const { token } = service.put();
    const headers = { "user-agent": agents.alipay };
    expect((await server.inject({ method: "HEAD", url: `/c/${token}`, headers })).statusCode).toBe(200);
    expect(service.starts).toEqual([]);
  });

  it("shows WeChat's parameters to WeChat's browser only", async () => {
    const { token } = service.put();
    await service.start(token, "wechat.jsapi", {}, public_url);
    expect((await get(`/c/${token}?pay=wechat`, "pc")).body).not.toContain("prepay_id");
  });

  it("tells a hurried address to wait, on a page of ours", async () => {
    const limited = await createHttpServer({
      ...{ log: createLogger("silent"), clock },
      ...{ random: createSeededRandom(1), base_url: public_url },
    });
    await limited.register(async (scope) => {
      scope.addHook("onRequest", limitByAddress(createRateLimiter(clock, { per_second: 1, burst: 1 })));
      registerCashierRoutes(scope, { service, public_url, clock, log: createLogger("silent") });
    });
    const { token } = service.put();
    expect((await limited.inject({ url: `/c/${token}` })).statusCode).toBe(200);
    const page = await limited.inject({ url: `/c/${token}` });
    expect(page.statusCode).toBe(429);
    expect(page.headers["retry-after"]).toBe("1");
    expect(page.body).toContain("访问过于频繁");
    const status = await limited.inject({ url: `/c/${token}/status` });
    expect(status.json().error.code).toBe("request.rate_limited");
  });
});

describe("the end of a payment", () => {
  it("leads back to the merchant with the payment's numbers", async () => {
    const { token } = service.put({ return_url: "https://shop.example.com/done?cart=7", status: "succeeded" });
    const page = await get(`/c/${token}`, "wechat");
    expect(page.body).toContain("支付成功");
    expect(page.body).toContain(
      'href="https://shop.example.com/done?cart=7&amp;payment=pay_TEST1&amp;out_trade_no=20261120001&amp;status=succeeded"',
    );
  });

  it.each([
    ["closed", "订单已关闭"],
    ["failed", "支付未成功"],
  ] as const)("shows %s", async (status, title) => {
    const { token } = service.put({ status });
    expect((await get(`/c/${token}`, "alipay")).body).toContain(title);
  });

  it("expires when nobody tried, and asks the channel when somebody did", async () => {
    const { token } = service.put({ expires_at: clock.now() });
    expect((await get(`/c/${token}`, "wechat")).body).toContain("订单已过期");
    const tried = service.put();
    await service.start(tried.token, "alipay.wap", {}, public_url);
    service.change(tried.token, { expires_at: clock.now() });
    const page = await get(`/c/${tried.token}`, "alipay");
    expect(page.body).toContain("正在确认支付结果");
    expect(service.starts).toHaveLength(1);
  });

  it("tells the status page by page: its revision changes with what is shown", async () => {
    const { token } = service.put();
    const status = async () => (await get(`/c/${token}/status`, "pc")).json();
    const first = await status();
    expect(first).toEqual(await status());
    await service.start(token, "alipay.wap", {}, public_url);
    const second = await status();
    service.succeed(token);
    const third = await status();
    expect(new Set([first.revision, second.revision, third.revision]).size).toBe(3);
    expect(third.status).toBe("succeeded");
    expect((await get("/c/nothing/status", "pc")).statusCode).toBe(404);
  });
});

describe("every page", () => {
  it("runs no inline script or style, is framed nowhere and kept nowhere", async () => {
    const { token } = service.put();
    const page = await get(`/c/${token}`, "pc");
    expect(page.headers["content-security-policy"]).toMatch(
      /default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/,
    );
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/);
  });

  it("escapes what the merchant wrote", async () => {
    const { token } = service.put({ subject: `"><script>alert(1)</script>`, merchant_name: "A & <i>B</i>" });
    const page = await get(`/c/${token}`, "pc");
    expect(page.body).not.toContain("<script>alert");
    expect(page.body).toContain("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page.body).not.toContain("<i>B");
  });

  it("speaks the browser's language, and the payer's choice from then on", async () => {
    const { token } = service.put();
    const english = await get(`/c/${token}`, "pc", { "accept-language": "en-GB,en;q=0.9,zh;q=0.5" });
    expect(english.body).toContain('<html lang="en">');
    expect(english.body).toContain("Scan to pay");
    const chosen = await get(`/c/${token}?lang=zh`, "pc", { "accept-language": "en" });
    expect(chosen.body).toContain('<html lang="zh-CN">');
    expect(String(chosen.headers["set-cookie"])).toContain("cashier_lang=zh");
    const later = await get(`/c/${token}`, "pc", { "accept-language": "en", cookie: "cashier_lang=zh" });
    expect(later.body).toContain("扫码支付");
  });

  it("is a clear 404 where there is no payment", async () => {
    for (const url of ["/c/nothing", "/c/no%20token", "/c/nothing/go", "/c/assets/cashier.0.js"]) {
      const page = await get(url, "pc");
      expect(page.statusCode).toBe(404);
      expect(page.body).toContain("找不到这笔支付");
    }
  });
});
