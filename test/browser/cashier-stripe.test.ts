/**
 * Guarantees, in a real browser against the whole platform and the sandbox's Stripe: the cashier leads a payer to the checkout,
 * where a card is declined, asks for 3-D Secure or pays, and back to its own page, which says what became of it.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { addStripe } from "../platform/stripe.ts";
import { expectTitle, findFaintTexts, payByChoice, visit } from "./cashier-flow.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let platform: Platform;

beforeAll(async () => {
  [browser, platform] = await Promise.all([launchChromium(), startPlatform()]);
  await addStripe(platform);
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
  const body = { amount: 2_599, currency: "USD", subject: "手冲咖啡豆 500g", method: "cashier" };
  return platform.post("/v1/payments", { ...body, out_trade_no: nextNumber("cashier") });
}

/** Types a card at the checkout. */
async function typeCard(page: Page, number: string): Promise<void> {
  await page.waitForURL(`${platform.sandbox.url}/c/pay/**`);
  await page.getByLabel("卡号").fill(number);
  await page.getByRole("button", { name: "付款" }).click();
}

async function payAtStripe(page: Page): Promise<void> {
  await typeCard(page, "4242 4242 4242 4242");
  await page.waitForURL(`${platform.public_url}/c/**`);
  await platform.settle();
}

it.each(["pc", "phone"] as const)("pays by card from a %s", async (device) => {
  const { id, cashier_url } = await createPayment();
  await payByChoice(browser, device, cashier_url, "stripe.checkout", payAtStripe);
  expect(await platform.get(`/v1/payments/${id}`)).toMatchObject({ status: "succeeded", method: "stripe.checkout" });
});

it("may be declined, then asked to authenticate, and comes back paid", async () => {
  const { id, cashier_url } = await createPayment();
  const page = await visit(browser, "pc", cashier_url);
  await page.locator('button[value="stripe.checkout"]').click();
  await typeCard(page, "4000 0000 0000 9995");
  await page.getByRole("alert").waitFor();
  expect(await findFaintTexts(page)).toEqual([]);
  await page.getByRole("button", { name: "4000 0025 0000 3155" }).click();
  await page.getByRole("button", { name: "完成验证" }).click();
  await page.waitForURL(`${platform.public_url}/c/**`);
  await platform.settle();
  await expectTitle(page, "支付成功");
  expect((await platform.get(`/v1/payments/${id}`)).status).toBe("succeeded");
});

it("walks away, and may go on or choose again", async () => {
  const { cashier_url } = await createPayment();
  const page = await visit(browser, "pc", cashier_url);
  await page.locator('button[value="stripe.checkout"]').click();
  await page.waitForURL(`${platform.sandbox.url}/c/pay/**`);
  await page.getByRole("link", { name: "放弃" }).click();
  await page.waitForURL(`${platform.public_url}/c/**`);
  await expectTitle(page, "正在确认支付结果");
  await page.getByRole("link", { name: "换一种方式支付" }).click();
  await expectTitle(page, "选择支付方式");
  expect(await findFaintTexts(page)).toEqual([]);
});
