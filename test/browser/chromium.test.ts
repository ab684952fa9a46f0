// Guarantee: on any supported machine there is a real browser for the tests, and it can show Chinese text.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lendChineseFont } from "./chinese-font.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

const html = `<meta charset="utf-8"><style>p { font: 32px "PingFang SC", sans-serif; }</style>
  <p>汇流支付成功</p><button onclick="this.textContent = '已支付'">支付</button>`;

test("a page runs its script on a click", async () => {
  const page = await browser.newPage();
  await page.setContent(html);
  await page.click("button");
  expect(await page.textContent("button")).toBe("已支付");
  await page.close();
});

test("Chinese characters are drawn, each as itself", async () => {
  const page = await browser.newPage({ bypassCSP: true });
  await page.setContent(html);
  await lendChineseFont(page);
  const draw = async (text: string) => {
    await page.evaluate(`document.querySelector("p").textContent = ${JSON.stringify(text)}; document.fonts.ready`);
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(resolve)).then(() => document.fonts.ready)");
    return (await page.locator("p").screenshot()).toString("base64");
  };
  // A font without them would draw the same box for both.
  expect(await draw("汇")).not.toBe(await draw("流"));
  await page.close();
});
