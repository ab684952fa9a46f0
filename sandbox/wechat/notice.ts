/** Notices of WeChat Pay: TRANSACTION.SUCCESS and REFUND.*, encrypted with the APIv3 key and signed. */
import type { Sandbox } from "../context.ts";
import { formatRfc3339 } from "../kit/clock.ts";
import { encryptGcm, spoilSignature } from "../kit/crypto.ts";
import type { Message, Notice, Parcel } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import { chooseSigner, signMessage } from "./answer.ts";
import { describeMerchants } from "./owner.ts";
import { describeTrade } from "./query.ts";
import type { Signer, WechatMember, WechatTrade } from "./state.ts";

/** Seconds between tries: 15 s 15 s 30 s 3 m 10 m 20 m 30 m 30 m 30 m 60 m 3 h 3 h 3 h 6 h 6 h. */
export const wechat_schedule_s = [
  15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
];
export const wechat_reply_limit_ms = 5000;
const stale_ms = 600_000;
const summaries: Record<string, string> = {
  "TRANSACTION.SUCCESS": "支付成功",
  "REFUND.SUCCESS": "退款成功",
  "REFUND.ABNORMAL": "退款异常",
  "REFUND.CLOSED": "退款关闭",
};

/** What a notice tells, in the clear. */
function describeEvent(trade: WechatTrade, notice: Notice): Fields {
  if (notice.refund_no === undefined) return describeTrade(trade, "SUCCESS");
  const refund = trade.refunds.find((item) => item.out_refund_no === notice.refund_no);
  const total = Number(trade.total);
  const amount = Number(refund?.amount ?? 0n);
  return {
    ...describeMerchants(trade),
    transaction_id: trade.transaction_id,
    out_trade_no: trade.out_trade_no,
    refund_id: refund?.refund_id,
    out_refund_no: notice.refund_no,
    refund_status: notice.event.slice("REFUND.".length),
    ...(refund?.success_at_ms !== undefined && { success_time: formatRfc3339(refund.success_at_ms) }),
    user_received_account: "支付用户零钱",
    amount: { total, refund: amount, payer_total: total, payer_refund: amount },
  };
}

function distortEvent(event: Fields, mutation: FaultName | undefined): Fields {
  if (mutation === "notice_wrong_amount" && typeof event.transfer_amount === "number") event.transfer_amount += 1;
  const amount = (event.amount ?? {}) as Record<string, number | string>;
  if (mutation === "notice_wrong_merchant") {
    const name = ["sub_mchid", "mch_id"].find((key) => key in event) ?? "mchid";
    event[name] = "1900000001";
  }
  if (mutation === "notice_wrong_amount") {
    for (const key of ["total", "payer_total", "refund", "payer_refund"]) {
      if (typeof amount[key] === "number") amount[key] += 1;
    }
  }
  return event;
}

/** During a migration callbacks are signed with either key, so each notice draws one. */
function drawSigner(sandbox: Sandbox, member: WechatMember, serial: string | undefined): Signer {
  const { certificate, public_key } = member.signers;
  if (certificate && public_key) return sandbox.random.integer(2) === 0 ? certificate : public_key;
  return chooseSigner(member, serial);
}

/** What a notice is made of. `serial` is what the merchant's last request said about its subject. */
export type Letter = {
  mchid: string;
  serial: string | undefined;
  notice: Notice;
  original_type: string;
  summary: string;
  /** What it tells, in the clear. */
  event: Fields;
  url: string;
};

