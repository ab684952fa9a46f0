/**
 * Guarantees, in a real browser: whatever the payer's device, language and abilities, the cashier's one address leads to
 * a payment, shows its true state as it changes, and leads back to the merchant.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  expectTitle,
  findFaintTexts,
  payByChoice,
  payInAlipay,
  payInWechat,
  visit,
  watchUntilPaid,
} from "./cashier-flow.ts";
import { openStage, type Stage } from "./cashier-stage.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let stage: Stage;

beforeAll(async () => {
  [browser, stage] = await Promise.all([launchChromium(), openStage()]);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
});

type Overrides = Parameters<Stage["service"]["put"]>[0];

function put(overrides: Overrides = {}) {
  const payment = stage.service.put(overrides);
  return { ...payment, url: `${stage.base_url}/c/${payment.token}` };
}

const payOnWalletPage = async (page: Page) => {
  await page.waitForURL(`${stage.wallet_url}/pay**`);
  await page.locator("#pay").click();
};

describe("each device", () => {
  it("shows a PC one code, says when a phone opened it, and turns to success by itself", async () => {
    const { url, token } = put();
    const page = await watchUntilPaid(browser, url, async () => {
      const watching = browser.contexts()[0]!.pages()[0]!;
      await stage.service.start(token, "wechat.jsapi", {}, url);
      await watching.getByText("已在微信中打开").waitFor();
      stage.service.succeed(token);
    });
    expect(await page.locator("#live").textContent()).toContain("支付成功");
  });

  it("logs in at WeChat, opens its bridge by itself, and lets the payer try again after a cancellation", async () => {
    const { url, token } = put();
    await payInWechat(browser, url, async (page) => {
      await page.waitForFunction("window.bridgeCalls?.length === 1");
      expect(await page.evaluate("window.bridgeCalls[0]")).toMatchObject({
        name: "getBrandWCPayRequest",
        parameters: { signType: "RSA", paySign: token },
      });
      await page.evaluate("finishBridge('cancel')");
      await page.locator("[data-outcome]", { hasText: "支付已取消" }).waitFor();
      await page.reload();
      await expectTitle(page, "确认支付");
      expect(await page.evaluate("window.bridgeCalls.length")).toBe(0);
      await page.getByRole("button", { name: "立即支付" }).click();
      await page.evaluate("finishBridge('ok')");
      await expectTitle(page, "正在确认支付结果");
      stage.service.succeed(token);
    });
    expect(stage.service.starts.at(-1)).toMatchObject({ method: "wechat.jsapi", payer: { openid: "o-payer-1" } });
  });

  it("goes straight to Alipay's page inside Alipay, and confirms on the return", async () => {
    const { url } = put();
    await payInAlipay(browser, url, payOnWalletPage);
  });

  it.each(["wechat.h5", "alipay.wap"])("lets any other phone choose %s", async (method) => {
    const { url } = put();
    await payByChoice(browser, "phone", url, method, payOnWalletPage);
  });

  it("pays in a PC's browser by Alipay's own page", async () => {
    const { url } = put();
    await payByChoice(browser, "pc", url, "alipay.page", payOnWalletPage);
  });

  it("goes on with the same attempt, or another way, after a return without a payment", async () => {
    const { url } = put();
    const page = await visit(browser, "phone", url);
    await page.locator('button[value="wechat.h5"]').click();
    await page.locator("#leave").click();
    await expectTitle(page, "正在确认支付结果");
    await page.getByRole("link", { name: "尚未付款，继续支付" }).click();
    await page.waitForURL(`${stage.wallet_url}/pay**`);
    await page.goBack();
    await page.getByRole("link", { name: "换一种方式支付" }).click();
    await expectTitle(page, "选择支付方式");
  });
});

describe("the end", () => {
  it("returns to the merchant by itself, unless the payer stays", async () => {
    const { url, token, id, out_trade_no } = put({ return_url: `${stage.wallet_url}/merchant` });
    const staying = await visit(browser, "phone", url);
    const leaving = await visit(browser, "pc", url);
    stage.service.succeed(token);
    await expectTitle(staying, "支付成功");
    await staying.getByRole("button", { name: "留在此页" }).click();
    await leaving.waitForURL(`${stage.wallet_url}/merchant?payment=**`);
    const query = Object.fromEntries(new URL(leaving.url()).searchParams);
    expect(query).toEqual({ payment: id, out_trade_no, status: "succeeded" });
    expect(new URL(staying.url()).pathname).toBe(`/c/${token}`);
  });

  it("expires on the screen when its time is over", async () => {
    const { url } = put({ expires_at: stage.clock.now() + 1500 });
    const page = await visit(browser, "pc", url);
    await page.locator(".timer.short time").waitFor();
    stage.clock.advance(1500);
    await expectTitle(page, "订单已过期");
    expect(await page.locator(".timer").count()).toBe(0);
  });

  it("shows the channel's reason and lets the payer choose again", async () => {
    const { url } = put();
    stage.service.next({ failure: { code: "RULE_LIMIT", message: "交易被限制" }, action: { type: "none" } });
    const page = await visit(browser, "phone", url);
    await page.locator('button[value="wechat.h5"]').click();
    await expectTitle(page, "这次支付没有成功");
    expect(await page.locator(".reason").textContent()).toContain("交易被限制");
    await page.locator('button[value="alipay.wap"]').click();
    await payOnWalletPage(page);
    await expectTitle(page, "支付成功");
  });
});

describe("everybody", () => {
  it("pays with the keyboard alone", async () => {
    const { url } = put();
    const page = await visit(browser, "pc", url);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.value")).toBe("alipay.page");
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Enter");
    await payOnWalletPage(page);
    await expectTitle(page, "支付成功");
  });

  it("keeps the keyboard's place when the state changes under it", async () => {
    const { url, token } = put();
    const page = await visit(browser, "pc", url);
    await page.keyboard.press("Tab");
    stage.service.succeed(token);
    await expectTitle(page, "支付成功");
    expect(await page.evaluate("document.activeElement.id")).toBe("title");
  });

  it("pays without script", async () => {
    const { url } = put({ return_url: `${stage.wallet_url}/merchant` });
    const page = await visit(browser, "phone", url, { javaScriptEnabled: false });
    await page.locator('button[value="alipay.wap"]').click();
    await payOnWalletPage(page);
    await page.getByRole("heading", { name: "支付成功" }).waitFor();
    await page.waitForURL(`${stage.wallet_url}/merchant**`);
  });

  it("is told to a screen reader in landmarks, headings and names", async () => {
    const { url } = put();
    const page = await visit(browser, "pc", url);
    const tree = await page.locator("body").ariaSnapshot();
    expect(tree).toContain("- main:");
    expect(tree).toContain("- contentinfo:");
    expect(tree).toContain('- navigation "语言"');
    expect(tree).toContain('- heading "扫码支付" [level=1]');
    expect(tree).toContain('- img "付款二维码，请用微信或支付宝扫描"');
    expect(tree).toContain('- button "登录支付宝付款 前往官方页面"');
    expect(tree).toMatch(/268\.00\s?人民币/);
  });

  it("speaks English to an English browser, and switches", async () => {
    const { url } = put();
    const page = await visit(browser, "phone", url, { language: "en-US" });
    await expectTitle(page, "Choose how to pay");
    await page.getByRole("link", { name: "中文" }).click();
    await expectTitle(page, "选择支付方式");
    await page.goto(url);
    await expectTitle(page, "选择支付方式");
  });

  it.each(["light", "dark"] as const)("is readable in the %s scheme, on every kind of page", async (colorScheme) => {
    const pages = [
      await visit(browser, "pc", put().url, { colorScheme }),
      await visit(browser, "phone", put({ description: "x" }).url, { colorScheme }),
      await visit(browser, "phone", put({ status: "succeeded", return_url: stage.wallet_url }).url, { colorScheme }),
      await visit(browser, "phone", put({ status: "closed" }).url, { colorScheme }),
      await visit(browser, "wechat", put({ methods: ["alipay.wap"] }).url, { colorScheme }),
      await visit(browser, "pc", `${stage.base_url}/c/nothing`, { colorScheme }),
    ];
    for (const page of pages) expect(await findFaintTexts(page)).toEqual([]);
    // The measure itself: grey on grey is found.
    await pages[0]!.evaluate(
      "document.querySelector('h1').style.color = document.querySelector('main').style.background = '#777'",
    );
    expect(await findFaintTexts(pages[0]!)).toContainEqual(expect.stringContaining("扫码支付"));
  });

  it("stands still for those who ask for it", async () => {
    const { url, token } = put();
    await stage.service.start(token, "alipay.wap", {}, url);
    const page = await visit(browser, "phone", `${url}?view=1`, { reducedMotion: "reduce" });
    await expectTitle(page, "正在确认支付结果");
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
  });

  it("fits a narrow phone and a page zoomed to twice its size without scrolling sideways", async () => {
    const { url } = put({ subject: "x".repeat(120), out_trade_no: "N".repeat(64) });
    for (const width of [320, 640, 1280]) {
      const page = await visit(browser, "pc", url, { viewport: { width, height: 700 } });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    }
  });
});
