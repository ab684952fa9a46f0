/** Requests and answers of Alipay's openapi gateway at the wire: parameters, RSA2 both ways, error bodies. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { parseBeijing } from "../kit/clock.ts";
import { signRsa, spoilSignature, verifyRsa } from "../kit/crypto.ts";
import { hangAndDrop, html_page, interfere } from "../kit/exchange.ts";
import type { Fault } from "../kit/faults.ts";
import { type Fields, isFields } from "../kit/input.ts";
import { formatYuan, parseYuan } from "./money.ts";
import type { AlipayMember } from "./state.ts";

/** A refusal with Alipay's codes. Those of the gateway (neither 40004 nor 20001) are not signed. */
export class AlipayError extends Error {
  readonly code: string;
  readonly sub_code: string;
  constructor(code: string, sub_code: string, sub_msg: string) {
    super(sub_msg);
    this.code = code;
    this.sub_code = sub_code;
  }
}

/** A business refusal: code 40004. */
export function refuse(sub_code: string, sub_msg: string): never {
  throw new AlipayError("40004", sub_code, sub_msg);
}

/** All parameters of a request, query and form together. */
export type Parameters = Record<string, string>;

/** A verified request. `fault` is the one that this call uses up. */
export type AlipayCall = {
  /** The application that signed. */
  member: AlipayMember;
  /** Whose trades it is about: `member`, or the merchant for whom it acts. */
  owner: AlipayMember;
  method: string;
  parameters: Parameters;
  content: Fields;
  fault: Fault | undefined;
};

const messages: Record<string, string> = {
  "10000": "Success",
  "20000": "Service Currently Unavailable",
  "20001": "Insufficient Token Permissions",
  "40001": "Missing Required Arguments",
  "40002": "Invalid Arguments",
  "40004": "Business Failed",
  "40005": "Call Limited",
  "40006": "Insufficient Permissions",
};

/** Reads the query and an urlencoded body; a parameter given twice counts as in the body. */
export function readParameters(url: string, body: unknown): Parameters {
  const query = url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
  const form = Buffer.isBuffer(body) ? body.toString("utf8") : "";
  return Object.fromEntries([...new URLSearchParams(query), ...new URLSearchParams(form)]);
}

/** What is signed: non-empty parameters without those of `except`, sorted, `k=v` joined by `&`, unencoded. */
export function signingText(parameters: Parameters, except: readonly string[]): string {
  const keys = Object.keys(parameters).filter((key) => !except.includes(key) && parameters[key] !== "");
  return keys
    .sort()
    .map((key) => `${key}=${parameters[key]}`)
    .join("&");
}

function requireParameter(parameters: Parameters, key: string, sub_code: string, sub_msg: string): string {
  const value = parameters[key];
  if (value === undefined || value === "") throw new AlipayError("40001", sub_code, sub_msg);
  return value;
}

function checkEnvelope(parameters: Parameters): void {
  const sign_type = requireParameter(parameters, "sign_type", "isv.missing-signature-type", "缺少签名类型参数");
  if (sign_type !== "RSA2") throw new AlipayError("40002", "isv.invalid-signature-type", "无效的签名类型");
  requireParameter(parameters, "sign", "isv.missing-signature", "缺少签名参数");
  requireParameter(parameters, "version", "isv.missing-version", "缺少版本参数");
  const timestamp = requireParameter(parameters, "timestamp", "isv.missing-timestamp", "缺少时间戳参数");
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(timestamp) || parseBeijing(timestamp) === undefined) {
    throw new AlipayError("40002", "isv.invalid-timestamp", "非法的时间戳参数");
  }
  if ((parameters.charset ?? "").toLowerCase() !== "utf-8") {
    throw new AlipayError("40002", "isv.invalid-charset", "字符集错误（本模拟仅支持utf-8）");
  }
  if ((parameters.format ?? "JSON").toUpperCase() !== "JSON") {
    throw new AlipayError("40002", "isv.invalid-format", "无效的数据格式");
  }
}

function checkCertificates(sandbox: Sandbox, member: AlipayMember, parameters: Parameters): void {
  const { app_certificate } = member.merchant;
  if (app_certificate === undefined) return;
  if (parameters.app_cert_sn !== app_certificate.sn) {
    throw new AlipayError("40002", "isv.app-cert-not-exist", "应用公钥证书不存在");
  }
  if (sandbox.clock.now() > (member.app_certificate_ends_ms ?? 0)) {
    throw new AlipayError("40002", "isv.app-cert-expired", "应用公钥证书已过期");
  }
  if (parameters.alipay_root_cert_sn !== sandbox.alipay.authority?.root_sn) {
    throw new AlipayError("40002", "isv.invalid-alipay-root-cert-sn", "无效支付宝根证书序列号");
  }
}

