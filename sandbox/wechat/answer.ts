/** Requests and answers of WeChat Pay API v3 at the wire: the Authorization header, error bodies, response signatures. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { signRsa, spoilSignature, verifyRsa } from "../kit/crypto.ts";
import { hangAndDrop, interfere } from "../kit/exchange.ts";
import type { Fault, Operation } from "../kit/faults.ts";
import { type Fields, isFields } from "../kit/input.ts";
import type { Signer, WechatMember } from "./state.ts";

/** A refusal, with WeChat's HTTP status, code and message. */
export class WechatError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: Fields | undefined;
  constructor(status: number, code: string, message: string, detail?: Fields) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** A verified request. `fault` is the one that this call uses up, for results that a fault decides. */
export type WechatCall = {
  member: WechatMember;
  body: Fields;
  params: Record<string, string>;
  query: Record<string, string>;
  serial: string | undefined;
  fault: Fault | undefined;
};

/** What a call answers; no body means 204. */
export type WechatAnswer = { status: number; body?: Fields };

const skew_s_max = 300;
const scheme = "WECHATPAY2-SHA256-RSA2048 ";
const nonce_window_ms = 300_000;
const nonces_max = 50_000;

/** Reads `k="v"` pairs of the Authorization header. */
function readAuthorization(header: string | undefined): Record<string, string> {
  if (header === undefined || !header.startsWith(scheme)) {
    throw new WechatError(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》");
  }
  const pairs: Record<string, string> = {};
  for (const match of header.slice(scheme.length).matchAll(/(\w+)="([^"]*)"/g)) pairs[match[1]!] = match[2]!;
  return pairs;
}

/** A 53-bit hash of a nonce: remembering a number instead of a string keeps the window small. */
function hashNonce(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x85ebca77);
    high = Math.imul(high ^ code, 0xc2b2ae3d);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** True the first time a nonce is seen within five minutes (or within the last 50,000 requests). */
function isFreshNonce(sandbox: Sandbox, nonce: string): boolean {
  const { nonces } = sandbox.wechat;
  const now_ms = sandbox.clock.now();
  if (now_ms - nonces.since_ms > nonce_window_ms || nonces.current.size >= nonces_max) {
    nonces.previous = nonces.current;
    nonces.current = new Set();
    nonces.since_ms = now_ms;
  }
  const hash = hashNonce(nonce);
  if (nonces.current.has(hash) || nonces.previous.has(hash)) return false;
  nonces.current.add(hash);
  return true;
}

/** Verifies a request as WeChat Pay does (signature, skew of five minutes, nonce) and answers whose it is. */
export function verifyRequest(sandbox: Sandbox, request: FastifyRequest): WechatMember {
  const { headers } = request;
  if (headers["user-agent"] === undefined || headers.accept === undefined) {
    throw new WechatError(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent");
  }
  const auth = readAuthorization(headers.authorization);
  const { mchid, nonce_str, signature, timestamp, serial_no } = auth;
  if (!mchid || !nonce_str || !signature || !timestamp || !serial_no || !/^\d{1,12}$/.test(timestamp)) {
    throw new WechatError(401, "SIGN_ERROR", "Http头Authorization缺少必要的签名信息");
  }
  const member = sandbox.wechat.members.get(mchid);
  if (member === undefined) throw new WechatError(401, "SIGN_ERROR", "商户号不存在，无法验证签名");
  if (serial_no.toUpperCase() !== member.merchant.merchant_serial_no.toUpperCase()) {
    throw new WechatError(401, "SIGN_ERROR", "商户证书序列号有误，请使用签名私钥匹配的证书序列号");
  }
  if (Math.abs(Number(timestamp) - sandbox.clock.now() / 1000) > skew_s_max) {
    throw new WechatError(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟");
  }
  const body = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
  const message = `${request.method}\n${request.raw.url}\n${timestamp}\n${nonce_str}\n${body}\n`;
  if (!verifyRsa(message, signature, member.merchant_key)) {
    throw new WechatError(401, "SIGN_ERROR", "错误的签名，验签失败", {
      detail: { issue: "sign not match" },
      field: "signature",
      location: "authorization",
    });
  }
  if (!isFreshNonce(sandbox, `${mchid}${nonce_str}`))
    throw new WechatError(401, "SIGN_ERROR", "随机串重复，请勿重放请求");
  return member;
}

/** The key that signs for this merchant: by its mode, and by the `Wechatpay-Serial` it sent. */
export function chooseSigner(member: WechatMember, serial: string | undefined): Signer {
  const { certificate, public_key } = member.signers;
  const asked = serial?.startsWith("PUB_KEY_ID_") ? public_key : certificate;
  const signer = asked ?? certificate ?? public_key;
  if (signer === undefined) throw new Error(`Merchant ${member.merchant.mchid} has no key of the channel.`);
  return signer;
}

/** The four signature headers over `body`. */
export async function signMessage(
  sandbox: Sandbox,
  signer: Signer,
  body: string,
  at_ms = sandbox.clock.now(),
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at_ms / 1000));
  const nonce = sandbox.random.hex(32);
  const signature = await signRsa(`${timestamp}\n${nonce}\n${body}\n`, signer.key);
  return {
    "Wechatpay-Timestamp": timestamp,
    "Wechatpay-Nonce": nonce,
    "Wechatpay-Signature": signature,
    "Wechatpay-Serial": signer.id,
    "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
  };
}

function readBody(request: FastifyRequest): Fields {
  const raw = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
  if (raw === "") return {};
  if (!request.headers["content-type"]?.startsWith("application/json")) {
    throw new WechatError(400, "PARAM_ERROR", "Http头Content-Type必须为application/json");
  }
  try {
    const value: unknown = JSON.parse(raw);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  } catch {
    // Falls through to the one refusal for every kind of bad body.
  }
  throw new WechatError(400, "PARAM_ERROR", "请求body不是合法的JSON");
}

/** Faults that come before any effect; the answer is final when one happens. */
async function refuseByFault(sandbox: Sandbox, fault: Fault, reply: FastifyReply): Promise<boolean> {
  switch (fault.fault) {
    case "timeout_before":
      await hangAndDrop(sandbox, fault, reply);
      return true;
    case "http_500":
      reply.code(500).type("text/plain").send("Internal Server Error");
      return true;
    case "system_error":
      throw new WechatError(500, "SYSTEM_ERROR", "系统异常，请稍后重试");
    case "rate_limit":
      throw new WechatError(429, "FREQUENCY_LIMITED", "频率超限，请降低请求频率");
    default:
      return false;
  }
}

/** Makes an answer untrue in the one field that the fault names, before it is signed. */
function distort(body: Fields, fault: Fault): Fields {
  const copy = structuredClone(body);
  const { amount } = copy;
  switch (fault.fault) {
    case "wrong_amount":
      if (isFields(amount)) for (const key of ["total", "payer_total", "refund"]) bump(amount, key);
      bump(copy, "transfer_amount");
      for (const part of Array.isArray(copy.receivers) ? copy.receivers : []) bump(part, "amount");
      return copy;
    case "wrong_currency":
      if (isFields(amount)) amount.currency = "USD";
      return copy;
    case "wrong_number":
      for (const key of ["out_trade_no", "out_refund_no", "out_order_no", "out_bill_no"])
        if (key in copy) copy[key] = `${String(copy[key])}X`.slice(-32);
      return copy;
    case "wrong_merchant":
      copy["sub_mchid" in copy ? "sub_mchid" : "mchid"] = "1900000001";
      return copy;
    default:
      return body;
  }
}

function bump(amount: Fields, key: string): void {
  if (typeof amount[key] === "number") amount[key] = (amount[key] as number) + 1;
}

async function sendAnswer(
  sandbox: Sandbox,
  call: WechatCall,
  answer: WechatAnswer,
  reply: FastifyReply,
): Promise<void> {
  const { fault } = call;
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  const body = answer.body === undefined ? "" : JSON.stringify(fault ? distort(answer.body, fault) : answer.body);
  if (fault?.fault !== "no_signature") {
    const headers = await signMessage(sandbox, chooseSigner(call.member, call.serial), body);
    if (fault?.fault === "bad_signature")
      headers["Wechatpay-Signature"] = spoilSignature(headers["Wechatpay-Signature"]!);
    reply.headers(headers);
  }
  if (body === "") reply.code(answer.status).send();
  else reply.code(answer.status).type("application/json; charset=utf-8").send(body);
}

/** Wraps one API call: verification, faults, the work itself, and a signed answer. 4xx and 5xx are not signed. */
export function serve(
  sandbox: Sandbox,
  operation: Operation,
  work: (call: WechatCall) => WechatAnswer | Promise<WechatAnswer>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    reply.header("Request-ID", sandbox.random.hex(24).toUpperCase());
    try {
      const member = verifyRequest(sandbox, request);
      const fault = sandbox.faults.take("wechat", operation, member.merchant.mchid);
      if (fault !== undefined && (await refuseByFault(sandbox, fault, reply))) return;
      const serial = request.headers["wechatpay-serial"];
      const call: WechatCall = {
        member,
        fault,
        body: readBody(request),
        params: request.params as Record<string, string>,
        query: request.query as Record<string, string>,
        serial: typeof serial === "string" ? serial : undefined,
      };
      await sendAnswer(sandbox, call, await work(call), reply);
    } catch (error) {
      if (!(error instanceof WechatError)) throw error;
      const { code, message, detail } = error;
      reply.code(error.status).send({ code, message, ...(detail === undefined ? {} : { detail }) });
    }
  };
}
