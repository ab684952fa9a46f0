/** Whether an account works, and until when: a harmless call to WeChat Pay, and the dates of its certificates. */
import { X509Certificate } from "node:crypto";
import { randomToken } from "../../kit/random.ts";
import type { ChannelAccount, ChannelContext, ConnectionOutcome, Conversation, Expiry, Send } from "../contract.ts";
import { certificates } from "./certificates.ts";
import type { WechatConfig } from "./config.ts";
import { query } from "./query.ts";
import { codeSpelling, findSignatureProblem, readAnswer } from "./verify.ts";

const ORDER_NUMBER_LENGTH = 32;
/** What WeChat Pay says to a well-signed question about an order that nobody made. */
const absent: readonly string[] = ["ORDERNOTEXIST", "RESOURCENOTEXISTS"];

/**
 * Asks for an order that does not exist, which tries the merchant's key, its serial number and its mchid; and where the
 * account has platform certificates, for these, which tries the APIv3 key and the certificates held. The refusal of the
 * first comes unsigned, so that a public key of WeChat Pay alone is tried by the first payment only.
 */
export const checkConnection: Conversation<Record<string, never>, ConnectionOutcome> = {
  async converse(context, _input, send) {
    const asked = await askForNothing(context, send);
    const { platform_certificates = [] } = context.account.config as WechatConfig;
    return asked.kind === "connected" && platform_certificates.length > 0 ? tryCertificates(context, send) : asked;
  },
};

async function askForNothing(context: ChannelContext, send: Send): Promise<ConnectionOutcome> {
  const nobodys = { serial_no: randomToken(context.random, ORDER_NUMBER_LENGTH), method: "wechat.native" } as const;
  const input = { ...nobodys, amount: { amount: 1n, currency: "CNY" }, created_at: context.clock.now() };
  const answer = readAnswer(context, await send(await query.toRequest(context, input)));
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "accepted" || absent.includes(codeSpelling(answer.code))) return { kind: "connected" };
  return { kind: "failed", failure: { code: answer.code, message: answer.message } };
}

async function tryCertificates(context: ChannelContext, send: Send): Promise<ConnectionOutcome> {
  const response = await send(await certificates.toRequest(context, {}));
  const outcome = await certificates.fromResponse(context, {}, response);
  if (outcome.kind !== "certificates") return outcome;
  const message = findSignatureProblem(context, response.headers, response.body);
  return message === undefined
    ? { kind: "connected" }
    : { kind: "failed", failure: { code: "PLATFORM_CERTIFICATE_NOT_HELD", message } };
}

/**
 * The merchant's certificate, and of WeChat Pay's platform certificates the one that lasts longest: earlier ones may end
 * beside it. Public keys do not expire.
 */
export function expiries(account: ChannelAccount): Expiry[] {
  const { merchant_certificate, platform_certificates = [] } = account.config as WechatConfig;
  const platform = platform_certificates.flatMap(({ serial_no, pem }) => {
    const name = `platform_certificates ${serial_no}`;
    const label = { zh: `微信支付平台证书 ${serial_no}`, en: `Platform certificate ${serial_no}` };
    return expiryOf(name, label, pem);
  });
  const label = { zh: "商户 API 证书", en: "Merchant API certificate" };
  const longest = platform.sort((a, b) => b.expires_at - a.expires_at).slice(0, 1);
  return [...expiryOf("merchant_certificate", label, merchant_certificate), ...longest];
}

function expiryOf(name: string, label: Expiry["label"], pem: string | undefined): Expiry[] {
  const expires_at = readExpiry(pem);
  return expires_at === undefined ? [] : [{ name, label, expires_at }];
}

/** A certificate that cannot be read is a fault that `checkAccount` names. */
function readExpiry(pem: string | undefined): number | undefined {
  if (pem === undefined) return undefined;
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
