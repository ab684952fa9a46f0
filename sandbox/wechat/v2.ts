/**
 * API v2 of WeChat Pay, as far as code payments need it: XML over /pay/micropay, /pay/orderquery and
 * /secapi/pay/reverse, signed with the merchant's v2 key. WeChat asks for the merchant's certificate in the TLS
 * handshake of a reversal; plain http has no handshake, so that here the signature alone is checked.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { formatCompact } from "../kit/clock.ts";
import { hangAndDrop, interfere } from "../kit/exchange.ts";
import type { Fault, Operation } from "../kit/faults.ts";
import { type CodeRefusal, type CodeResult, chargeCode, refusalOf, reverseCode } from "./code-pay.ts";
import { openidOf } from "./openid.ts";
import { isProvider, type Owner, subOwnsAppid } from "./owner.ts";
import { refreshTrade } from "./pay.ts";
import { state_descriptions, trade_types } from "./query.ts";
import type { WechatMember, WechatMerchant, WechatTrade } from "./state.ts";
import { readXml, signFields, writeXml, type XmlFields } from "./xml.ts";

type Work = (sandbox: Sandbox, member: WechatMember, fields: XmlFields, fault: Fault | undefined) => XmlFields;

/** A refusal of the request itself: return_code FAIL, unsigned. */
class CommunicationError extends Error {}

function requireFields(fields: XmlFields, names: readonly string[]): void {
  const missing = names.find((name) => !fields[name]);
  if (missing !== undefined) throw new CommunicationError(`缺少参数${missing}`);
}

function verifyFields(sandbox: Sandbox, fields: XmlFields): WechatMember {
  requireFields(fields, ["appid", "mch_id", "nonce_str", "sign"]);
  const member = sandbox.wechat.members.get(fields.mch_id!);
  if (member === undefined) throw new CommunicationError("mch_id参数格式错误");
  if (!["HMAC-SHA256", "MD5"].includes(fields.sign_type ?? "MD5")) throw new CommunicationError("签名类型错误");
  if (signFields(fields, member.merchant.api_v2_key, fields.sign_type) !== fields.sign) {
    throw new CommunicationError("签名错误");
  }
  if (!member.merchant.appids.includes(fields.appid!)) throw new CommunicationError("appid和mch_id不匹配");
  checkSubMerchant(member.merchant, fields);
  return member;
}

/** A service provider names its sub-merchant, and the sub-merchant's app if it likes; a direct merchant has none. */
function checkSubMerchant(merchant: WechatMerchant, { sub_mch_id, sub_appid }: XmlFields): void {
  if (!isProvider(merchant)) {
    if (sub_mch_id) throw new CommunicationError("商户无服务商权限");
    return;
  }
  if (!sub_mch_id) throw new CommunicationError("受理机构必须传入sub_mch_id");
  const sub = merchant.sub_merchants?.find((item) => item.sub_mchid === sub_mch_id);
  if (sub === undefined) throw new CommunicationError("sub_mch_id与mch_id不匹配");
  if (sub_appid && !subOwnsAppid(sub, sub_appid)) throw new CommunicationError("sub_mch_id与sub_appid不匹配");
}

function ownerOf({ appid = "", mch_id = "", sub_mch_id, sub_appid }: XmlFields): Owner {
  return {
    mchid: mch_id,
    appid,
    payer_appid: sub_appid || appid,
    ...(sub_mch_id && { sub_mchid: sub_mch_id }),
    ...(sub_appid && { sub_appid }),
  };
}

function refused({ code, message }: CodeRefusal): XmlFields {
  return { result_code: "FAIL", err_code: code, err_code_des: message };
}

function describe(trade: WechatTrade): XmlFields {
  const total = String(trade.total);
  if (trade.paid_at_ms === undefined) return { out_trade_no: trade.out_trade_no };
  return {
    ...(trade.sub_appid === undefined
      ? { openid: trade.payer ?? "" }
      : { openid: openidOf(trade.appid, `sub/${trade.payer}`), sub_openid: trade.payer ?? "" }),
    is_subscribe: "N",
    trade_type: trade_types[trade.kind],
    bank_type: "OTHERS",
    total_fee: total,
    fee_type: "CNY",
    cash_fee: total,
    cash_fee_type: "CNY",
    transaction_id: trade.transaction_id ?? "",
    out_trade_no: trade.out_trade_no,
    attach: trade.attach ?? "",
    time_end: formatCompact(trade.paid_at_ms),
  };
}

function answer(result: CodeResult, more: (trade: WechatTrade) => XmlFields): XmlFields {
  return "refusal" in result ? refused(result.refusal) : { result_code: "SUCCESS", ...more(result.trade) };
}

const micropay: Work = (sandbox, _member, fields) => {
  requireFields(fields, ["body", "out_trade_no", "total_fee", "spbill_create_ip", "auth_code"]);
  const { total_fee = "", out_trade_no = "", auth_code = "", body = "" } = fields;
  if (!/^[1-9]\d{0,9}$/.test(total_fee)) throw new CommunicationError("total_fee参数格式错误");
  if (!/^[0-9A-Za-z_\-|*]{6,32}$/.test(out_trade_no)) throw new CommunicationError("out_trade_no参数格式错误");
  if ([...body].length > 127) throw new CommunicationError("body参数长度有误");
  if (fields.fee_type !== undefined && fields.fee_type !== "CNY") throw new CommunicationError("fee_type参数错误");
  if (!/^1[0-5]\d{16}$/.test(auth_code)) return answer(refusalOf("AUTH_CODE_INVALID"), describe);
  const order = {
    ...ownerOf(fields),
    out_trade_no,
    description: body,
    attach: fields.attach,
    total: BigInt(total_fee),
    auth_code,
    expires_at_ms: readCompact(fields.time_expire),
    profit_sharing: fields.profit_sharing === "Y",
  };
  return answer(chargeCode(sandbox, order), describe);
};

