/** Payers and apps, as WeChat names them. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { ownsAppid, subOwnsAppid } from "./owner.ts";
import type { WechatMember } from "./state.ts";

/** The openid of a payer in an app: the same payer has another one in each app. */
export function openidOf(appid: string, payer: string): string {
  if (/^o[0-9A-Za-z_-]{27}$/.test(payer)) return payer;
  return `o${hash("sha256", `${appid}/${payer}`, "base64url").slice(0, 27)}`;
}

/** The merchant whose app it is, or whose sub-merchant's. */
export function findAppOwner(sandbox: Sandbox, appid: string): WechatMember | undefined {
  return [...sandbox.wechat.members.values()].find(
    ({ merchant }) =>
      ownsAppid(merchant, appid) || (merchant.sub_merchants ?? []).some((sub) => subOwnsAppid(sub, appid)),
  );
}
