/**
 * Guarantees, in a real browser against the whole platform and the sandbox's UnionPay: the cashier hands a payer over by
 * a form that the browser lets through, with script and without, and the way back that UnionPay posts ends in success.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { addUnionpay } from "../platform/unionpay.ts";
import { expectTitle, findFaintTexts, payByChoice, visit, watchUntilPaid } from "./cashier-flow.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let platform: Platform;

beforeAll(async () => {
  [browser, platform] = await Promise.all([launchChromium(), startPlatform()]);
  await addUnionpay(platform);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await platform?.close();
});

async function createPayment(method = "cashier"): Promise<{ id: string; cashier_url: string }> {
  const body = { amount: 26_800, currency: "CNY", subject: "手冲咖啡豆 500g", method };
  return platform.post("/v1/payments", { ...body, out_trade_no: nextNumber("cashier") });
}

/** Pays on UnionPay's page, then takes its button back to the merchant. */
async function payAtUnionpay(page: Page): Promise<void> {
  await page.waitForURL(`${platform.sandbox.url}/wallet/pay**`);
  await page.getByRole("button", { name: "付款" }).click();
  await page.getByRole("button", { name: "返回商户" }).waitFor();
  await platform.settle();
  await page.getByRole("button", { name: "返回商户" }).click();
  await page.waitForURL(`${platform.public_url}/c/**`);
}

async function expectPaid(id: string, method: string): Promise<void> {
  const payment = await platform.get(`/v1/payments/${id}`);
  expect(payment).toMatchObject({ status: "succeeded", method, channel_trade_no: expect.any(String) });
}

it.each(["pc", "phone"] as const)("pays on UnionPay's page from a %s", async (device) => {
  const { id, cashier_url } = await createPayment();
  await payByChoice(browser, device, cashier_url, "unionpay.web", payAtUnionpay);
  await expectPaid(id, "unionpay.web");
});

it("pays in UnionPay's app by a scan alone: its authorization names the payer, its page takes the order", async () => {
  const { id, cashier_url } = await createPayment();
  const page = await visit(browser, "unionpay", cashier_url);
  await payAtUnionpay(page);
  await expectTitle(page, "支付成功");
  await expectPaid(id, "unionpay.jsapi");
});

it("pays without script, by the form's own button", async () => {
  const { id, cashier_url } = await createPayment();
  const page = await visit(browser, "phone", cashier_url, { javaScriptEnabled: false });
  await page.locator('button[value="unionpay.web"]').click();
  await page.getByRole("button", { name: "没有跳转？点此继续" }).click();
  await payAtUnionpay(page);
  await expectTitle(page, "支付成功");
  await expectPaid(id, "unionpay.web");
});

it("leads the Back button to the choice, and on again from there", async () => {
  const { cashier_url } = await createPayment();
  const page = await visit(browser, "pc", cashier_url);
  await page.locator('button[value="unionpay.web"]').click();
  await page.waitForURL(`${platform.sandbox.url}/wallet/pay**`);
  await page.goBack();
  expect(page.url()).toBe(cashier_url);
  await page.locator('button[value="unionpay.web"]').click();
  await page.waitForURL(`${platform.sandbox.url}/wallet/pay**`);
});

it("shows UnionPay's own code on a PC, readable, and turns to success when it is paid", async () => {
  const { id, cashier_url } = await createPayment("unionpay.qr");
  const { action } = await platform.get(`/v1/payments/${id}`);
  const page = await watchUntilPaid(browser, cashier_url, async () => {
    await platform.sandbox.pay(action.qr_code);
    await platform.settle();
  });
  expect(await findFaintTexts(page)).toEqual([]);
  await expectPaid(id, "unionpay.qr");
});
