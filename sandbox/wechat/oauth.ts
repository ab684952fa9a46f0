/** WeChat's web authorization: /connect/oauth2/authorize and /sns/oauth2/access_token. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { dawdle, hangAndDrop, html_page } from "../kit/exchange.ts";
import type { Fields } from "../kit/input.ts";
import { findAppOwner, openidOf } from "./openid.ts";

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
  const code = `0${sandbox.random.token(31)}`;
  sandbox.wechat.oauth_codes.set(code, { appid, payer, made_at_ms: sandbox.clock.now(), used: false });
  const [oldest] = sandbox.wechat.oauth_codes.keys();
  if (sandbox.wechat.oauth_codes.size > codes_max && oldest !== undefined) sandbox.wechat.oauth_codes.delete(oldest);
  back.searchParams.append("code", code);
  back.searchParams.append("state", state ?? "");
  return back.href;
}

/** The openid for a code, or WeChat's error; either comes with status 200. */
function exchangeCode(sandbox: Sandbox, query: Record<string, string>): Fields {
  const { appid = "", secret, code = "", grant_type } = query;
  const rid = `rid: ${sandbox.random.hex(8)}-${sandbox.random.hex(8)}-${sandbox.random.hex(8)}`;
  const refuse = (errcode: number, errmsg: string) => ({ errcode, errmsg: `${errmsg}, ${rid}` });
  const member = findAppOwner(sandbox, appid);
  if (member === undefined) return refuse(40013, "invalid appid");
  if (member.merchant.app_secret !== secret) return refuse(40125, "invalid appsecret");
  if (grant_type !== "authorization_code") return refuse(40002, "invalid grant_type");
  const found = sandbox.wechat.oauth_codes.get(code);
  const stale = found === undefined || sandbox.clock.now() - found.made_at_ms > code_life_ms;
  if (stale || found.appid !== appid) return refuse(40029, "invalid code");
  if (found.used) return refuse(40163, "code been used");
  found.used = true;
  return {
    access_token: sandbox.random.token(88),
    expires_in: 7200,
    refresh_token: sandbox.random.token(88),
    openid: openidOf(appid, found.payer),
    scope: "snsapi_base",
  };
}

/** GET /sns/oauth2/access_token, with the faults of operation `oauth`. The answer is JSON labelled as text. */
export async function serveAccessToken(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): Promise<void> {
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
  const answer = exchangeCode(sandbox, query);
  if (fault?.fault === "timeout_after") return hangAndDrop(sandbox, fault, reply);
  if (fault?.fault === "slow") await dawdle(sandbox, fault);
  if (fault?.fault === "html") return void reply.type("text/html").send(html_page);
  if (fault?.fault === "empty") return void reply.send("");
  reply.type("text/plain; charset=utf-8").send(JSON.stringify(answer));
}
