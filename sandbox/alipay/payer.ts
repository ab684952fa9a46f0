/** How a payer is named to an application: by a user id, the same for all, or by an open id of that application. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import type { Fields } from "../kit/input.ts";
import { type AlipayCall, refuse } from "./answer.ts";
import type { AlipayMerchant } from "./state.ts";

/** The user id of a payer: 2088 and twelve digits. */
export function buyerIdOf(payer: string): string {
  if (/^2088\d{12}$/.test(payer)) return payer;
  const digest = hash("sha256", `alipay/${payer}`);
  return `2088${(BigInt(`0x${digest.slice(0, 14)}`) % 1_000_000_000_000n).toString().padStart(12, "0")}`;
}

/** The payer's open id in an application. */
function openIdOf(sandbox: Sandbox, { app_id }: AlipayMerchant, user_id: string): string {
  const open_id = `0${hash("sha256", `alipay/${app_id}/${user_id}`, "base64url")}`;
  sandbox.alipay.open_ids.set(open_id, user_id);
  return open_id;
}

/** The payer as an answer or a notice to the application has him: under `key`, or under `open_key`. */
export function namePayer(
  sandbox: Sandbox,
  merchant: AlipayMerchant | undefined,
  user_id: string | undefined,
  [key, open_key]: readonly [string, string],
): Record<string, string> {
  if (merchant === undefined || user_id === undefined) return {};
  return merchant.payer_id === "open_id" ? { [open_key]: openIdOf(sandbox, merchant, user_id) } : { [key]: user_id };
}

/** The user whom an order names. New applications cannot name one by a user id. */
export function readBuyer(sandbox: Sandbox, { content, member }: AlipayCall): string {
  const { buyer_id, buyer_open_id }: Fields = content;
  if (typeof buyer_id === "string" && member.merchant.payer_id === "open_id") {
    refuse("ACQ.INVALID_PARAMETER", "参数无效：新应用须传buyer_open_id");
  }
  const buyer = buyer_id ?? buyer_open_id;
  if (typeof buyer !== "string") refuse("ACQ.INVALID_PARAMETER", "参数无效：buyer_id和buyer_open_id不能同时为空");
  return sandbox.alipay.open_ids.get(buyer) ?? buyerIdOf(buyer);
}
