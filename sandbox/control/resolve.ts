/** Finding a trade by whatever a payer's wallet or a test has in hand. */
import { AlipayError, readParameters } from "../alipay/answer.ts";
import { openSignedOrder } from "../alipay/gateway.ts";
import type { AlipayTrade } from "../alipay/state.ts";
import type { Sandbox } from "../context.ts";
import { ControlError } from "../kit/input.ts";
import type { PaypalTrade } from "../paypal/state.ts";
import type { StripeTrade } from "../stripe/state.ts";
import { UnionpayError } from "../unionpay/answer.ts";
import { openFrontOrder } from "../unionpay/gateway.ts";
import type { UnionpayTrade } from "../unionpay/state.ts";
import type { WechatTrade } from "../wechat/state.ts";

/** A trade and whose it is. */
export type Found =
  | { channel: "wechat"; trade: WechatTrade }
  | { channel: "alipay"; trade: AlipayTrade }
  | { channel: "unionpay"; trade: UnionpayTrade }
  | { channel: "stripe"; trade: StripeTrade }
  | { channel: "paypal"; trade: PaypalTrade };

function wechat(trade: WechatTrade | undefined): Found | undefined {
  return trade && { channel: "wechat", trade };
}

function alipay(trade: AlipayTrade | undefined): Found | undefined {
  return trade && { channel: "alipay", trade };
}

function unionpay(trade: UnionpayTrade | undefined): Found | undefined {
  return trade && { channel: "unionpay", trade };
}

function stripe(trade: StripeTrade | undefined): Found | undefined {
  return trade && { channel: "stripe", trade };
}

function paypal(trade: PaypalTrade | undefined): Found | undefined {
  return trade && { channel: "paypal", trade };
}

/** Every trade that carries this number as the merchant's or the channel's own. */
function findByNumber(sandbox: Sandbox, number: string): Found[] {
  const found: (Found | undefined)[] = [
    wechat(sandbox.wechat.by_transaction.get(number)),
    alipay(sandbox.alipay.by_trade_no.get(number)),
    unionpay(sandbox.unionpay.by_query_id.get(number)),
    stripe(sandbox.stripe.by_payment_intent.get(number)),
    paypal(sandbox.paypal.by_capture.get(number)),
  ];
  for (const mchid of sandbox.wechat.members.keys())
    found.push(wechat(sandbox.wechat.trades.get(`${mchid}/${number}`)));
  for (const app_id of sandbox.alipay.members.keys())
    found.push(alipay(sandbox.alipay.trades.get(`${app_id}/${number}`)));
  for (const mer_id of sandbox.unionpay.members.keys())
    found.push(unionpay(sandbox.unionpay.trades.get(`${mer_id}/${number}`)));
  for (const account_id of sandbox.stripe.members.keys())
    found.push(stripe(sandbox.stripe.by_reference.get(`${account_id}/${number}`)));
  for (const client_id of sandbox.paypal.members.keys())
    found.push(paypal(sandbox.paypal.by_number.get(`${client_id}/${number}`)));
  return found.filter((item) => item !== undefined);
}

/** An order string of Alipay, in a URL or as the app's SDK gets it: it is opened as the wallet would. */
function openOrderString(sandbox: Sandbox, text: string): Found {
  try {
    return { channel: "alipay", trade: openSignedOrder(sandbox, readParameters(`?${text}`, undefined)) };
  } catch (error) {
    if (error instanceof AlipayError)
      throw new ControlError(409, `Alipay refuses this order: ${error.sub_code}: ${error.message}`);
    throw error;
  }
}

/** UnionPay's browser form, written as an address with the form's fields: it is opened as the browser would. */
function openForm(sandbox: Sandbox, url: URL): Found {
  try {
    return { channel: "unionpay", trade: openFrontOrder(sandbox, Object.fromEntries(url.searchParams)) };
  } catch (error) {
    if (error instanceof UnionpayError)
      throw new ControlError(409, `UnionPay refuses this order: ${error.code}: ${error.message}`);
    throw error;
  }
}

function resolveUrl(sandbox: Sandbox, url: URL): Found | undefined {
  if (url.hostname === "qr.alipay.com") return alipay(sandbox.alipay.by_token.get(url.pathname.slice(1)));
  if (url.hostname === "qr.95516.com") return unionpay(sandbox.unionpay.by_token.get(url.pathname.split("/").at(-1)!));
  if (url.pathname.endsWith("/frontTransReq.do")) return openForm(sandbox, url);
  if (url.pathname.endsWith("/gateway.do")) return openOrderString(sandbox, url.search.slice(1));
  if (url.pathname.endsWith("/checkmweb"))
    return wechat(sandbox.wechat.by_link.get(url.searchParams.get("prepay_id") ?? ""));
  if (url.pathname.endsWith("/checkoutnow"))
    return paypal(sandbox.paypal.trades.get(url.searchParams.get("token") ?? ""));
  if (url.pathname.startsWith("/c/pay/")) return stripe(sandbox.stripe.by_token.get(url.pathname.split("/")[3] ?? ""));
  const code = url.pathname.endsWith("/wallet/pay") ? url.searchParams.get("code") : null;
  return code === null ? undefined : resolveCode(sandbox, code);
}

function resolveCode(sandbox: Sandbox, text: string): Found | undefined {
  const code = text.trim();
  const native = /^weixin:\/\/wxpay\/bizpayurl\?pr=(\w+)$/.exec(code);
  if (native !== null) return wechat(sandbox.wechat.by_link.get(native[1]!));
  if (/^https?:\/\//i.test(code)) {
    const url = URL.parse(code);
    return url === null ? undefined : resolveUrl(sandbox, url);
  }
  if (code.includes("method=alipay.trade.")) return openOrderString(sandbox, code);
  const link = code.replace(/^prepay_id=/, "");
  const direct =
    wechat(sandbox.wechat.by_link.get(link)) ??
    alipay(sandbox.alipay.by_token.get(link)) ??
    unionpay(sandbox.unionpay.by_token.get(link)) ??
    stripe(sandbox.stripe.by_token.get(link)) ??
    paypal(sandbox.paypal.trades.get(link));
  if (direct !== undefined) return direct;
  const found = findByNumber(sandbox, code);
  if (found.length > 1) {
    throw new ControlError(
      409,
      `${found.length} merchants have a trade ${code}: give the QR content or the prepay id.`,
    );
  }
  return found[0];
}

/**
 * The trade of a code: QR content, wallet address, h5_url, Alipay page or wap address, UnionPay's form as an address, Stripe's checkout,
 * PayPal's approval address or order number, Alipay app order string, prepay id, tn, or a number of the merchant's or the channel's. Throws ControlError 404 or 409.
 */
export function findTrade(sandbox: Sandbox, code: string): Found {
  const found = resolveCode(sandbox, code);
  if (found === undefined)
    throw new ControlError(404, `Nothing to pay is known by "${code.slice(0, 120)}". 未找到对应订单`);
  return found;
}
