/** Whom a merchant may share with: POST /v3/profitsharing/receivers/add and …/delete. */
import type { Sandbox } from "../context.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { ownsAppid, readSubMerchant } from "./owner.ts";
import { readSealed } from "./sensitive.ts";
import type { Receiver } from "./state.ts";
import { allowText, refuseField, requireText } from "./validate.ts";

const types = ["MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID"] as const;
const relations = [
  ..."SERVICE_PROVIDER STORE STAFF STORE_OWNER PARTNER HEADQUARTER BRAND DISTRIBUTOR USER SUPPLIER CUSTOM".split(" "),
];
const receivers_max = 20_000;

/** Reads who is meant. Throws WechatError. */
export function readReceiver(
  call: WechatCall,
  fields: WechatCall["body"],
  path = "",
): Pick<Receiver, "type" | "account"> {
  const type = types.find((known) => known === requireText(fields, "type", 32, path));
  if (type === undefined) refuseField(`${path}/type`, fields.type, "取值不合法");
  if (type !== "MERCHANT_ID") checkApp(call, type);
  const account = requireText(fields, "account", 64, path);
  if (type === "MERCHANT_ID" && !/^\d{8,10}$/.test(account)) refuseField(`${path}/account`, account, "应为商户号");
  return { type, account };
}

/** An openid is one of the app that the call names. */
function checkApp({ body, member: { merchant } }: WechatCall, type: "PERSONAL_OPENID" | "PERSONAL_SUB_OPENID"): void {
  const name = type === "PERSONAL_OPENID" ? "appid" : "sub_appid";
  const appid = requireText(body, name, 32);
  const subs = (merchant.sub_merchants ?? []).map(({ sub_appid }) => sub_appid);
  const own = type === "PERSONAL_OPENID" ? ownsAppid(merchant, appid) : subs.includes(appid);
  if (!own) throw new WechatError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试");
}

/** Adds a receiver; adding it again changes nothing but its name. */
export function addReceiver(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body, member } = call;
  const owner = readSubMerchant(member.merchant, body);
  const receiver = readReceiver(call, body);
  const relation_type = requireText(body, "relation_type", 32);
  if (!relations.includes(relation_type)) refuseField("/relation_type", relation_type, "取值不合法");
  if (relation_type === "CUSTOM") requireText(body, "custom_relation", 10);
  else if (allowText(body, "custom_relation", 10) !== undefined) refuseField("/custom_relation", "", "不应填写");
  const name = readSealed(call, body, "name");
  if (name === undefined && receiver.type === "MERCHANT_ID") refuseField("/name", undefined, "商户接收方的全称必填");
  const known = member.merchant.receivers ?? [];
  if (known.length >= receivers_max) throw new WechatError(403, "RULE_LIMIT", "分账接收方数量超过限制");
  const others = known.filter((item) => !isSame(item, { ...receiver, ...owner }));
  member.merchant.receivers = [...others, { ...receiver, ...owner, ...(name !== undefined && { name }) }];
  sandbox.changed();
  const shown = body.name === undefined ? {} : { name: body.name };
  return { status: 200, body: { ...owner, ...receiver, ...shown, relation_type } };
}

/** Removes a receiver. One that is not there is refused. */
export function deleteReceiver(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body, member } = call;
  const owner = readSubMerchant(member.merchant, body);
  const receiver = readReceiver(call, body);
  const known = member.merchant.receivers ?? [];
  const others = known.filter((item) => !isSame(item, { ...receiver, ...owner }));
  if (others.length === known.length) throw new WechatError(400, "INVALID_REQUEST", "分账接收方不存在");
  member.merchant.receivers = others;
  sandbox.changed();
  return { status: 200, body: { ...owner, ...receiver } };
}

type Named = Pick<Receiver, "type" | "account"> & { sub_mchid?: string };

function isSame(a: Named, b: Named): boolean {
  return a.type === b.type && a.account === b.account && a.sub_mchid === b.sub_mchid;
}

/** The receiver as it was added, or undefined. */
export function findReceiver({ member }: WechatCall, named: Named): Receiver | undefined {
  return member.merchant.receivers?.find((item) => isSame(item, named));
}
