/** What tests of payments share: bodies that are right, and the code by which a payer pays. */
import type { Json } from "./sandbox-control.ts";

/** Real forms: WeChat and the sandbox check them. */
export const OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
export const BUYER_ID = "2088722003142578";
export const PAYER_IP = "203.0.113.7";

export const methods = [
  "wechat.native",
  "wechat.jsapi",
  "wechat.h5",
  "wechat.mini",
  "wechat.app",
  "alipay.qr",
  "alipay.wap",
  "alipay.page",
  "alipay.app",
  "alipay.jsapi",
] as const;
export type TestMethod = (typeof methods)[number];

let last = 0;

/** A number that no other call of this process gives. */
export function nextNumber(prefix = "order"): string {
  last += 1;
  return `${prefix}-${last}`;
}

/** A create request for 12.34 yuan, with what the method needs of the payer. */
export function paymentBody(method: TestMethod | "cashier" = "wechat.native", more: object = {}) {
  return {
    out_trade_no: nextNumber(),
    amount: 1234,
    currency: "CNY",
    subject: "一杯咖啡 A cup of coffee",
    method,
    ...payerOf(method),
    ...more,
  };
}

export function payerOf(method: string) {
  if (method === "wechat.jsapi" || method === "wechat.mini") return { payer: { openid: OPENID } };
  if (method === "alipay.jsapi") return { payer: { buyer_id: BUYER_ID } };
  if (method === "wechat.h5") return { payer: { ip: PAYER_IP } };
  return {};
}

/** What the payer's phone or browser was given to pay by. Throws when the action gives nothing. */
export function codeOf(payment: Json): string {
  const { action } = payment;
  const { package: prepaid, prepayid, tradeNO } = action.parameters ?? {};
  // An app's package only names the scheme; its prepayid is the order.
  const code = action.qr_code ?? action.url ?? action.order_string ?? prepayid ?? tradeNO ?? prepaid;
  if (typeof code !== "string") throw new Error(`nothing to pay by: ${JSON.stringify(action)}`);
  return code;
}

export function channelOf(method: string): "wechat" | "alipay" {
  return method.startsWith("wechat.") ? "wechat" : "alipay";
}