/** Encrypts and signs a notice, and bends it as a fault asks. */
export async function sealLetter(
  sandbox: Sandbox,
  { mchid, serial, notice, original_type, summary, event, url }: Letter,
  mutation: FaultName | undefined,
): Promise<Message> {
  const member = sandbox.wechat.members.get(mchid);
  if (member === undefined) throw new Error(`Merchant ${mchid} is gone.`);
  const nonce = sandbox.random.token(12);
  const body = JSON.stringify({
    id: notice.id,
    create_time: formatRfc3339(notice.created_at_ms),
    resource_type: "encrypt-resource",
    event_type: notice.event,
    summary,
    resource: {
      original_type,
      algorithm: "AEAD_AES_256_GCM",
      ciphertext: encryptGcm(
        member.merchant.api_v3_key,
        nonce,
        original_type,
        JSON.stringify(distortEvent(event, mutation)),
      ),
      associated_data: original_type,
      nonce,
    },
  });
  const at_ms = sandbox.clock.now() - (mutation === "notice_stale_timestamp" ? stale_ms : 0);
  const headers = await signMessage(sandbox, drawSigner(sandbox, member, serial), body, at_ms);
  const signature = headers["Wechatpay-Signature"] ?? "";
  if (mutation === "notice_bad_signature") headers["Wechatpay-Signature"] = spoilSignature(signature);
  if (mutation === "notice_signtest") headers["Wechatpay-Signature"] = `WECHATPAY/SIGNTEST/${signature}`;
  return {
    url,
    headers: { ...headers, "Content-Type": "application/json", Accept: "*/*", "User-Agent": "Mozilla/4.0" },
    body: distortBody(notice, body, mutation),
  };
}

/** A notice that has not been sent yet. */
export function makeNotice(sandbox: Sandbox, event: string): Notice {
  return {
    id: `EV-${sandbox.random.digits(28)}`,
    event,
    facts: {},
    created_at_ms: sandbox.clock.now(),
    attempts: 0,
    status: "pending",
  };
}

function compose(
  sandbox: Sandbox,
  trade: WechatTrade,
  notice: Notice,
  url: string,
  mutation: FaultName | undefined,
): Promise<Message> {
  const letter: Letter = {
    mchid: trade.mchid,
    serial: trade.serial,
    notice,
    original_type: notice.refund_no === undefined ? "transaction" : "refund",
    summary: summaries[notice.event] ?? "",
    event: describeEvent(trade, notice),
    url,
  };
  return sealLetter(sandbox, letter, mutation);
}

/** Whether a merchant's reply ends the tries. */
export function isAccepted(status: number): boolean {
  return status === 200 || status === 204;
}

/** The body after it was signed: changed, or written anew by a proxy that keeps its meaning. */
function distortBody(notice: Notice, body: string, mutation: FaultName | undefined): string {
  if (mutation === "notice_tampered") return body.replace(notice.id, `${notice.id.slice(0, -1)}x`);
  return mutation === "notice_rewritten" ? JSON.stringify(JSON.parse(body), null, 1) : body;
}

/** Wraps a trade's notice for the post office; undefined when the refund asked for none. */
export function makeParcel(sandbox: Sandbox, trade: WechatTrade, notice: Notice): Parcel | undefined {
  const refund = trade.refunds.find((item) => item.out_refund_no === notice.refund_no);
  const url = notice.refund_no === undefined ? trade.notify_url : refund?.notify_url;
  if (url === undefined) return undefined;
  return {
    channel: "wechat",
    merchant: trade.mchid,
    trade: trade.out_trade_no,
    notice,
    schedule_s: wechat_schedule_s,
    reply_limit_ms: wechat_reply_limit_ms,
    compose: (mutation) => compose(sandbox, trade, notice, url, mutation),
    accepts: isAccepted,
  };
}

/** Writes a notice on the trade and sends it, unless `withheld`. */
export function announce(
  sandbox: Sandbox,
  trade: WechatTrade,
  event: string,
  refund_no?: string,
  withheld = false,
): void {
  const notice: Notice = {
    ...makeNotice(sandbox, event),
    status: withheld ? "withheld" : "pending",
    ...(refund_no === undefined ? {} : { refund_no }),
  };
  const parcel = makeParcel(sandbox, trade, notice);
  if (parcel === undefined) return;
  trade.notices.push(notice);
  if (!withheld) setImmediate(() => sandbox.deliveries.send(parcel));
}
