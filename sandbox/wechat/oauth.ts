/** WeChat's web authorization (/connect/oauth2/authorize, /sns/oauth2/access_token) and a mini program's login (/sns/jscode2session). */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { hangAndDrop, interfere } from "../kit/exchange.ts";
import { ControlError, type Fields } from "../kit/input.ts";
import { findAppOwner, openidOf } from "./openid.ts";
import type { OauthCode, WechatMerchant } from "./state.ts";

const code_life_ms = 300_000;
/** Codes beyond these are forgotten, the oldest first. */
const codes_max = 10_000;

/** Where an authorization leads, or undefined when its parameters are wrong. `payer` decides who it is. */
export function grantCode(sandbox: Sandbox, query: Record<string, string>, payer: string): string | undefined {
  const { appid = "", redirect_uri = "", response_type, scope = "", state } = query;
  const back = URL.parse(redirect_uri);
  const fit = response_type === "code" && ["snsapi_base", "snsapi_userinfo"].includes(scope);
  if (back === null || !/^https?:$/.test(back.protocol) || !fit || findAppOwner(sandbox, appid) === undefined)
    return undefined;
  const code = issueCode(sandbox, "web", appid, payer);
  back.searchParams.append("code", code);
  back.searchParams.append("state", state ?? "");
  return back.href;
}

function issueCode(sandbox: Sandbox, kind: OauthCode["kind"], appid: string, payer: string): string {
  const { oauth_codes } = sandbox.wechat;
  const code = `0${sandbox.random.token(31)}`;
  oauth_codes.set(code, { kind, appid, payer, made_at_ms: sandbox.clock.now(), used: false });
  const [oldest] = oauth_codes.keys();
  if (oauth_codes.size > codes_max && oldest !== undefined) oauth_codes.delete(oldest);
  return code;
}

/** What `wx.login` of a mini program answers on a payer's phone. */
export function logIn(sandbox: Sandbox, appid: string, payer: string): Fields {
  if (!isMini(findAppOwner(sandbox, appid)?.merchant, appid)) {
    throw new ControlError(404, `No mini program ${appid} is registered here.`);
  }
  return { code: issueCode(sandbox, "mini", appid, payer) };
}

function isMini(merchant: WechatMerchant | undefined, appid: string): boolean {
  const subs = merchant?.sub_merchants?.map((sub) => sub.sub_mini_appid) ?? [];
  return [merchant?.mini_appid, ...subs].includes(appid);
}

/** Each answers with status 200, as does WeChat's error. */
const exchanges = {
  "/sns/oauth2/access_token": { kind: "web", parameter: "code", secret: "app_secret", answer: describeToken },
  "/sns/jscode2session": { kind: "mini", parameter: "js_code", secret: "mini_app_secret", answer: describeSession },
} as const;
type Exchange = (typeof exchanges)[keyof typeof exchanges];

/** The addresses where codes become openids. */
export const exchange_paths = Object.keys(exchanges) as (keyof typeof exchanges)[];

function describeToken(sandbox: Sandbox, openid: string): Fields {
  const [access_token, refresh_token] = [sandbox.random.token(88), sandbox.random.token(88)];
  return { access_token, expires_in: 7200, refresh_token, openid, scope: "snsapi_base" };
}

function describeSession(sandbox: Sandbox, openid: string): Fields {
  return { session_key: Buffer.from(sandbox.random.token(16)).toString("base64"), openid };
}

/** The openid for a code, or WeChat's error. */
function exchangeCode(sandbox: Sandbox, exchange: Exchange, query: Record<string, string>): Fields {
  const { appid = "", secret, grant_type } = query;
  const rid = `rid: ${sandbox.random.hex(8)}-${sandbox.random.hex(8)}-${sandbox.random.hex(8)}`;
  const refuse = (errcode: number, errmsg: string) => ({ errcode, errmsg: `${errmsg}, ${rid}` });
  const member = findAppOwner(sandbox, appid);
  if (member === undefined) return refuse(40013, "invalid appid");
  if (member.merchant[exchange.secret] !== secret) return refuse(40125, "invalid appsecret");
  if (grant_type !== "authorization_code") return refuse(40002, "invalid grant_type");
  const found = sandbox.wechat.oauth_codes.get(query[exchange.parameter] ?? "");
  const stale = found === undefined || sandbox.clock.now() - found.made_at_ms > code_life_ms;
  if (stale || found.appid !== appid || found.kind !== exchange.kind) return refuse(40029, "invalid code");
  if (found.used) return refuse(40163, "code been used");
  found.used = true;
  return exchange.answer(sandbox, openidOf(appid, found.payer));
}

/** Serves an exchange, with the faults of operation `oauth`. The answer is JSON labelled as text. */
export async function serveExchange(
  sandbox: Sandbox,
  path: (typeof exchange_paths)[number],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const query = request.query as Record<string, string>;
  const owner = findAppOwner(sandbox, query.appid ?? "");
  const fault = sandbox.faults.take("wechat", "oauth", owner?.merchant.mchid ?? "");
  if (fault?.fault === "timeout_before") return hangAndDrop(sandbox, fault, reply);
  if (fault?.fault === "http_500") return void reply.code(500).type("text/plain").send("Internal Server Error");
  if (fault?.fault === "system_error")
    return void reply.type("text/plain").send('{"errcode":-1,"errmsg":"system error"}');
  if (fault?.fault === "rate_limit") {
    return void reply.type("text/plain").send('{"errcode":45009,"errmsg":"reach max api daily quota limit"}');
  }
  const answer = exchangeCode(sandbox, exchanges[path], query);
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  reply.type("text/plain; charset=utf-8").send(JSON.stringify(answer));
}
