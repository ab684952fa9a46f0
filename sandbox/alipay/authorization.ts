/** Authorization of a third-party application (第三方应用) by a merchant: the page, the token, and what it opens. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import { ControlError, type Fields } from "../kit/input.ts";
import { type AlipayCall, AlipayError, type Parameters, refuse } from "./answer.ts";
import type { AlipayMember, AppGrant } from "./state.ts";

const code_life_ms = 24 * 3_600_000;
const token_life_s = 31_536_000;
const refresh_life_s = 32_140_800;
/** After a refresh the old token goes on for ten minutes. */
const overlap_ms = 600_000;

/** Methods that a third-party application calls as itself; all others need a merchant's token. */
const own_methods = new Set([
  "alipay.open.auth.token.app",
  "alipay.open.auth.token.app.query",
  "alipay.system.oauth.token",
  "alipay.open.app.alipaycert.download",
]);

/** A merchant's application grants a third-party one; an earlier grant between the two ends. */
export function grantApp(sandbox: Sandbox, provider_id: string, merchant_id: string): AppGrant {
  const provider = sandbox.alipay.members.get(provider_id)?.merchant;
  const merchant = sandbox.alipay.members.get(merchant_id)?.merchant;
  if (!provider?.third_party) throw new ControlError(404, `No third-party Alipay application ${provider_id}.`);
  if (merchant === undefined || merchant.third_party) {
    throw new ControlError(404, `No Alipay application ${merchant_id} of a merchant.`);
  }
  revokeGrants(sandbox, provider_id, merchant_id);
  return fileGrant(sandbox, { app_id: provider_id, auth_app_id: merchant_id, user_id: merchant.seller_id });
}

function fileGrant(sandbox: Sandbox, between: Pick<AppGrant, "app_id" | "auth_app_id" | "user_id">): AppGrant {
  const now_ms = sandbox.clock.now();
  const make = () =>
    `${formatBeijing(now_ms).slice(0, 7).replace("-", "")}BB${sandbox.random.hex(29)}X${between.user_id.slice(-2)}`;
  const grant: AppGrant = {
    ...between,
    token: make(),
    refresh_token: make(),
    granted_at_ms: now_ms,
    ends_at_ms: now_ms + token_life_s * 1000,
  };
  sandbox.alipay.grants.set(grant.token, grant);
  sandbox.changed();
  return grant;
}

/** The merchant takes its grant back: tokens of the two stop working at once. */
export function revokeGrants(sandbox: Sandbox, provider_id: string, merchant_id: string): void {
  for (const grant of sandbox.alipay.grants.values()) {
    if (grant.app_id === provider_id && grant.auth_app_id === merchant_id) sandbox.alipay.grants.delete(grant.token);
  }
  sandbox.changed();
}

/** Whose trades a verified call is about: the application's own, or those of the merchant whose token it brings. */
export function findOwner(sandbox: Sandbox, member: AlipayMember, parameters: Parameters): AlipayMember {
  const { app_auth_token, method = "" } = parameters;
  if (app_auth_token === undefined || app_auth_token === "") {
    if (!member.merchant.third_party || own_methods.has(method)) return member;
    throw new AlipayError("40006", "isv.self-invoke-forbidden", "此用户不允许自调用");
  }
  const grant = sandbox.alipay.grants.get(app_auth_token);
  const owner = grant && sandbox.alipay.members.get(grant.auth_app_id);
  if (grant === undefined || owner === undefined || grant.app_id !== member.merchant.app_id) {
    throw new AlipayError("20001", "aop.invalid-app-auth-token", "无效的应用授权令牌");
  }
  if (sandbox.clock.now() >= grant.ends_at_ms) {
    throw new AlipayError("20001", "aop.app-auth-token-time-out", "应用授权令牌已过期");
  }
  return owner;
}