/** Verifies a request as the gateway does and answers whose it is. */
export function verifyParameters(sandbox: Sandbox, parameters: Parameters): AlipayMember {
  const app_id = requireParameter(parameters, "app_id", "isv.missing-app-id", "缺少appId参数");
  const member = sandbox.alipay.members.get(app_id);
  if (member === undefined) throw new AlipayError("40002", "isv.invalid-app-id", "无效的AppID参数");
  checkEnvelope(parameters);
  checkCertificates(sandbox, member, parameters);
  const text = signingText(parameters, ["sign"]);
  if (!verifyRsa(text, parameters.sign ?? "", member.app_key)) {
    const hint = `验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：${text}`;
    throw new AlipayError("40002", "isv.invalid-signature", hint);
  }
  return member;
}

/** Reads `biz_content`; absent means empty, as some methods need none. */
export function readContent(parameters: Parameters): Fields {
  if (parameters.biz_content === undefined || parameters.biz_content === "") return {};
  try {
    const value: unknown = JSON.parse(parameters.biz_content);
    if (isFields(value)) return value;
  } catch {
    // Falls through to the one refusal for every kind of bad content.
  }
  throw new AlipayError("40002", "isv.invalid-parameter", "参数无效：biz_content不是合法的JSON对象");
}

/** Faults that come before any effect; true when the exchange is over. */
export async function refuseByFault(
  sandbox: Sandbox,
  fault: Fault,
  method: string,
  reply: FastifyReply,
): Promise<boolean> {
  switch (fault.fault) {
    case "timeout_before":
      await hangAndDrop(sandbox, fault, reply);
      return true;
    case "http_500":
      reply.code(500).type("text/html").send(html_page);
      return true;
    case "system_error":
      // Acquiring has a prefix of its own.
      return refuse(method.startsWith("alipay.trade.") ? "ACQ.SYSTEM_ERROR" : "SYSTEM_ERROR", "系统异常");
    case "service_unavailable":
      throw new AlipayError("20000", "isp.unknow-error", "服务暂不可用（业务系统不可用）");
    case "rate_limit":
      throw new AlipayError("40005", "isv.app-call-limited", "应用调用次数超限");
    default:
      return false;
  }
}

/** Makes an answer untrue in the one field that the fault names, before it is signed. */
function distort(body: Fields, fault: Fault): Fields {
  const copy = { ...body };
  if (fault.fault === "wrong_number") {
    for (const key of ["out_trade_no", "out_biz_no", "out_request_no"]) {
      if (key in copy) copy[key] = `${String(copy[key])}X`.slice(-64);
    }
  }
  if (fault.fault === "wrong_currency") copy.trans_currency = "USD";
  if (fault.fault === "wrong_amount") {
    for (const key of [
      "total_amount",
      "receipt_amount",
      "buyer_pay_amount",
      "refund_fee",
      "refund_amount",
      "trans_amount",
    ]) {
      const fen = parseYuan(copy[key]);
      if (fen !== undefined) copy[key] = formatYuan(fen + 1n);
    }
  }
  return copy;
}

/** JSON as the gateway writes it: slashes escaped. */
function writeJson(body: Fields): string {
  return JSON.stringify(body).replaceAll("/", "\\/");
}

/** Signs a response body: RSA2 over exactly the bytes of the object, which stands between the key and the sign. */
async function writeSigned(member: AlipayMember, key: string, body: Fields, fault: Fault | undefined): Promise<string> {
  const text = writeJson(fault === undefined ? body : distort(body, fault));
  const certificate = member.merchant.alipay_certificate;
  const certificate_sn = certificate === undefined ? "" : `,"alipay_cert_sn":"${certificate.sn}"`;
  if (fault?.fault === "no_signature") return `{"${key}":${text}${certificate_sn}}`;
  const signature = await signRsa(text, member.alipay_key);
  const sign = fault?.fault === "bad_signature" ? spoilSignature(signature) : signature;
  return `{"${key}":${text}${certificate_sn},"sign":"${sign}"}`;
}

/** The key of the response object. */
function responseKey(method: string | undefined): string {
  return method === undefined || method === "" ? "error_response" : `${method.replaceAll(".", "_")}_response`;
}

/** Sends a call's result, bent by the fault, if there is one. */
export async function sendResult(sandbox: Sandbox, call: AlipayCall, body: Fields, reply: FastifyReply): Promise<void> {
  const { fault } = call;
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  const text = await writeSigned(call.member, responseKey(call.method), body, fault);
  reply.code(200).type("text/html;charset=utf-8").send(text);
}

/** Sends a refusal: business ones and those of a token signed, the gateway's others not. */
export async function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  method: string | undefined,
  member: AlipayMember | undefined,
  error: AlipayError,
): Promise<void> {
  const { code, sub_code, message } = error;
  const body = { code, msg: messages[code] ?? "Error", sub_code, sub_msg: message };
  const key = method === "alipay.system.oauth.token" ? "error_response" : responseKey(method);
  request.log.debug(body);
  const signed = (code === "40004" || code === "20001") && member !== undefined;
  const text = signed ? await writeSigned(member, key, body, undefined) : `{"${key}":${writeJson(body)}}`;
  reply.code(200).type("text/html;charset=utf-8").send(text);
}
