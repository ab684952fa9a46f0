/** Code payments over API v3: POST …/codepay and …/out-trade-no/{out_trade_no}/reverse. */
import type { Sandbox } from "../context.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { type CodeResult, chargeCode, refusalOf, reverseCode } from "./code-pay.ts";
import { describeOwner, readOwner } from "./owner.ts";
import { readSettleInfo } from "./pay.ts";
import { describeTrade } from "./query.ts";
import type { WechatTrade } from "./state.ts";
import { allowText, readTime, requireFen, requireObject, requireOrderNumber, requireText } from "./validate.ts";

function orRefuse(result: CodeResult): WechatTrade {
  if ("trade" in result) return result.trade;
  const { status, code, message } = result.refusal;
  throw new WechatError(status, code === "SYSTEMERROR" ? "SYSTEM_ERROR" : code, message);
}

/** Scans a code. 200 tells of a paid order; USERPAYING is a refusal, though the order stands. */
export function placeCodeOrder(sandbox: Sandbox, call: WechatCall, partner: boolean): WechatAnswer {
  const { body } = call;
  const owner = readOwner(call, partner);
  requireObject(body, "scene_info");
  const auth_code = requireText(requireObject(body, "payer"), "auth_code", 32, "/payer");
  const order = {
    ...owner,
    out_trade_no: requireOrderNumber(body),
    description: requireText(body, "description", 127),
    attach: allowText(body, "attach", 128),
    total: requireFen(requireObject(body, "amount"), "total"),
    auth_code,
    expires_at_ms: readTime(body, "time_expire"),
    profit_sharing: readSettleInfo(body),
  };
  const wellFormed = /^1[0-5]\d{16}$/.test(auth_code);
  const trade = orRefuse(wellFormed ? chargeCode(sandbox, order) : refusalOf("AUTH_CODE_INVALID"));
  return { status: 200, body: describeTrade(trade) };
}

/** Ends a code's order. */
export function reverseCodeOrder(sandbox: Sandbox, call: WechatCall, partner: boolean): WechatAnswer {
  const owner = readOwner(call, partner);
  const out_trade_no = call.params.out_trade_no ?? "";
  const busy = call.fault?.fault === "user_paying";
  orRefuse(busy ? refusalOf("USERPAYING") : reverseCode(sandbox, owner, out_trade_no));
  return { status: 200, body: { ...describeOwner(owner), out_trade_no } };
}
