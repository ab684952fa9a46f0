// Guarantee: the one cashier address takes a payer on any device the whole way over the real services and the channels'
// protocols: identified, sent to the wallet, paid, shown; and a payer who pays on two devices gets one payment back.
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeOf, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const agents = {
  pc: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
  phone: "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
  wechat: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.50",
  alipay: "Mozilla/5.0 (Linux; Android 15) Mobile AlipayClient/10.7.0",
};

/** A browser with one cookie jar that follows no redirect by itself. */
function openBrowser(device: keyof typeof agents) {
  let cookie = "";
  return async (url: string, options: RequestInit = {}) => {
    const response = await fetch(new URL(url, platform.public_url), {
      ...{ redirect: "manual", ...options },
      headers: { "user-agent": agents[device], cookie, ...options.headers },
    });
    const [set] = response.headers.getSetCookie();
    if (set) cookie = set.split(";", 1)[0]!;
    return { status: response.status, location: response.headers.get("location") ?? "", page: await response.text() };
  };
}

const create = (): Promise<Json> =>
  platform.post("/v1/payments", paymentBody("cashier", { notify_url: platform.receiver.url }));
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);
const statusOf = async (payment: Json) => (await fetch(`${payment.cashier_url}/status`)).json() as Promise<Json>;

/** Opens the cashier in WeChat as a scan does: through the login, back with a code, to the bridge. */
async function openInWechat(payment: Json): Promise<void> {
  const visit = openBrowser("wechat");
  const login = await visit(payment.cashier_url);
  expect(login.status).toBe(302);
  const back = await visit(login.location);
  expect(back.location.startsWith(payment.cashier_url)).toBe(true);
  const bridge = await visit(back.location);
  expect([bridge.status, bridge.location]).toEqual([
    303,
    new URL(`${payment.cashier_url}?pay=wechat`).href.replace(platform.public_url, ""),
  ]);
  expect((await visit(bridge.location)).status).toBe(200);
}

test("a PC shows one code; WeChat scans it, logs in, pays; the PC sees it", async () => {
  const payment = await create();
  const pc = openBrowser("pc");
  expect((await pc(payment.cashier_url)).page).toContain("<svg");
  const before = await statusOf(payment);
  expect(before.status).toBe("created");

  await openInWechat(payment);
  const started = await read(payment);
  expect(started).toMatchObject({ status: "processing", method: "wechat.jsapi", action: { type: "jsapi" } });
  await platform.sandbox.pay(codeOf(started));
  await platform.settle();
  expect(await statusOf(payment)).toMatchObject({ status: "succeeded" });
  expect((await statusOf(payment)).revision).not.toBe(before.revision);
  expect((await pc(payment.cashier_url)).page).toMatch(/支付成功|Paid/);
  expect(platform.receiver.about(payment.id).map(({ type }) => type)).toEqual(["payment.succeeded"]);
});

test("Alipay's browser is sent straight to its payment page", async () => {
  const payment = await create();
  const sent = await openBrowser("alipay")(payment.cashier_url);
  expect(sent.status).toBe(302);
  expect(sent.location.startsWith(`${platform.sandbox.url}/gateway.do?`)).toBe(true);
  await platform.sandbox.pay(sent.location);
  await platform.settle();
  expect(await read(payment)).toMatchObject({ status: "succeeded", method: "alipay.wap" });
});

test("elsewhere on a phone the payer chooses, from our own page only", async () => {
  const payment = await create();
  const phone = openBrowser("phone");
  const choose = (origin: string) =>
    phone(`${payment.cashier_url}/attempts`, {
      ...{ method: "POST", body: "method=wechat.h5" },
      headers: { "content-type": "application/x-www-form-urlencoded", origin },
    });
  expect((await choose("https://elsewhere.example")).status).toBe(403);
  expect((await read(payment)).status).toBe("created");
  const chosen = await choose(platform.public_url);
  expect(chosen.status).toBe(303);
  expect((await phone(chosen.location)).page).toContain("checkmweb");
  const started = await read(payment);
  expect(started.method).toBe("wechat.h5");
  await platform.sandbox.pay(codeOf(started));
  await platform.settle();
  expect((await read(payment)).status).toBe("succeeded");
});

test("paid on two devices: the second money goes back", async () => {
  const payment = await create();
  const sent = await openBrowser("alipay")(payment.cashier_url);
  platform.clock.advance(1);
  await openInWechat(payment);
  await platform.settle();
  await platform.sandbox.pay(codeOf(await read(payment)));
  await platform.sandbox.pay(sent.location);
  await platform.settle();
  expect(
    platform.receiver
      .about(payment.id)
      .map(({ type }) => type)
      .sort(),
  ).toEqual(["payment.duplicate_succeeded", "payment.succeeded"]);
  const { data: refunds } = await platform.get(`/v1/refunds?payment=${payment.id}`);
  expect(refunds).toMatchObject([{ automatic: true, status: "succeeded", amount: 1234 }]);
});

test("a login that did not start in this browser starts nothing", async () => {
  const payment = await create();
  const login = await openBrowser("wechat")(payment.cashier_url);
  const { location } = await openBrowser("wechat")(login.location);
  const stranger = await openBrowser("wechat")(location);
  expect(stranger.status).toBe(403);
  expect((await read(payment)).status).toBe("created");
});
