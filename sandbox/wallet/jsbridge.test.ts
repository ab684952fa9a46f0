/**
 * Guarantees, in a real browser, that a page which calls WeixinJSBridge as in WeChat gets WeChat's result: over the
 * page where its policy allows the frame, and by way of the wallet and back where it does not.
 */
import { sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium } from "../../test/browser/chromium.ts";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeOrder, makeWechatMerchant, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let merchant: WechatMerchantUnderTest;
let browser: Browser;
let shop: Server;
let shop_url: string;

/** A cashier: it invokes the bridge on a click and shows what it was told. */
const script = `document.querySelector("button").onclick = () => WeixinJSBridge.invoke("getBrandWCPayRequest",
  JSON.parse(document.body.dataset.parameters), (answer) => { document.querySelector("output").textContent = answer.err_msg; });`;

function renderShop(query: URLSearchParams): string {
  const parameters = (query.get("parameters") ?? "").replaceAll('"', "&quot;");
  return `<!doctype html><body data-parameters="${parameters}"><button>Pay</button><output></output>
<script src="${sandbox.url}/wechat/jsbridge.js"></script><script src="/shop.js"></script>`;
}

beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makeWechatMerchant(sandbox);
  shop = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://shop");
    if (url.pathname === "/shop.js") return response.setHeader("Content-Type", "text/javascript").end(script);
    const frames = url.searchParams.get("frames") === "yes" ? `; frame-src ${sandbox.url}` : "";
    response.setHeader("Content-Security-Policy", `default-src 'self'; script-src 'self' ${sandbox.url}${frames}`);
    return response.setHeader("Content-Type", "text/html; charset=utf-8").end(renderShop(url.searchParams));
  });
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
  shop_url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser.close();
  shop.closeAllConnections();
  await new Promise((resolve) => shop.close(resolve));
  await sandbox.close();
});

/** Places a jsapi order and opens a shop page that can pay it. */
async function openShop(frames: "yes" | "no"): Promise<{ page: Page; order: Json }> {
  const order = makeOrder(merchant, "http://127.0.0.1:9/n", { payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" } });
  const { data } = await merchant.call("post", "/v3/pay/transactions/jsapi", order);
  const fields = {
    appId: merchant.appid,
    timeStamp: "1790000000",
    nonceStr: "n",
    package: `prepay_id=${data.prepay_id}`,
  };
  const text = `${fields.appId}\n${fields.timeStamp}\n${fields.nonceStr}\n${fields.package}\n`;
  const paySign = sign("sha256", Buffer.from(text), merchant.merchant_private_key_pem).toString("base64");
  const parameters = JSON.stringify({ ...fields, signType: "RSA", paySign });
  const page = await browser.newPage();
  await page.goto(`${shop_url}/?${new URLSearchParams({ frames, parameters })}`);
  return { page, order };
}

const told = (page: Page, text: string) => page.locator("output", { hasText: text }).waitFor();

it.each([
  ["付款", "ok", "SUCCESS"],
  ["放弃", "cancel", "NOTPAY"],
  ["支付失败", "fail", "NOTPAY"],
])("over the page: %s calls back with %s", async (label, result, state) => {
  const { page, order } = await openShop("yes");
  await page.click("button");
  await page.frameLocator("iframe").getByRole("button", { name: label }).click();
  await told(page, `get_brand_wcpay_request:${result}`);
  expect(await page.locator("iframe").count()).toBe(0);
  expect((await sandbox.control(`/trades/${order.out_trade_no}`)).state).toBe(state);
  await page.close();
});

it("by way of the wallet: comes back, and the next invocation is told the result", async () => {
  const { page, order } = await openShop("no");
  const shop_address = page.url();
  await page.click("button");
  await page.getByRole("button", { name: "付款" }).click();
  await page.waitForURL(/#wxpay=/);
  expect((await sandbox.control(`/trades/${order.out_trade_no}`)).state).toBe("SUCCESS");
  await page.click("button");
  await told(page, "get_brand_wcpay_request:ok");
  expect(page.url()).toBe(shop_address);
  await page.close();
});

it("shows a refused invocation and calls back with fail", async () => {
  const { page } = await openShop("yes");
  await page.evaluate(`document.body.dataset.parameters = document.body.dataset.parameters.replace('"n"', '"m"')`);
  await page.click("button");
  await told(page, "get_brand_wcpay_request:fail");
  await page.close();
});
