/**
 * Requests and answers of UnionPay ACP 5.1.0 at the wire. A request is an urlencoded form; an answer is raw `k=v&k=v`,
 * unencoded, so that values hold `=`, `+` and line ends. Both are signed alike: RSA-SHA256 over the lower-case hex of
 * the SHA-256 of all non-empty fields but `signature`, sorted.
 */
import { hash } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { Sandbox } from "../context.ts";
import { signRsa, spoilSignature, verifyRsa } from "../kit/crypto.ts";
import { hangAndDrop, html_page, interfere } from "../kit/exchange.ts";
import type { Fault } from "../kit/faults.ts";
import type { UnionpayMember } from "./state.ts";

/** The fields of a message. */
export type Message = Record<string, string>;

/** A refusal with UnionPay's code. */
export class UnionpayError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(messages[code] ?? "交易失败");
    this.code = code;
  }
}

/** A verified request. `fault` is the one that this call uses up. */
export type UnionpayCall = { member: UnionpayMember; request: Message; fault: Fault | undefined };

const messages: Record<string, string> = {
  "00": "成功[0000000]",
  "03": "交易通讯超时，请发起查询交易[1000003]",
  "05": "交易已受理，请稍后查询交易结果[1000005]",
  "06": "系统繁忙，请稍后再试[1000006]",
  "10": "报文格式错误[1000010]",
  "11": "验证签名失败[9100004]",
  "12": "重复交易[1000012]",
  "13": "报文交易要素缺失[1000013]",
  "32": "无此交易权限[1000032]",
  "33": "交易金额超限[1000033]",
  "34": "查无此交易[2600000]",
  "35": "原交易不存在或状态不正确[2000035]",
  "36": "与原交易信息不符[2000036]",
  "37": "已超过最大查询次数或操作过于频繁[1000037]",
  "39": "交易不在受理时间范围内[2000039]",
  "30": "交易未通过，请尝试使用其他银联卡支付或联系95516[1000030]",
  "46": "交易已被成功冲正[2000046]",
  "64": "卡上的余额不足[1000064]",
  "86": "二维码状态错误[1000086]",
  "88": "无此二维码[1000088]",
  "98": "文件不存在[1000098]",
};

/** UnionPay's words for a code. */
export function sayCode(code: string): string {
  return messages[code] ?? "交易失败";
}

export function refuse(code: string): never {
  throw new UnionpayError(code);
}

/** The fields of an urlencoded body. */
export function readForm(body: unknown): Message {
  return Object.fromEntries(new URLSearchParams(Buffer.isBuffer(body) ? body.toString("utf8") : ""));
}

/** The digest that is signed, in lower-case hex. */
function digest(message: Message): string {
  const text = Object.keys(message)
    .filter((key) => key !== "signature" && message[key] !== "")
    .sort()
    .map((key) => `${key}=${message[key]}`)
    .join("&");
  return hash("sha256", text, "hex");
}

/** The message with UnionPay's certificate and signature. */
export async function signMessage(member: UnionpayMember, message: Message): Promise<Message> {
  const signPubKeyCert = member.merchant.signing.pem.trim().replaceAll("\n", "\r\n");
  const complete = { ...message, signMethod: "01", signPubKeyCert };
  return { ...complete, signature: await signRsa(digest(complete), member.signing_key) };
}

/** Throws 10 for an envelope of another protocol, 11 for a certificate of another number or time and a wrong signature. */
export function checkSignature(sandbox: Sandbox, member: UnionpayMember, request: Message): void {
  if (request.version !== "5.1.0" || request.encoding !== "UTF-8" || request.signMethod !== "01") refuse("10");
  if (request.accessType !== "0") refuse("32");
  const good = verifyRsa(digest(request), request.signature ?? "", member.merchant_key);
  const expired = sandbox.clock.now() > member.valid_until_ms;
  if (request.certId !== member.merchant.cert_id || expired || !good) refuse("11");
}

/** A field that must be there (13) and have its form (10). */
export function requireField(request: Message, key: string, form: RegExp): string {
  const value = request[key];
  if (value === undefined || value === "") refuse("13");
  if (!form.test(value)) refuse("10");
  return value;
}

const echoed = ["version", "encoding", "bizType", "txnType", "txnSubType", "accessType", "merId", "orderId", "txnTime"];

function compose(request: Message, code: string, more: Message): Message {
  const echo = Object.fromEntries(echoed.flatMap((key) => (request[key] ? [[key, request[key]]] : [])));
  return { ...echo, respCode: code, respMsg: sayCode(code), ...more };
}

/** Makes an answer untrue in the one field that the fault names, before it is signed. */
function distort(message: Message, fault: Fault): Message {
  const copy = { ...message };
  if (fault.fault === "wrong_number" && copy.orderId) copy.orderId = `${copy.orderId.slice(0, -1)}#`;
  if (fault.fault === "wrong_currency" && copy.currencyCode) copy.currencyCode = "840";
  if (fault.fault === "wrong_amount" && copy.txnAmt) copy.txnAmt = String(BigInt(copy.txnAmt) + 1n);
  if (fault.fault === "wrong_merchant" && copy.merId) copy.merId = "777290058110000";
  return copy;
}

const codes_of_faults: Partial<Record<Fault["fault"], string>> = {
  system_error: "06",
  service_unavailable: "03",
  rate_limit: "37",
};

/** Faults that come before any effect; true when the exchange is over. */
export async function refuseByFault(sandbox: Sandbox, fault: Fault, reply: FastifyReply): Promise<boolean> {
  if (fault.fault === "timeout_before") {
    await hangAndDrop(sandbox, fault, reply);
    return true;
  }
  if (fault.fault === "http_500") {
    reply.code(500).type("text/html").send(html_page);
    return true;
  }
  const code = codes_of_faults[fault.fault];
  return code === undefined ? false : refuse(code);
}

/** Sends an answer, bent by the call's fault, if there is one. */
export async function sendAnswer(
  sandbox: Sandbox,
  call: UnionpayCall,
  code: string,
  more: Message,
  reply: FastifyReply,
): Promise<void> {
  const { fault, member, request } = call;
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  const plain = compose(request, code, more);
  const message = await signMessage(member, fault === undefined ? plain : distort(plain, fault));
  if (fault?.fault === "bad_signature") message.signature = spoilSignature(message.signature ?? "");
  if (fault?.fault === "no_signature") delete message.signature;
  reply.code(200).type("text/html;charset=utf-8").send(writeRaw(message));
}

/** `k=v&k=v` as it stands: nothing is encoded. */
function writeRaw(message: Message): string {
  return Object.entries(message)
    .map(([key, value]) => `${key}=${value}`)
    .join("&");
}
