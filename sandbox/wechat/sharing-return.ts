/** Receivers give parts back: POST /v3/profitsharing/return-orders and GET …/return-orders/{out_return_no}. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact, formatRfc3339 } from "../kit/clock.ts";
import type { Fields } from "../kit/input.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { readSubMerchant } from "./owner.ts";
import { requireSharingNumber } from "./sharing.ts";
import type { SharingReturn, WechatSharing, WechatTrade } from "./state.ts";
import { canonicalize, requireFen, requireText } from "./validate.ts";

function describeReturn(trade: WechatTrade, sharing: WechatSharing, made: SharingReturn): Fields {
  return {
    ...(trade.sub_mchid !== undefined && { sub_mchid: trade.sub_mchid }),
    order_id: sharing.order_id,
    out_order_no: sharing.out_order_no,
    out_return_no: made.out_return_no,
    return_id: made.return_id,
    return_mchid: made.return_mchid,
    amount: made.amount,
    description: made.description,
    result: made.result,
    ...(made.fail_reason !== undefined && { fail_reason: made.fail_reason }),
    create_time: formatRfc3339(made.created_at_ms),
    ...(made.result !== "PROCESSING" && { finish_time: formatRfc3339(made.created_at_ms) }),
  };
}

function findSharing(sandbox: Sandbox, call: WechatCall, out_order_no: string, fields: Fields) {
  const { merchant } = call.member;
  const { sub_mchid } = readSubMerchant(merchant, fields);
  const found = sandbox.wechat.sharings.get(`${merchant.mchid}/${out_order_no}`);
  if (found === undefined || found.sharing.kind !== "share" || found.trade.sub_mchid !== sub_mchid) {
    throw new WechatError(404, "RESOURCE_NOT_EXISTS", "原分账单不存在");
  }
  return found;
}

/** Takes a part back at once. The same number with the same content answers the same return. */
export function placeReturn(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body } = call;
  const out_return_no = requireSharingNumber(body, "out_return_no");
  const { trade, sharing } = findSharing(sandbox, call, requireSharingNumber(body, "out_order_no"), body);
  const fingerprint = hash("sha256", canonicalize(body), "base64");
  const return_mchid = requireText(body, "return_mchid", 32);
  const amount = Number(requireFen(body, "amount"));
  const description = requireText(body, "description", 80);
  const known = sharing.returns.find((item) => item.out_return_no === out_return_no);
  if (known !== undefined) {
    if (known.fingerprint === fingerprint) return { status: 200, body: describeReturn(trade, sharing, known) };
    throw new WechatError(400, "INVALID_REQUEST", "商户回退单号重复，参数与之前请求不一致");
  }
  const part = sharing.parts.find(({ type, account }) => type === "MERCHANT_ID" && account === return_mchid);
  if (part?.result !== "SUCCESS") throw new WechatError(400, "INVALID_REQUEST", "回退方没有成功的分账");
  const returned = sharing.returns.filter((item) => item.return_mchid === return_mchid && item.result !== "FAILED");
  if (returned.reduce((sum, item) => sum + item.amount, amount) > part.amount) {
    throw new WechatError(403, "NOT_ENOUGH", "回退金额超过分账金额");
  }
  const fails = call.fault?.fault === "payout_failed";
  const made: SharingReturn = {
    out_return_no,
    return_id: `30039${formatCompact(sandbox.clock.now())}${sandbox.random.digits(11)}`,
    return_mchid,
    amount,
    description,
    result: fails ? "FAILED" : call.fault?.fault === "payout_processing" ? "PROCESSING" : "SUCCESS",
    fingerprint,
    created_at_ms: sandbox.clock.now(),
    ...(fails && { fail_reason: "BALANCE_NOT_ENOUGH" }),
  };
  sharing.returns.push(made);
  sandbox.changed();
  return { status: 200, body: describeReturn(trade, sharing, made) };
}

/** GET …/return-orders/{out_return_no}?out_order_no=; asking ends one that a fault had kept under way. */
export function queryReturn(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { trade, sharing } = findSharing(sandbox, call, requireText(call.query, "out_order_no", 64), call.query);
  const found = sharing.returns.find((item) => item.out_return_no === call.params.out_return_no);
  if (found === undefined) throw new WechatError(404, "RESOURCE_NOT_EXISTS", "回退单不存在");
  const answer = { status: 200, body: describeReturn(trade, sharing, found) };
  if (found.result === "PROCESSING") found.result = "SUCCESS";
  return answer;
}
