/** UnionPay's authorization in its app: the page that gives a code, and the call (00/10) that changes it for a user id. */
import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { type Message, refuse, requireField, type UnionpayCall } from "./answer.ts";
import { order_id_form, readTime } from "./order.ts";

const code_life_ms = 300_000;
/** Codes beyond these are forgotten, the oldest first. */
const codes_max = 10_000;
/** The browser of UnionPay's own app; other apps of its members have names of their own. */
export const app_identifier = "UnionPay/1.0 CloudPay";

function grantCode(sandbox: Sandbox, payer: string): string {
  const { user_auth_codes } = sandbox.unionpay;
  const code = Buffer.from(sandbox.random.hex(32), "hex").toString("base64");
  user_auth_codes.set(code, { payer, made_at_ms: sandbox.clock.now(), used: false });
  const [oldest] = user_auth_codes.keys();
  if (user_auth_codes.size > codes_max && oldest !== undefined) user_auth_codes.delete(oldest);
  return code;
}

/**
 * GET /qrcGtwWeb-web/api/userAuth: goes back to `redirectUrl` with `respCode` and `userAuthCode`. A browser that is not
 * the app's is let in all the same, as a link cannot set a User-Agent.
 */
export function authorizeUser(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const query = request.query as Record<string, string>;
  const back = URL.parse(query.redirectUrl ?? "");
  if (back === null || !/^1\.0\.\d$/.test(query.version ?? "")) {
    reply.code(400).type("text/plain; charset=utf-8").send("version or redirectUrl is wrong. 授权参数错误");
    return;
  }
  back.searchParams.append("respCode", "00");
  back.searchParams.append("userAuthCode", grantCode(sandbox, query.payer ?? "payer-1"));
  reply.redirect(back.href, 302);
}

/** A payer's id towards a merchant, the same each time. */
function appUserIdOf(mer_id: string, payer: string): string {
  return hash("sha384", `unionpay/${mer_id}/${payer}`, "base64");
}

/** Changes a code for the payer's id: once, within five minutes; 34 for any other. */
export function exchangeUserAuthCode(sandbox: Sandbox, { member, request }: UnionpayCall): Message {
  requireField(request, "orderId", order_id_form);
  requireField(request, "bizType", /^000000$/);
  readTime(request, "txnTime");
  if (requireField(request, "appUpIdentifier", /^UnionPay\/1\.0 \w+$/) !== app_identifier) refuse("36");
  const found = sandbox.unionpay.user_auth_codes.get(requireField(request, "userAuthCode", /^\S{8,128}$/));
  if (found === undefined || found.used || sandbox.clock.now() - found.made_at_ms > code_life_ms) refuse("34");
  found.used = true;
  return { appUserId: appUserIdOf(member.merchant.mer_id, found.payer) };
}
