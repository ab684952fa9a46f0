import type { TenantKey } from "../../kit/sql/tenant-key.ts";

/**
 * The opaque part of a cashier address: merchant and payment, 32 bytes as base64url. The payment's UUID carries 74
 * random bits, so an address cannot be guessed; the merchant's lets the payment be read on one shard.
 */
export function encodeCashierToken(payment: TenantKey): string {
  return Buffer.from(`${payment.merchant_id}${payment.id}`.replaceAll("-", ""), "hex").toString("base64url");
}

/** The payment of a token, or undefined when it is not one. */
export function decodeCashierToken(token: string): TenantKey | undefined {
  if (!/^[\w-]{43}$/.test(token)) return undefined;
  const hex = Buffer.from(token, "base64url").toString("hex");
  if (hex.length !== 64) return undefined;
  return { merchant_id: toUuid(hex.slice(0, 32)), id: toUuid(hex.slice(32)) };
}

function toUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
