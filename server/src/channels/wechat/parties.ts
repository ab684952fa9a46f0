/**
 * Who takes part in an order: the merchant alone (直连商户), or a service provider (服务商) that signs and calls for its
 * sub-merchant (特约商户), who gets the money. https://pay.weixin.qq.com/doc/v3/partner/4012069852
 */
import type { ChannelContext, Method } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused } from "../refusal.ts";
import { asObject, type JsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount, type WechatAccount, type WechatConfig } from "./config.ts";

/** The numbers of an account, as its config and its opened form have them. */
type Numbers = Pick<
  WechatConfig | WechatAccount,
  "mchid" | "appid" | "mini_appid" | "app_appid" | "sub_mchid" | "sub_appid" | "sub_mini_appid" | "sub_app_appid"
>;

/** The merchant whose money it is. */
export function merchantOf({ mchid, sub_mchid }: Numbers): string {
  return sub_mchid ?? mchid;
}

/**
 * The appid under which the payer acts by this method: the sub-merchant's own where it has one, else the account's;
 * undefined when there is none. The payer's openid is one of this appid, and this appid signs what the payer's side gets.
 */
export function appidOf(numbers: Numbers, method: Method): string | undefined {
  return subAppidOf(numbers, method) ?? ownAppidOf(numbers, method);
}

/** The same. Throws RequestRefused when the account has none. */
export function requireAppid({ account }: ChannelContext, method: Method): string {
  const appid = appidOf(openWechatAccount(account), method);
  if (appid) return appid;
  const message = `the channel account has no appid for ${method}`;
  throw new RequestRefused("APPID_NOT_CONFIGURED", message, { elsewhere: true });
}

function ownAppidOf({ appid, mini_appid, app_appid }: Numbers, method: Method): string | undefined {
  if (method === "wechat.mini") return mini_appid;
  return method === "wechat.app" ? app_appid : appid;
}

function subAppidOf(numbers: Numbers, method: Method): string | undefined {
  if (numbers.sub_mchid === undefined) return undefined;
  if (method === "wechat.mini") return numbers.sub_mini_appid;
  return method === "wechat.app" ? numbers.sub_app_appid : numbers.sub_appid;
}

/** Where orders are placed and asked about. */
export function transactionsPath({ sub_mchid }: Numbers): string {
  return sub_mchid === undefined ? "/v3/pay/transactions" : "/v3/pay/partner/transactions";
}

/** The merchants of an order, for the body of a call about it. */
export function merchantsOf({ mchid, sub_mchid }: Numbers): JsonObject {
  return sub_mchid === undefined ? { mchid } : { sp_mchid: mchid, sub_mchid };
}

/** The sub-merchant alone, for calls that name it beside the caller. */
export function subMerchantOf({ account }: ChannelContext): JsonObject {
  const { sub_mchid } = openWechatAccount(account);
  return sub_mchid === undefined ? {} : { sub_mchid };
}

/** The merchants of an order, for the query string of a question. */
export function merchantsQuery(numbers: Numbers): string {
  return new URLSearchParams(merchantsOf(numbers) as Record<string, string>).toString();
}

/** The merchants and apps of a new order. Throws RequestRefused when the account has no appid for the method. */
export function partiesOf(context: ChannelContext, method: Method): JsonObject {
  const account = openWechatAccount(context.account);
  const appid = requireAppid(context, method);
  if (account.sub_mchid === undefined) return { appid, ...merchantsOf(account) };
  const sub_appid = subAppidOf(account, method);
  // The provider's own appid must be there beside the sub-merchant's; it need not be of the same kind of app.
  const sp_appid = sub_appid === undefined ? appid : account.appid;
  return { sp_appid, ...merchantsOf(account), ...(sub_appid === undefined ? {} : { sub_appid }) };
}

/** The payer of a jsapi order, named under the appid that `requireAppid` answers. */
export function payerOf({ account }: ChannelContext, method: Method, openid: string): JsonObject {
  const opened = openWechatAccount(account);
  if (opened.sub_mchid === undefined) return { openid };
  return subAppidOf(opened, method) === undefined ? { sp_openid: openid } : { sub_openid: openid };
}

/** Sentences about merchants in an answer or a notice that are not the account's. */
export function differencesOfMerchants({ mchid, sub_mchid }: Numbers, data: JsonObject): string[] {
  if (sub_mchid === undefined) return differenceOf("merchant", mchid, textOf(data, "mchid"));
  return [
    ...differenceOf("provider", mchid, textOf(data, "sp_mchid")),
    ...differenceOf("merchant", sub_mchid, textOf(data, "sub_mchid")),
  ];
}

/** Merchant, app and payer that an answer or a notice names: of the sub-merchant where it names one. */
export function readParties(data: JsonObject): { merchant?: string; app: string | undefined; payer?: string } {
  const payers = asObject(data.payer);
  const merchant = textOf(data, "sub_mchid") ?? textOf(data, "mchid");
  const payer = textOf(payers, "sub_openid") ?? textOf(payers, "sp_openid") ?? textOf(payers, "openid");
  const app = textOf(data, "sub_appid") ?? textOf(data, "sp_appid") ?? textOf(data, "appid");
  return { app, ...(merchant && { merchant }), ...(payer && { payer }) };
}
