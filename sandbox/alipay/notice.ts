/** Alipay's notices and the signed parameters of a synchronous return: a form, RSA2 without sign and sign_type. */
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import { signRsa, spoilSignature } from "../kit/crypto.ts";
import { type Message, type Notice, type Parcel, rewriteForm } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import { type Parameters, signingText } from "./answer.ts";
import { formatYuan, parseYuan } from "./money.ts";
import { namePayer } from "./payer.ts";
import type { AlipayMember, AlipayRefund, AlipayTrade } from "./state.ts";

/** Seconds between tries: 4 m 10 m 10 m 1 h 2 h 6 h 15 h. */
export const alipay_schedule_s = [240, 600, 600, 3600, 7200, 21_600, 54_000];
const reply_limit_ms = 10_000;

/** Signs outgoing parameters; `sign_type` is sent and not signed. */
async function signParameters(member: AlipayMember, parameters: Parameters): Promise<Parameters> {
  const sign = await signRsa(signingText(parameters, ["sign", "sign_type"]), member.alipay_key);
  return { ...parameters, sign, sign_type: "RSA2" };
}

/** Drops what has no value: Alipay omits empty parameters. */
function compact(parameters: Record<string, string | undefined>): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ""),
  ) as Parameters;
}

/** The money that has come back to the payer so far, in fen. */
export function refundedAmount(trade: AlipayTrade): bigint {
  return trade.refunds.reduce((sum, refund) => (refund.status === "done" ? sum + refund.amount : sum), 0n);
}

/** What happened, fixed at the moment it did. */
function describeEvent(sandbox: Sandbox, trade: AlipayTrade, refund: AlipayRefund | undefined): Parameters {
  const owner = sandbox.alipay.members.get(trade.app_id);
  const total = formatYuan(trade.total);
  const at = (ms: number | undefined) => (ms === undefined ? undefined : formatBeijing(ms));
  return compact({
    notify_type: "trade_status_sync",
    app_id: trade.provider_id ?? trade.app_id,
    auth_app_id: trade.app_id,
    charset: "utf-8",
    version: "1.0",
    trade_no: trade.trade_no,
    out_trade_no: trade.out_trade_no,
    out_biz_no: refund?.out_request_no,
    ...namePayer(sandbox, findSpeaker(sandbox, trade)?.merchant, trade.buyer_id, ["buyer_id", "buyer_open_id"]),
    seller_id: owner?.merchant.seller_id,
    trade_status: trade.state,
    total_amount: total,
    receipt_amount: total,
    buyer_pay_amount: total,
    invoice_amount: total,
    point_amount: "0.00",
    refund_fee: refund && formatYuan(refundedAmount(trade)),
    subject: trade.subject,
    body: trade.body,
    gmt_create: at(trade.opened_at_ms),
    gmt_payment: at(trade.paid_at_ms),
    gmt_refund: refund && at(refund.done_at_ms),
    gmt_close: at(trade.closed_at_ms),
    fund_bill_list: JSON.stringify([{ amount: total, fundChannel: "ALIPAYACCOUNT" }]),
    passback_params: trade.passback_params,
  });
}

function distortEvent(parameters: Parameters, mutation: FaultName | undefined): Parameters {
  if (mutation === "notice_wrong_merchant")
    return { ...parameters, seller_id: "2088000000000001", app_id: "2021000000000001" };
  if (mutation !== "notice_wrong_amount") return parameters;
  const more = (key: string) => formatYuan((parseYuan(parameters[key]) ?? 0n) + 1n);
  const refund = parameters.refund_fee === undefined ? {} : { refund_fee: more("refund_fee") };
  return { ...parameters, total_amount: more("total_amount"), receipt_amount: more("receipt_amount"), ...refund };
}

/** The application whom Alipay tells about a trade: the one that ordered it, with the keys of its own. */
function findSpeaker(sandbox: Sandbox, trade: AlipayTrade): AlipayMember | undefined {
  return sandbox.alipay.members.get(trade.provider_id ?? trade.app_id);
}

async function compose(
  sandbox: Sandbox,
  trade: AlipayTrade,
  notice: Notice,
  url: string,
  mutation: FaultName | undefined,
): Promise<Message> {
  const member = findSpeaker(sandbox, trade);
  if (member === undefined) throw new Error(`Application ${trade.provider_id ?? trade.app_id} is gone.`);
  const notify_time = formatBeijing(sandbox.clock.now());
  const event = distortEvent({ notify_time, notify_id: notice.id, ...notice.facts }, mutation);
  const signed = await signParameters(member, event);
  if (mutation === "notice_bad_signature") signed.sign = spoilSignature(signed.sign ?? "");
  if (mutation === "notice_tampered") signed.total_amount = `1${signed.total_amount}`;
  return {
    url,
    headers: { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "Mozilla/4.0" },
    body: mutation === "notice_rewritten" ? rewriteForm(signed) : new URLSearchParams(signed).toString(),
  };
}

/** Wraps a trade's notice for the post office; undefined when the order asked for none. */
export function makeParcel(sandbox: Sandbox, trade: AlipayTrade, notice: Notice): Parcel | undefined {
  const url = trade.notify_url;
  if (url === undefined) return undefined;
  return {
    channel: "alipay",
    merchant: trade.app_id,
    trade: trade.out_trade_no,
    notice,
    schedule_s: findSpeaker(sandbox, trade)?.merchant.eager_notices ? [0, 0, ...alipay_schedule_s] : alipay_schedule_s,
    reply_limit_ms,
    compose: (mutation) => compose(sandbox, trade, notice, url, mutation),
    accepts: (status, body) => status === 200 && body.trim().toLowerCase() === "success",
  };
}

/** Writes a notice on the trade (of a payment, or of a refund) and sends it, unless `withheld`. */
export function announce(sandbox: Sandbox, trade: AlipayTrade, refund?: AlipayRefund, withheld = false): void {
  const notice: Notice = {
    id: `${formatBeijing(sandbox.clock.now()).slice(0, 10).replaceAll("-", "")}00222${sandbox.random.digits(19)}`,
    event: refund === undefined ? "trade_success" : "refund",
    facts: describeEvent(sandbox, trade, refund),
    created_at_ms: sandbox.clock.now(),
    attempts: 0,
    status: withheld ? "withheld" : "pending",
    ...(refund === undefined ? {} : { refund_no: refund.out_request_no }),
  };
  const parcel = makeParcel(sandbox, trade, notice);
  if (parcel === undefined) return;
  trade.notices.push(notice);
  if (!withheld) setImmediate(() => sandbox.deliveries.send(parcel));
}

/** The merchant's return address with the signed parameters that Alipay adds; undefined when it has none. */
export async function makeReturnUrl(sandbox: Sandbox, trade: AlipayTrade): Promise<string | undefined> {
  const member = findSpeaker(sandbox, trade);
  const url = URL.parse(trade.return_url ?? "");
  if (url === null || member === undefined) return undefined;
  const parameters = await signParameters(
    member,
    compact({
      charset: "utf-8",
      out_trade_no: trade.out_trade_no,
      method: `alipay.trade.${trade.kind}.pay.return`,
      total_amount: formatYuan(trade.total),
      trade_no: trade.trade_no,
      auth_app_id: trade.app_id,
      version: "1.0",
      app_id: trade.provider_id ?? trade.app_id,
      seller_id: sandbox.alipay.members.get(trade.app_id)?.merchant.seller_id,
      timestamp: formatBeijing(sandbox.clock.now()),
    }),
  );
  for (const [key, value] of Object.entries(parameters)) url.searchParams.append(key, value);
  return url.href;
}
