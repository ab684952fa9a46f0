/** Guarantee: a payer's code leads to the channel whose published form it has, and to none when it has nobody's. */
import { expect, it } from "vitest";
import { methodOfAuthCode } from "./auth-code.ts";

const digits = (prefix: string, length: number) => prefix.padEnd(length, "7");

it.each([
  [digits("10", 18), "wechat.barcode"],
  [digits("15", 18), "wechat.barcode"],
  [digits("25", 16), "alipay.barcode"],
  [digits("30", 24), "alipay.barcode"],
  [digits("28", 18), "alipay.barcode"],
  [digits("62", 19), "unionpay.barcode"],
  [digits("28", 19), "alipay.barcode"],
  [digits("62", 18), undefined],
  [digits("63", 19), undefined],
  [digits("16", 18), undefined],
  [digits("13", 17), undefined],
  [digits("13", 19), undefined],
  [digits("24", 18), undefined],
  [digits("31", 18), undefined],
  [digits("28", 15), undefined],
  [digits("28", 25), undefined],
  [`${digits("13", 17)}x`, undefined],
  [` ${digits("13", 18)}`, undefined],
  ["", undefined],
])("%s", (code, method) => {
  expect(methodOfAuthCode(code)).toBe(method);
});
