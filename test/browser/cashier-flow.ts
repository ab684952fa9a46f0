/**
 * What payers do at the cashier, told once: these helpers need only an address, so that the same steps run against the
 * pages alone and against a whole server with its sandbox. Where the wallet acts, the caller says how.
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";

export type PayerDevice = "pc" | "wechat" | "alipay" | "unionpay" | "phone";

const devices: Record<PayerDevice, BrowserContextOptions> = {
  pc: { viewport: { width: 1280, height: 800 } },
  wechat: onPhone("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50"),
  alipay: onPhone("Mozilla/5.0 (Linux; U; Android 14; Pixel 8) Chrome/126 Mobile Safari/537.36 AlipayClient/10.6.0"),
  unionpay: onPhone(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 (com.unionpay.chsp) (UnionPay/1.0 CloudPay)",
  ),
  phone: onPhone(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
  ),
};

function onPhone(userAgent: string): BrowserContextOptions {
  return { userAgent, viewport: { width: 390, height: 844 } };
}

export interface VisitOptions extends BrowserContextOptions {
  language?: "zh-CN" | "en-US";
}

/** Opens an address as a payer with this device; every error of the page's script fails the test that asked. */
export async function visit(
  browser: Browser,
  device: PayerDevice,
  url: string,
  options: VisitOptions = {},
): Promise<Page> {
  const { language = "zh-CN", ...rest } = options;
  const context = await browser.newContext({ ...devices[device], locale: language, ...rest });
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}

/** Waits until the page's title is `text`. */
export async function expectTitle(page: Page, text: string, timeout_ms = 15_000): Promise<void> {
  await page.locator("#title", { hasText: text }).waitFor({ timeout: timeout_ms });
  expect(await page.locator("h1").count()).toBe(1);
}

/** A PC shows the code; somebody pays elsewhere (`pay`); the page turns to success without a reload. */
export async function watchUntilPaid(browser: Browser, url: string, pay: () => Promise<void>): Promise<Page> {
  const page = await visit(browser, "pc", url);
  await expectTitle(page, "扫码支付");
  await page.evaluate("window.sameDocument = true");
  await pay();
  await expectTitle(page, "支付成功");
  expect(await page.evaluate("window.sameDocument")).toBe(true);
  return page;
}

/** In WeChat: login, bridge (`onBridge` lets the payer act), success. */
export async function payInWechat(
  browser: Browser,
  url: string,
  onBridge: (page: Page) => Promise<void>,
): Promise<Page> {
  const page = await visit(browser, "wechat", url);
  await onBridge(page);
  await expectTitle(page, "支付成功");
  return page;
}

/** In Alipay: straight to its page (`onWallet` lets the payer act there), back, success. */
export async function payInAlipay(
  browser: Browser,
  url: string,
  onWallet: (page: Page) => Promise<void>,
): Promise<Page> {
  const page = await visit(browser, "alipay", url);
  await onWallet(page);
  await expectTitle(page, "支付成功");
  return page;
}

/** In any other browser: the payer chooses by `method`, acts on the wallet's page, and comes back. */
export async function payByChoice(
  browser: Browser,
  device: "pc" | "phone",
  url: string,
  method: string,
  onWallet: (page: Page) => Promise<void>,
  options: VisitOptions = {},
): Promise<Page> {
  const page = await visit(browser, device, url, options);
  await page.locator(`button[value="${method}"]`).click();
  await onWallet(page);
  await expectTitle(page, "支付成功");
  return page;
}

/**
 * Texts whose contrast with what is painted behind them is below WCAG AA (4.5:1, large text 3:1), as readable lines.
 * Colours are the computed ones; a background is that of the nearest ancestor that paints one.
 */
export function findFaintTexts(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
    const linear = (channel) => { const c = channel / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = parse(getComputedStyle(at).backgroundColor);
        if (color.length === 3 || color[3] === 1) return color;
      }
      return [255, 255, 255];
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
      if (!own || element.closest("noscript, svg") || element.getClientRects().length === 0) continue;
      const style = getComputedStyle(element);
      const [light, dark] = [luminance(parse(style.color)), luminance(behind(element))].sort((a, b) => b - a);
      const size = parseFloat(style.fontSize);
      const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < needed) faint.push(element.textContent.trim() + " " + ratio.toFixed(2));
    }
    return faint;
  })()`);
}
