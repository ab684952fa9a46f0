/** Guarantees that a person can draw a payment code of every wallet with two clicks, and that it behaves as chosen. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant } from "../testing/alipay-client.ts";
import { startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let alipay: AlipayMerchantUnderTest;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  alipay = await makeAlipayMerchant(sandbox);
});
afterAll(() => sandbox.close());

const show = async (path: string) => (await fetch(`${sandbox.url}${path}`)).text();
const draw = (fields: Record<string, string>) =>
  fetch(`${sandbox.url}/wallet/code`, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
const digitsOf = (page: string) => /<p class="code">(\d+)<\/p>/.exec(page)?.[1];

it.each([
  ["wechat", /^13\d{16}$/],
  ["alipay", /^28\d{16}$/],
  ["unionpay", /^62\d{17}$/],
])("leads from the wallet to a code of %s", async (channel, form) => {
  expect(await show("/wallet")).toContain('href="/wallet/code"');
  expect(await show("/wallet/code")).toContain(`href="/wallet/code?channel=${channel}"`);
  expect(await show(`/wallet/code?channel=${channel}`)).toContain('value="not_enough"');
  const page = await (await draw({ channel, behaviour: "success" })).text();
  expect(digitsOf(page)).toMatch(form);
  expect(page).toContain("模拟");
});

it("draws a payer who behaves as chosen, and who then confirms on the wallet's page", async () => {
  const auth_code = digitsOf(await (await draw({ channel: "alipay", behaviour: "confirm" })).text());
  const order = { out_trade_no: "WALLET1", auth_code, scene: "bar_code", total_amount: "12.34", subject: "Tea" };
  expect(await alipay.call("alipay.trade.pay", order)).toMatchObject({ code: "10003" });
  expect(await show("/wallet")).toContain("WALLET1");
  const click = new URLSearchParams({ code: "WALLET1", outcome: "success" });
  await fetch(`${sandbox.url}/wallet/decide`, { method: "POST", body: click });
  expect((await sandbox.control("/trades/WALLET1")).state).toBe("TRADE_SUCCESS");
});

it("goes back to the choice when asked for what there is not", async () => {
  for (const fields of [
    { channel: "paypal", behaviour: "success" },
    { channel: "wechat", behaviour: "robbed" },
  ]) {
    const answer = await draw(fields);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/wallet/code"]);
  }
});
