import type { BarcodeRules, Channel, Method } from "./contract.ts";

/** Whose code it is, by its digits: 18 from 10–15 are WeChat's, 16 to 24 from 25–30 Alipay's, 19 from 62 UnionPay's. */
const forms: readonly { readonly method: Method; readonly form: RegExp }[] = [
  { method: "wechat.barcode", form: /^1[0-5]\d{16}$/ },
  { method: "alipay.barcode", form: /^(?:2[5-9]|30)\d{14,22}$/ },
  { method: "unionpay.barcode", form: /^62\d{17}$/ },
];

/** The method that the code on a payer's phone is for, or undefined when no channel's codes look like it. */
export function methodOfAuthCode(auth_code: string): Method | undefined {
  return forms.find(({ form }) => form.test(auth_code))?.method;
}

/** Whether the merchant scans the payer's code: such an order is asked about and cancelled by rules of its own. */
export function isBarcode(method: Method): boolean {
  return method.endsWith(".barcode");
}

/** The rules by which an order of this method goes on, or undefined when it goes on as orders do. */
export function barcodeRulesOf(channel: Channel, method: Method): BarcodeRules | undefined {
  return isBarcode(method) ? channel.barcode : undefined;
}
