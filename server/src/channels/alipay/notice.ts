/**
 * Notices: https://opendocs.alipay.com/open/203/105286 . A form post, signed over all parameters but sign and sign_type.
 * A notice is a signed statement of fact and stays true however late it comes: retries run over a day and documents do
 * not say whether notify_time is renewed, so that age alone refuses nothing. Repetition is harmless to the reader.
 */
import { fromBeijingTime } from "../beijing-time.ts";
import type { ChannelContext, NoticeReply, NoticeResult, WireNotice } from "../contract.ts";
import { verifySha256 } from "../key-material.ts";
import { type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { type AlipayAccount, openAlipayAccount } from "./config.ts";
import { readYuan } from "./query.ts";
import { canonicalizeForm, readForm } from "./raw-form.ts";

/** Verifies and reads a notice. Never throws. */
export async function readNotice(context: ChannelContext, notice: WireNotice): Promise<NoticeResult> {
  const form = readForm(notice.body);
  const parameters = decodeForm(form);
  const { sign = "", sign_type = "" } = parameters;
  if (!sign) return rejected("the notice is not signed");
  if (sign_type !== "RSA2") return rejected(`the sign_type is ${sign_type || "missing"}`);
  if (!Object.entries(parameters).every(hasItsBorders)) return rejected("a field of the notice looks like several");
  try {
    const account = openAlipayAccount(context.account);
    const message = canonicalizeForm(form, ["sign", "sign_type"]);
    const good = [...account.verification_keys.values()].some((key) => verifySha256(key, message, sign));
    if (!good) return rejected("the signature does not match the notice");
    return parameters.msg_method ? readMessage(parameters) : readTradeNotice(account, parameters);
  } catch {
    return rejected("the account's keys cannot be read");
  }
}

/**
 * The signature is over `k=v&k=v` without any encoding, so that it says nothing of where a field ends: who holds something
 * that Alipay signed (the payer's browser carries one back) could move the borders. Our own texts hold no `&` and no `=`.
 */
function hasItsBorders([name, value]: [string, string]): boolean {
  return /^\w+$/.test(name) && !/&\w+=/.test(value);
}

/** The texts, in the character set that the notice names. */
function decodeForm(form: ReadonlyMap<string, Buffer>): Readonly<Record<string, string>> {
  const chinese = /^gb(k|2312|18030)$/i.test(form.get("charset")?.toString("latin1") ?? "");
  const decoder = new TextDecoder(chinese ? "gb18030" : "utf-8");
  return Object.fromEntries([...form].map(([name, value]) => [name, decoder.decode(value)]));
}

/**
 * A message to the application's own gateway, about no trade: a transfer that moved, an authorization that was taken back.
 * What it says is asked for where it matters.
 */
function readMessage(parameters: Readonly<Record<string, string>>): NoticeResult {
  const content = parseJsonObject(parameters.biz_content ?? "");
  const number = textOf(content, "out_biz_no");
  const about = number ? `: ${number} is ${textOf(content, "status") ?? "(none)"}` : "";
  return { kind: "ignored", detail: `message ${parameters.msg_method}${about}`.slice(0, 200) };
}

/**
 * A refund sends the trade's notice again with refund facts in it. That is no second success, and its refund_fee is a
 * sum over all refunds: the refund query tells more, so the notice is only acknowledged. An unpaid trade that closes may
 * carry refund_fee 0.00.
 */
function readTradeNotice(account: AlipayAccount, parameters: JsonObject): NoticeResult {
  const refunded = readYuan(parameters, "refund_fee", undefined)?.amount ?? 0n;
  if (refunded > 0n || textOf(parameters, "gmt_refund") || textOf(parameters, "out_biz_no")) {
    return { kind: "ignored", detail: "refund notice" };
  }
  const status = textOf(parameters, "trade_status");
  if (status !== "TRADE_SUCCESS" && status !== "TRADE_FINISHED") {
    return { kind: "ignored", detail: `trade status ${status ?? "(none)"}` };
  }
  const serial_no = textOf(parameters, "out_trade_no");
  const channel_trade_no = textOf(parameters, "trade_no");
  const amount = readYuan(parameters, "total_amount", textOf(parameters, "trans_currency"));
  const paid_at = fromBeijingTime(textOf(parameters, "gmt_payment") ?? "");
  const merchant = textOf(parameters, "seller_id");
  const app = readApp(account, parameters);
  if (!serial_no || !channel_trade_no || !amount || paid_at === undefined || !merchant || !app) {
    return rejected("the trade lacks its particulars");
  }
  const payer = textOf(parameters, "buyer_id") ?? textOf(parameters, "buyer_open_id");
  return {
    kind: "payment_succeeded",
    payment: { serial_no, channel_trade_no, amount, merchant, app, paid_at, payer },
  };
}

/**
 * The application whose trade it is. A notice names the one that it was sent to (app_id) and the merchant's (auth_app_id),
 * which are the same but for a service provider. There the documents do not agree which of both stands in app_id: either
 * is taken, and auth_app_id tells.
 */
function readApp({ app_id, merchant_app_id }: AlipayAccount, parameters: JsonObject): string | undefined {
  const addressed = textOf(parameters, "app_id");
  if (addressed !== app_id && addressed !== merchant_app_id) return addressed;
  return textOf(parameters, "auth_app_id") ?? addressed;
}

/** Exactly `success` acknowledges; anything else is sent again over a day. */
export function replyToNotice(accepted: boolean): NoticeReply {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return accepted ? { status: 200, headers, body: "success" } : { status: 400, headers, body: "fail" };
}

function rejected(detail: string): NoticeResult {
  return { kind: "rejected", detail };
}
