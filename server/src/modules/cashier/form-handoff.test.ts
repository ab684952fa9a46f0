/**
 * Guarantees: a payer whose channel wants a form is passed on by one that works without script, whose fields arrive as
 * they were signed and whose page lets a form go nowhere else; the channel's posted return shows the payment's true state.
 */
import { beforeEach, expect, it } from "vitest";
import {
  createInMemoryCashierService,
  type InMemoryCashierService,
} from "../../../../test/browser/cashier-service-in-memory.ts";
import { createManualClock } from "../../kit/clock.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { createLogger } from "../../kit/log.ts";
import { createSeededRandom } from "../../kit/random.ts";
import { registerCashierRoutes } from "./routes.ts";

const agents = {
  pc: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15",
  phone: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
  unionpay: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 (com.unionpay.chsp) (UnionPay/1.0 CloudPay)",
  wechat: "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50",
};

const public_url = "https://pay.example.com";
const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
let service: InMemoryCashierService;
let server: ApiServer;

beforeEach(async () => {
  service = createInMemoryCashierService(clock, "https://gateway.95516.com");
  const log = createLogger("silent");
  server = await createHttpServer({ log, clock, random: createSeededRandom(1), base_url: public_url });
  registerCashierRoutes(server, { service, public_url, clock, log });
});

function ask(url: string, agent: keyof typeof agents, form?: Record<string, string>, site = "same-origin") {
  return server.inject({
    method: form ? "POST" : "GET",
    url,
    headers: {
      "user-agent": agents[agent],
      "sec-fetch-site": site,
      ...(form && { "content-type": "application/x-www-form-urlencoded" }),
    },
    ...(form && { payload: new URLSearchParams(form).toString() }),
  });
}

it.each(["pc", "phone"] as const)("passes a payer on a %s on by a form, signed fields untouched", async (agent) => {
  const { token } = service.put({ methods: ["unionpay.web"] });
  expect((await ask(`/c/${token}`, agent)).body).toContain('value="unionpay.web"');
  const chosen = await ask(`/c/${token}/attempts`, agent, { method: "unionpay.web" });
  expect([chosen.statusCode, chosen.headers.location]).toEqual([303, `/c/${token}/go`]);
  const page = await ask(`/c/${token}/go`, agent);
  expect(page.body).toContain('<form method="post" action="https://gateway.95516.com/gateway/api/frontTransReq.do"');
  expect(page.body).toContain('<input type="hidden" name="signature" value="a+b/c==">');
  expect(page.body).toContain('value="&quot;&gt;&lt;script&gt;"');
  expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)|http-equiv="refresh"/);
});

it("lets the form go to the channel's hosts only", async () => {
  const { token } = service.put({ methods: ["unionpay.web"] });
  await ask(`/c/${token}/attempts`, "pc", { method: "unionpay.web" });
  const policy = (url: string) => ask(url, "pc").then(({ headers }) => String(headers["content-security-policy"]));
  expect(await policy(`/c/${token}/go`)).toContain(
    "form-action 'self' https://gateway.95516.com https://*.95516.com; base-uri",
  );
  expect(await policy(`/c/${token}?view=1`)).toContain("form-action 'self'; base-uri");
});

it("offers the form nowhere inside another wallet", async () => {
  const { token } = service.put({ methods: ["unionpay.web"] });
  const page = await ask(`/c/${token}`, "wechat");
  expect(page.body).not.toContain('value="unionpay.web"');
  expect(page.body).toContain("请复制链接，在手机浏览器中打开");
});

it("shows UnionPay's own code on a PC", async () => {
  const { token } = service.put({ methods: ["unionpay.qr"] });
  expect((await ask(`/c/${token}`, "pc")).body).toContain("用云闪付扫码");
});

it("asks UnionPay's app who the payer is, and starts at once", async () => {
  const { token } = service.put({ methods: ["wechat.jsapi", "unionpay.web", "unionpay.jsapi"] });
  const left = await ask(`/c/${token}`, "unionpay");
  expect([left.statusCode, left.headers.location]).toEqual([302, expect.stringContaining("/oauth?")]);
  expect(service.starts).toEqual([]);
});

it("does not ask UnionPay's app again when it came back without a code", async () => {
  const { token } = service.put({ methods: ["unionpay.jsapi"] });
  const back = await ask(`/c/${token}?state=s&respCode=34`, "unionpay");
  expect(back.statusCode).toBe(403);
  expect(back.body).toContain("未能确认您的身份");
});

it("offers the page inside UnionPay's app where it cannot ask, and the app elsewhere", async () => {
  const page = service.put({ methods: ["unionpay.web", "wechat.h5"] });
  const inApp = (await ask(`/c/${page.token}`, "unionpay")).body;
  expect(inApp).toContain('value="unionpay.web"');
  expect(inApp).not.toContain("wechat.h5");
  const app = service.put({ methods: ["unionpay.jsapi"] });
  expect((await ask(`/c/${app.token}`, "phone")).body).toContain("请复制链接，在云闪付中打开");
  expect((await ask(`/c/${app.token}`, "pc")).body).toContain("云闪付");
});

it("takes the return that the channel posts for what it is: a payer who looks", async () => {
  const { token } = service.put({ methods: ["unionpay.web"] });
  await ask(`/c/${token}/attempts`, "pc", { method: "unionpay.web" });
  const result = { respCode: "00", signPubKeyCert: "x".repeat(3_000), signature: "forged" };
  const back = await ask(`/c/${token}?view=1`, "pc", result, "cross-site");
  expect([back.statusCode, back.headers.location]).toEqual([303, `/c/${token}?view=1`]);
  expect((await ask(`/c/${token}?view=1`, "pc")).body).toContain("正在确认支付结果");
  expect((await ask(`/c/${token}?view=1`, "pc", { respCode: "x".repeat(20_000) }, "cross-site")).statusCode).toBe(413);
  expect(service.starts).toHaveLength(1);
});
