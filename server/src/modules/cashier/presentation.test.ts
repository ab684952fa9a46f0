/**
 * Guarantees: the code on the screen is the cashier's address, amounts are shown to the last minor unit in either
 * language, and a browser is taken for what its own words say.
 */
import fc from "fast-check";
import { encode } from "uqr";
import { describe, expect, it } from "vitest";
import { money, toDecimal } from "../../kit/money.ts";
import { returnAddress } from "./addresses.ts";
import { formatAmount } from "./amount-text.ts";
import { detectDevice } from "./device.ts";
import { acceptLanguage } from "./language.ts";
import { drawQr } from "./qr-image.ts";

/** Paints the path's bars back into modules. */
function paint({ size, path }: { size: number; path: string }): boolean[][] {
  const modules = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let i = 0; i < Number(width); i++) modules[Number(y)]![Number(x) + i] = true;
  }
  return modules;
}

it("draws exactly the modules of the code", () => {
  fc.assert(
    fc.property(fc.webUrl(), (url) => {
      const { data } = encode(url, { ecc: "M", border: 2 });
      expect(JSON.stringify(paint(drawQr(url)))).toBe(JSON.stringify(data));
    }),
    { numRuns: 20 },
  );
});

describe("amounts", () => {
  it.each([
    [1_234_567n, "CNY", "zh", { symbol: "¥", digits: "12,345.67", code: undefined }],
    [1n, "CNY", "en", { symbol: "¥", digits: "0.01", code: "CNY", spoken: "0.01 Chinese yuan" }],
    [5000n, "JPY", "zh", { symbol: "¥", digits: "5,000", code: "JPY" }],
    [1_234_567n, "KWD", "en", { symbol: "", digits: "1,234.567", code: "KWD" }],
  ] as const)("shows %s %s in %s", (amount, currency, language, expected) => {
    expect(formatAmount(money(amount, currency), language)).toMatchObject(expected);
  });

  it("keeps every digit of any amount", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 20n }),
        fc.constantFrom("CNY", "USD", "JPY", "KWD"),
        (amount, currency) => {
          const value = money(amount, currency);
          expect(formatAmount(value, "en").digits.replaceAll(",", "")).toBe(toDecimal(value));
        },
      ),
    );
  });
});

it.each([
  ["Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.50 NetType/WIFI", "wechat"],
  ["Mozilla/5.0 (Windows NT 10.0) Chrome/107 MicroMessenger/7.0.20 WindowsWechat", "wechat"],
  ["Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.0 MicroMessenger/7.0.1", "phone"],
  ["Mozilla/5.0 (Linux; U; Android 13) AliApp(AP/10.3.0) AlipayClient/10.3.0", "alipay"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 (com.unionpay.chsp) (cordova 4.5.4) (UnionPay/1.0 CloudPay)",
    "unionpay",
  ],
  ["Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36 (UnionPay/1.0 ICBCeLife)", "phone"],
  ["Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126 Mobile Safari/537.36", "phone"],
  ["Mozilla/5.0 (Phone; OpenHarmony 5.0) ArkWeb/4.1", "phone"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126 Safari/537.36", "pc"],
  [undefined, "pc"],
])("takes %s for %s", (agent, device) => {
  expect(detectDevice(agent)).toBe(device);
});

it.each([
  ["en-US,en;q=0.9", "en"],
  ["zh-TW,zh;q=0.9,en;q=0.8", "zh"],
  ["fr;q=1, en;q=0.4, zh;q=0.6", "zh"],
  ["en;q=0, zh", "zh"],
  ["fr", "zh"],
  [undefined, "zh"],
])("answers Accept-Language %s in %s", (header, language) => {
  expect(acceptLanguage(header)).toBe(language);
});

it("keeps the merchant's own query on the way back, and refuses an address that is not of the web", () => {
  const payment = { id: "pay_1", out_trade_no: "A&1", status: "succeeded" };
  expect(returnAddress({ ...payment, return_url: "https://shop.test/x?status=mine#top" })).toBe(
    "https://shop.test/x?status=succeeded&payment=pay_1&out_trade_no=A%261#top",
  );
  expect(returnAddress({ ...payment, return_url: "data:text/html,x" })).toBeUndefined();
});
