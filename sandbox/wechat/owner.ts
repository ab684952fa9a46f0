/**
 * Whose order it is: a direct merchant's own, or that of a sub-merchant (特约商户) for whom a service provider (服务商)
 * signs. A provider collects for its sub-merchants only.
 */
import type { Fields } from "../kit/input.ts";
import { type WechatCall, WechatError } from "./answer.ts";
import type { SubMerchant, WechatMerchant } from "./state.ts";
import { allowText, refuseField, requireText } from "./validate.ts";

/** The numbers of an order; `payer_appid` is the one under which its payer acts. */
export type Owner = { mchid: string; appid: string; sub_mchid?: string; sub_appid?: string; payer_appid: string };

/** Who asks, and for which sub-merchant. */
export type Asker = { mchid: string; sub_mchid?: string };

export function ownsAppid(merchant: WechatMerchant, appid: string): boolean {
  return [...merchant.appids, merchant.mini_appid, merchant.app_appid].includes(appid);
}

/** Throws NO_AUTH when the provider does not serve that sub-merchant. */
export function findSubMerchant(merchant: WechatMerchant, sub_mchid: string): SubMerchant {
  const found = merchant.sub_merchants?.find((item) => item.sub_mchid === sub_mchid);
  if (found === undefined) throw new WechatError(403, "NO_AUTH", "特约子商户商户号未授权服务商的产品权限");
  return found;
}

export function subOwnsAppid(sub: SubMerchant, appid: string): boolean {
  return [sub.sub_appid, sub.sub_mini_appid, sub.sub_app_appid].includes(appid);
}

/** True for a merchant that collects for others. */
export function isProvider({ sub_merchants = [] }: WechatMerchant): boolean {
  return sub_merchants.length > 0;
}

/** Reads who asks from a body or a query string. Throws WechatError when it is not the caller. */
export function readAsker(call: WechatCall, fields: Fields, partner: boolean): Asker {
  const { merchant } = call.member;
  const name = partner ? "sp_mchid" : "mchid";
  const mchid = requireText(fields, name, 32);
  if (mchid !== merchant.mchid) refuseField(`/${name}`, mchid, "商户号与签名商户号不一致");
  return { mchid, ...readSubMerchant(merchant, fields, partner) };
}

/** The sub-merchant that a provider must name and a direct merchant cannot have. */
export function readSubMerchant(
  merchant: WechatMerchant,
  fields: Fields,
  partner = isProvider(merchant),
): { sub_mchid?: string } {
  if (partner !== isProvider(merchant)) {
    if (partner) throw new WechatError(403, "NO_AUTH", "商户无服务商权限");
    throw new WechatError(400, "PARAM_ERROR", "受理机构必须传入sub_mch_id");
  }
  if (!partner) return {};
  return { sub_mchid: findSubMerchant(merchant, requireText(fields, "sub_mchid", 32)).sub_mchid };
}

/** Reads whose new order a body is. */
export function readOwner(call: WechatCall, partner: boolean): Owner {
  const { body } = call;
  const { merchant } = call.member;
  const asker = readAsker(call, body, partner);
  const appid = requireText(body, partner ? "sp_appid" : "appid", 32);
  if (!ownsAppid(merchant, appid)) refuseAppid();
  const sub_appid = partner ? allowText(body, "sub_appid", 32) : undefined;
  if (sub_appid === undefined || asker.sub_mchid === undefined) return { ...asker, appid, payer_appid: appid };
  if (!subOwnsAppid(findSubMerchant(merchant, asker.sub_mchid), sub_appid)) refuseAppid();
  return { ...asker, appid, sub_appid, payer_appid: sub_appid };
}

function refuseAppid(): never {
  throw new WechatError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试");
}

/** The numbers of an order as answers and notices show them. */
export function describeOwner(order: Omit<Owner, "payer_appid">): Fields {
  const { mchid, appid, sub_mchid, sub_appid } = order;
  if (sub_mchid === undefined) return { appid, mchid };
  return { sp_appid: appid, sp_mchid: mchid, ...(sub_appid !== undefined && { sub_appid }), sub_mchid };
}

/** The same without apps. */
export function describeMerchants({ mchid, sub_mchid }: Asker): Fields {
  return sub_mchid === undefined ? { mchid } : { sp_mchid: mchid, sub_mchid };
}