function readCompact(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  const [, year, month, day, hour, minute, second] = match ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`);
  if (Number.isNaN(ms)) throw new CommunicationError("time_expire参数格式错误");
  return ms;
}

const orderquery: Work = (sandbox, _member, fields) => {
  const { mchid, sub_mchid } = ownerOf(fields);
  const trade =
    fields.transaction_id === undefined
      ? sandbox.wechat.trades.get(`${mchid}/${fields.out_trade_no}`)
      : sandbox.wechat.by_transaction.get(fields.transaction_id);
  if (trade === undefined || trade.mchid !== mchid || trade.sub_mchid !== sub_mchid)
    return answer(refusalOf("ORDERNOTEXIST"), describe);
  const { state } = refreshTrade(sandbox, trade);
  return answer({ trade }, (shown) => ({
    ...describe(shown),
    trade_state: state,
    trade_state_desc: state_descriptions[state],
  }));
};

const reverse: Work = (sandbox, _member, fields, fault) => {
  requireFields(fields, ["out_trade_no"]);
  const busy = fault?.fault === "user_paying";
  const result = busy ? refusalOf("USERPAYING") : reverseCode(sandbox, ownerOf(fields), fields.out_trade_no!);
  const again = "refusal" in result && result.refusal.code === "USERPAYING";
  return { ...answer(result, () => ({})), recall: again ? "Y" : "N" };
};

/** The calls by their paths. */
export const v2_calls: Readonly<Record<string, { operation: Operation; work: Work }>> = {
  "/pay/micropay": { operation: "pay", work: micropay },
  "/pay/orderquery": { operation: "query", work: orderquery },
  "/secapi/pay/reverse": { operation: "cancel", work: reverse },
};

/** Makes an answer untrue in the one field that the fault names, before it is signed. */
function distort(fields: XmlFields, fault: Fault | undefined): XmlFields {
  if (fault?.fault === "wrong_amount" && fields.total_fee) {
    return { ...fields, total_fee: String(BigInt(fields.total_fee) + 1n) };
  }
  if (fault?.fault === "wrong_currency" && fields.fee_type) return { ...fields, fee_type: "USD" };
  if (fault?.fault === "wrong_number" && fields.out_trade_no) {
    return { ...fields, out_trade_no: `${fields.out_trade_no}X`.slice(-32) };
  }
  if (fault?.fault !== "wrong_merchant") return fields;
  return { ...fields, [fields.sub_mch_id ? "sub_mch_id" : "mch_id"]: "1900000001" };
}

/** Faults that come before any effect: what is answered instead. */
function troubleOf(fault: Fault | undefined): XmlFields | undefined {
  if (fault?.fault === "system_error") return answer(refusalOf("SYSTEMERROR"), describe);
  if (fault?.fault === "rate_limit") {
    return refused({ code: "FREQUENCY_LIMITED", message: "频率限制", status: 429 });
  }
  return undefined;
}

async function sendSigned(
  sandbox: Sandbox,
  call: { member: WechatMember; fields: XmlFields; fault: Fault | undefined },
  result: XmlFields,
  reply: FastifyReply,
): Promise<void> {
  const { member, fields, fault } = call;
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  const { appid = "", mch_id = "", sub_appid, sub_mch_id } = fields;
  const sub = { ...(sub_appid && { sub_appid }), ...(sub_mch_id && { sub_mch_id }) };
  const head = { return_code: "SUCCESS", return_msg: "OK", appid, mch_id, ...sub };
  const body: XmlFields = distort({ ...head, nonce_str: sandbox.random.hex(32), ...result }, fault);
  const sign = signFields(body, member.merchant.api_v2_key, fields.sign_type);
  if (fault?.fault === "bad_signature") body.sign = sign.startsWith("A") ? `B${sign.slice(1)}` : `A${sign.slice(1)}`;
  else if (fault?.fault !== "no_signature") body.sign = sign;
  reply.code(200).type("text/plain").send(writeXml(body));
}

/** Serves one call of API v2. */
export function serveV2(
  sandbox: Sandbox,
  { operation, work }: { operation: Operation; work: Work },
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    try {
      const fields = readXml(Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "");
      if (fields === undefined) throw new CommunicationError("XML格式错误");
      const member = verifyFields(sandbox, fields);
      const fault = sandbox.faults.take("wechat", operation, member.merchant.mchid);
      if (fault?.fault === "timeout_before") return await hangAndDrop(sandbox, fault, reply);
      if (fault?.fault === "http_500") return void reply.code(500).type("text/plain").send("Internal Server Error");
      const result = troubleOf(fault) ?? work(sandbox, member, fields, fault);
      await sendSigned(sandbox, { member, fields, fault }, result, reply);
    } catch (error) {
      if (!(error instanceof CommunicationError)) throw error;
      reply
        .code(200)
        .type("text/plain")
        .send(writeXml({ return_code: "FAIL", return_msg: error.message }));
    }
  };
}