/** GET /oauth2/appToAppAuth.htm: `merchant` names who authorizes; approves by itself and goes back with a code. */
export function authorizeApp(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const { app_id = "", redirect_uri = "", state, merchant = "" } = request.query as Record<string, string>;
  const back = URL.parse(redirect_uri);
  const provider = sandbox.alipay.members.get(app_id)?.merchant;
  const granting = sandbox.alipay.members.get(merchant)?.merchant;
  if (back === null || !provider?.third_party || granting === undefined || granting.third_party) {
    reply.code(400).type("text/plain; charset=utf-8").send("app_id, merchant or redirect_uri is wrong. 授权参数错误");
    return;
  }
  const code = sandbox.random.hex(32);
  const made_at_ms = sandbox.clock.now();
  sandbox.alipay.app_auth_codes.set(code, { app_id, auth_app_id: merchant, made_at_ms });
  back.searchParams.append("app_id", app_id);
  back.searchParams.append("source", "alipay_app_auth");
  if (state !== undefined) back.searchParams.append("state", state);
  back.searchParams.append("app_auth_code", code);
  reply.redirect(back.href, 302);
}

/** alipay.open.auth.token.app: a code, good once for a day, or a refresh token, becomes an app_auth_token. */
export function exchangeAppCode(sandbox: Sandbox, call: AlipayCall): Fields {
  const { grant_type, code, refresh_token } = call.content;
  const { app_id } = call.member.merchant;
  if (!call.member.merchant.third_party) refuse("isv.insufficient-isv-permissions", "仅第三方应用可以换取应用授权令牌");
  if (grant_type === "authorization_code") {
    const found = sandbox.alipay.app_auth_codes.get(String(code));
    const stale = found === undefined || sandbox.clock.now() - found.made_at_ms > code_life_ms;
    if (stale || found.app_id !== app_id) throw new AlipayError("40002", "isv.code-invalid", "授权码code无效");
    sandbox.alipay.app_auth_codes.delete(String(code));
    return describeGrant(grantApp(sandbox, app_id, found.auth_app_id));
  }
  if (grant_type !== "refresh_token") throw new AlipayError("40002", "isv.grant-type-invalid", "grant_type参数无效");
  const old = [...sandbox.alipay.grants.values()].find((grant) => grant.refresh_token === refresh_token);
  if (old === undefined || old.app_id !== app_id || old.refreshed) {
    throw new AlipayError("40002", "isv.refresh-token-invalid", "刷新令牌refresh_token无效");
  }
  old.refreshed = true;
  old.ends_at_ms = Math.min(old.ends_at_ms, sandbox.clock.now() + overlap_ms);
  const { auth_app_id, user_id } = old;
  return describeGrant(fileGrant(sandbox, { app_id, auth_app_id, user_id }));
}

function describeGrant(grant: AppGrant): Fields {
  const token = {
    app_auth_token: grant.token,
    app_refresh_token: grant.refresh_token,
    auth_app_id: grant.auth_app_id,
    expires_in: token_life_s,
    re_expires_in: refresh_life_s,
    user_id: grant.user_id,
  };
  return { code: "10000", msg: "Success", ...token, tokens: [token] };
}

/** alipay.open.auth.token.app.query: whose token it is, and whether it still is good. */
export function queryAppToken(sandbox: Sandbox, call: AlipayCall): Fields {
  const grant = sandbox.alipay.grants.get(String(call.content.app_auth_token));
  if (grant === undefined || grant.app_id !== call.member.merchant.app_id) {
    throw new AlipayError("20001", "aop.invalid-app-auth-token", "无效的应用授权令牌");
  }
  const left_ms = grant.ends_at_ms - sandbox.clock.now();
  return {
    code: "10000",
    msg: "Success",
    user_id: grant.user_id,
    auth_app_id: grant.auth_app_id,
    expires_in: token_life_s,
    auth_methods: ["alipay.trade.*"],
    auth_start: formatBeijing(grant.granted_at_ms),
    auth_end: formatBeijing(grant.ends_at_ms),
    status: left_ms > 0 ? "valid" : "invalid",
  };
}
