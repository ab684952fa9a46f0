/**
 * Guarantees, in a real browser against the whole platform and the sandbox's wallets: from any device the cashier's one
 * address ends in money that the channel confirmed and the books hold; what the channel leaves open is shown as open.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { expectTitle, payByChoice, payInAlipay, payInWechat, visit, watchUntilPaid } from "./cashier-flow.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let platform: Platform;

beforeAll(async () => {
  [browser, platform] = await Promise.all([launchChromium(), startPlatform()]);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await platform?.close();
});

async function createPayment(): Promise<{ id: string; cashier_url: string }> {
  const body = { amount: 26_800, currency: "CNY", subject: "手冲咖啡豆 500g", method: "cashier" };
  return platform.post("/v1/payments", { ...body, out_trade_no: nextNumber("cashier") });
}

/** Presses Pay on the wallet's page, then lets notices and workers do their part. */
async function payInWallet(page: Page): Promise<void> {
  await page.locator("button.primary").click();
  await page.waitForURL(`${platform.public_url}/c/**`);
  await platform.settle();
}

async function expectPaid(id: string, method: string): Promise<void> {
  const payment = await platform.get(`/v1/payments/${id}`);
  expect(payment).toMatchObject({ status: "succeeded", method, channel_trade_no: expect.any(String) });
}

describe("one address", () => {
  it("pays in WeChat, by its login and its bridge", async () => {
    const { id, cashier_url } = await createPayment();
    await payInWechat(browser, cashier_url, payInWallet);
    await expectPaid(id, "wechat.jsapi");
  });

  it("pays in Alipay", async () => {
    const { id, cashier_url } = await createPayment();
    await payInAlipay(browser, cashier_url, payInWallet);
    await expectPaid(id, "alipay.wap");
  });

  it.each([
    ["phone", "wechat.h5"],
    ["phone", "alipay.wap"],
    ["pc", "alipay.page"],
  ] as const)("pays on a %s by %s", async (device, method) => {
    const { id, cashier_url } = await createPayment();
    await payByChoice(browser, device, cashier_url, method, payInWallet);
    await expectPaid(id, method);
  });

  it("turns a PC's code to success when a phone that scanned it has paid", async () => {
    const { id, cashier_url } = await createPayment();
    await watchUntilPaid(browser, cashier_url, async () => {
      await payInWallet(await visit(browser, "wechat", cashier_url));
    });
    await expectPaid(id, "wechat.jsapi");
  });
});

describe("what does not end in money", () => {
  it("lets the payer try again after leaving WeChat's sheet", async () => {
    const { id, cashier_url } = await createPayment();
    await payInWechat(browser, cashier_url, async (page) => {
      await page.getByRole("button", { name: "放弃" }).click();
      await page.locator("[data-outcome]", { hasText: "支付已取消" }).waitFor();
      await page.getByRole("button", { name: "立即支付" }).click();
      await page.waitForURL(`${platform.sandbox.url}/**`);
      await payInWallet(page);
    });
    await expectPaid(id, "wechat.jsapi");
  });

  it("confirms while the channel's answer is not known", async () => {
    const { id, cashier_url } = await createPayment();
    await platform.sandbox.fault("wechat", "pay", "http_500", { times: 1 });
    const page = await visit(browser, "phone", cashier_url);
    await page.locator('button[value="wechat.h5"]').click();
    await expectTitle(page, "正在确认支付结果");
    expect(await platform.get(`/v1/payments/${id}`)).toMatchObject({ status: "processing" });
  });

  it("shows that the merchant closed the payment", async () => {
    const { id, cashier_url } = await createPayment();
    const page = await visit(browser, "pc", cashier_url);
    await expectTitle(page, "扫码支付");
    await platform.post(`/v1/payments/${id}/close`, {});
    await platform.settle();
    await expectTitle(page, "订单已关闭");
  });

  it("expires, for the payer and at the channel", async () => {
    const { id, cashier_url } = await createPayment();
    const page = await visit(browser, "pc", cashier_url);
    const { expires_at } = await platform.get(`/v1/payments/${id}`);
    await platform.advance(Date.parse(expires_at) - platform.clock.now() + 1000);
    await page.locator("#title", { hasText: /订单已(过期|关闭)/ }).waitFor();
    expect(await platform.get(`/v1/payments/${id}`)).toMatchObject({ status: "closed" });
  });
});
