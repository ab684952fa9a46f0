/**
 * Platform certificates last five years, and WeChat Pay may replace them at any time: a new one is listed a day or more
 * before it signs. Accounts with public keys only have nothing to renew.
 */
import { X509Certificate } from "node:crypto";
import type { ChannelContext, Conversation, KeyRenewal, RenewalOutcome } from "../contract.ts";
import { certificates, type PlatformCertificate } from "./certificates.ts";
import { verificationKeyId, type WechatConfig } from "./config.ts";

/** WeChat Pay asks to look at least every twelve hours. */
const EVERY_MS = 6 * 3_600_000;

const fetch: Conversation<Record<string, never>, RenewalOutcome> = {
  async converse(context, _input, send) {
    const config = context.account.config as WechatConfig;
    if (!config.platform_certificates?.length) return { kind: "unchanged" };
    const response = await send(await certificates.toRequest(context, {}));
    const outcome = await certificates.fromResponse(context, {}, response);
    if (outcome.kind !== "certificates") return outcome;
    const added = findUnknown(config, outcome.certificates, context.clock.now());
    if (added.length === 0) return { kind: "unchanged" };
    const platform_certificates = [...added, ...config.platform_certificates.filter((held) => isGood(context, held))];
    return { kind: "renewed", config: { ...config, platform_certificates } };
  },
};

/** A certificate stays until it has expired, as notices may still be signed by it; the one that requests name stays too. */
function isGood({ account, clock }: ChannelContext, { serial_no, pem }: { serial_no: string; pem: string }): boolean {
  const { wechatpay_serial } = account.config as WechatConfig;
  return wechatpay_serial === serial_no || clock.now() < Date.parse(new X509Certificate(pem).validTo);
}

/** What the account does not hold yet, and is valid. */
function findUnknown(config: WechatConfig, listed: readonly PlatformCertificate[], now: number) {
  const held = new Set(config.platform_certificates?.map(({ serial_no }) => verificationKeyId(serial_no)));
  return listed
    .filter(({ serial_no, effective_at, expires_at }) => {
      return effective_at <= now && now < expires_at && !held.has(verificationKeyId(serial_no));
    })
    .map(({ serial_no, pem }) => ({ serial_no, pem }));
}

export const keyRenewal: KeyRenewal = { every_ms: EVERY_MS, fetch };
