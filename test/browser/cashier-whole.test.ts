// The cashier with nothing simulated but the channels: real server, real database, the sandbox's protocols, a real
// browser. One address pays in every place, and the PC's page turns to success while the phone pays.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { expectTitle, payInAlipay, payInWechat, visit, watchUntilPaid } from "./cashier-flow.ts";
import { launchChromium } from "./chromium.ts";

let platform: Platform;
let browser: Browser;
let count = 0;

beforeAll(async () => {
  [platform, browser] = await Promise.all([startPlatform(), launchChromium()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await platform?.close();
});

async function createPayment(more: object = {}) {
  count += 1;
  const body = { out_trade_no: `cashier-${count}`, amount: 12_800, currency: "CNY", subject: "手冲咖啡", ...more };
  return platform.post("/v1/payments", body);
}

/** The payer taps on the simulated wallet's page; the cashier's policy lets no sheet be framed, so WeChat's is a page too. */
async function tapPay(page: Page): Promise<void> {
  await page.getByRole("button", { name: "付款" }).click();
}

async function expectPaid(id: string, method: string): Promise<void> {
  await platform.settle();
  const payment = await platform.get(`/v1/payments/${id}`);
  expect(payment).toMatchObject({ status: "succeeded", method, channel_trade_no: expect.any(String) });
  expect(await platform.findFaults()).toEqual([]);
}

describe("one address", () => {
  test("shows a code on a PC, is paid in WeChat after its login, and turns the PC's page to success", async () => {
    const payment = await createPayment();
    await watchUntilPaid(browser, payment.cashier_url, async () => {
      await payInWechat(browser, payment.cashier_url, tapPay);
    });
    await expectPaid(payment.id, "wechat.jsapi");
  });

  test("is paid in Alipay's browser", async () => {
    const payment = await createPayment();
    await payInAlipay(browser, payment.cashier_url, tapPay);
    await expectPaid(payment.id, "alipay.wap");
  });

  test("lets a payer in another browser of a phone choose WeChat", async () => {
    const payment = await createPayment();
    const page = await visit(browser, "phone", payment.cashier_url);
    await page.getByRole("button", { name: "微信支付" }).click();
    await tapPay(page);
    await expectTitle(page, "支付成功");
    await expectPaid(payment.id, "wechat.h5");
  });

  test("is paid on a PC by Alipay's own page, and goes back to the merchant with the result", async () => {
    const return_url = `${platform.public_url}/healthz`;
    const payment = await createPayment({ return_url });
    const page = await visit(browser, "pc", payment.cashier_url);
    await page.getByRole("button", { name: "登录支付宝付款" }).click();
    await tapPay(page);
    await page.waitForURL(/\/healthz\?/);
    const query = new URL(page.url()).searchParams;
    expect(query.get("payment")).toBe(payment.id);
    expect(query.get("out_trade_no")).toBe(payment.out_trade_no);
    await expectPaid(payment.id, "alipay.page");
  });

  test("says that a closed payment is closed, and offers nothing", async () => {
    const payment = await createPayment();
    await platform.post(`/v1/payments/${payment.id}/close`, {});
    const page = await visit(browser, "phone", payment.cashier_url);
    await expectTitle(page, "订单已关闭");
    expect(await page.getByRole("button").count()).toBe(0);
  });
});
