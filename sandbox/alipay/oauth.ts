/** Alipay's user authorization: the page that gives a code, and alipay.system.oauth.token. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import type { Fields } from "../kit/input.ts";
import { type AlipayCall, AlipayError } from "./answer.ts";
import { buyerIdOf, namePayer } from "./payer.ts";

const code_life_ms = 300_000;
/** Codes beyond these are forgotten, the oldest first. */
const codes_max = 10_000;

/** Makes a single-use code for a payer. */
export function grantCode(sandbox: Sandbox, app_id: string, payer: string): string {
  const code = sandbox.random.hex(32);
  sandbox.alipay.auth_codes.set(code, { app_id, payer, made_at_ms: sandbox.clock.now(), used: false });
  const [oldest] = sandbox.alipay.auth_codes.keys();
  if (sandbox.alipay.auth_codes.size > codes_max && oldest !== undefined) sandbox.alipay.auth_codes.delete(oldest);
  return code;
}

/** GET /oauth2/publicAppAuthorize.htm: approves by itself and goes back with `auth_code` and `state`. */
export function authorize(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const query = request.query as Record<string, string>;
  const back = URL.parse(query.redirect_uri ?? "");
  const known = sandbox.alipay.members.has(query.app_id ?? "");
  if (back === null || !known || !["auth_base", "auth_user"].includes(query.scope ?? "")) {
    reply.code(400).type("text/plain; charset=utf-8").send("app_id, scope or redirect_uri is wrong. 授权参数错误");
    return;
  }
  back.searchParams.append("app_id", query.app_id ?? "");
  back.searchParams.append("source", "alipay_wallet");
  back.searchParams.append("scope", query.scope ?? "");
  if (query.state !== undefined) back.searchParams.append("state", query.state);
  back.searchParams.append("auth_code", grantCode(sandbox, query.app_id ?? "", query.payer ?? "payer-1"));
  reply.redirect(back.href, 302);
}

/** Changes a code for a user id. Parameters stand at the top level, and a success has no `code`. */
export function exchangeCode(sandbox: Sandbox, call: AlipayCall): Fields {
  const { grant_type, code } = call.parameters;
  if (grant_type !== "authorization_code")
    throw new AlipayError("40002", "isv.grant-type-invalid", "grant_type参数无效");
  const found = sandbox.alipay.auth_codes.get(code ?? "");
  const now_ms = sandbox.clock.now();
  const stale = found === undefined || found.used || now_ms - found.made_at_ms > code_life_ms;
  if (stale || found.app_id !== call.member.merchant.app_id) {
    throw new AlipayError("40002", "isv.code-invalid", "授权码code无效");
  }
  found.used = true;
  return {
    ...namePayer(sandbox, call.member.merchant, buyerIdOf(found.payer), ["user_id", "open_id"]),
    access_token: `authusrB${sandbox.random.hex(32)}`,
    expires_in: 1_296_000,
    refresh_token: `authusrB${sandbox.random.hex(32)}`,
    re_expires_in: 2_592_000,
    auth_start: formatBeijing(now_ms),
  };
}
