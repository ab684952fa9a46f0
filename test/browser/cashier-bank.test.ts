/**
 * Guarantees, in a real browser against the whole platform: a payer who transfers sees the account, the exact amount and
 * the reference on a PC and on a phone, in either language, copies each as the bank wants it, may leave and come back, and
 * the page turns to success by itself when the operator confirms.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { confirmTransfer, rejectTransfer } from "../../server/src/modules/bank-transfer/index.ts";
import { addBank, BANK_ACCOUNT } from "../platform/bank.ts";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { expectTitle, findFaintTexts, visit } from "./cashier-flow.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let platform: Platform;

beforeAll(async () => {
  [browser, platform] = await Promise.all([launchChromium(), startPlatform()]);
  await addBank(platform, platform.merchant);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await platform?.close();
});

async function createPayment(more: object = {}): Promise<{ id: string; cashier_url: string }> {
  const body = {
    amount: 1_268_050,
    currency: "CNY",
    subject: "办公桌椅 12 套",
    method: "cashier",
    expires_in: 3 * 86_400,
  };
  return platform.post("/v1/payments", { ...body, out_trade_no: nextNumber("transfer"), ...more });
}

async function referenceOf(id: string): Promise<string> {
  return (await platform.get(`/v1/payments/${id}`)).action.reference;
}

async function confirm(number: string): Promise<void> {
  const booked_at = platform.clock.now();
  await confirmTransfer(platform.services, {
    number,
    amount: "12680.50",
    bank_reference: nextNumber("CMB"),
    booked_at,
  });
}

/** What stands beside a label. */
const shownIn = (page: Page, field: string) => page.locator(`.transfer .is-${field} span`).textContent();

const permissions = ["clipboard-read", "clipboard-write"];

it.each(["pc", "phone"] as const)(
  "shows the account, copies each line and turns to success on a %s",
  async (device) => {
    const { id, cashier_url } = await createPayment();
    const page = await visit(browser, device, cashier_url, { permissions });
    await page.locator('button[value="bank.transfer"]').click();
    await expectTitle(page, "请转账到以下账户");
    const reference = await referenceOf(id);
    const fields = ["account_name", "account_number", "bank_name", "bank_code", "amount", "reference"];
    const shown = await Promise.all(fields.map((field) => shownIn(page, field)));
    const { account_name, account_number, bank_name, bank_code } = BANK_ACCOUNT;
    expect(shown).toEqual([account_name, account_number, bank_name, bank_code, "12680.50 CNY", reference]);
    const copied: unknown[] = [];
    for (const field of ["account_number", "amount", "reference"]) {
      await page.locator(`.transfer .is-${field} button`).click();
      copied.push(await page.evaluate("navigator.clipboard.readText()"));
    }
    expect(copied).toEqual([account_number, "12680.50", reference]);
    expect(await page.locator(".is-reference button").textContent()).toBe("已复制");
    expect(await page.locator(".fine").first().textContent()).toContain("请在 3 天内完成转账");
    expect(await findFaintTexts(page)).toEqual([]);
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    await page.evaluate("window.sameDocument = true");
    await confirm(reference);
    await expectTitle(page, "支付成功");
    expect(await page.evaluate("window.sameDocument")).toBe(true);
  },
);

it("shows the same account again to a payer who comes back, and offers the other ways", async () => {
  const { id, cashier_url } = await createPayment();
  const first = await visit(browser, "phone", cashier_url);
  await first.locator('button[value="bank.transfer"]').click();
  await expectTitle(first, "请转账到以下账户");
  const reference = await referenceOf(id);
  const again = await visit(browser, "pc", first.url());
  await expectTitle(again, "请转账到以下账户");
  expect(await shownIn(again, "reference")).toBe(reference);
  await again.getByRole("link", { name: "换一种方式支付" }).click();
  await expectTitle(again, "扫码支付");
  await confirm(reference);
  await expectTitle(again, "支付成功");
});

it("goes straight to the account where there is no other way, without script and in English too", async () => {
  const { id, cashier_url } = await createPayment({ method: "bank.transfer", expires_in: 3_600 });
  const page = await visit(browser, "pc", cashier_url, { language: "en-US", javaScriptEnabled: false });
  await expectTitle(page, "Transfer to this account");
  expect(await shownIn(page, "reference")).toBe(await referenceOf(id));
  expect(await page.locator(".transfer button:visible").count()).toBe(0);
  expect(await page.locator(".timer").count()).toBe(1);
});

it("says when the operator found no transfer", async () => {
  const { id, cashier_url } = await createPayment({ method: "bank.transfer" });
  const page = await visit(browser, "phone", cashier_url);
  await expectTitle(page, "请转账到以下账户");
  await rejectTransfer(platform.services, { number: await referenceOf(id), reason: "Not on the statement" });
  await expectTitle(page, "支付未成功");
});
