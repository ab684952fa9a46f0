/**
 * A refund that the payer's account did not take (ABNORMAL), sent another way:
 * POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund. https://pay.weixin.qq.com/doc/v3/merchant/4012791904
 */
import type { ChannelContext, Conversation, RedirectInput, RedirectOutcome, RefundDestination } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { interpretWechatRefusal, redirectRefusals } from "./errors.ts";
import { subMerchantOf } from "./parties.ts";
import { queryRefund, readRefundState } from "./refund.ts";
import { sealText } from "./sensitive.ts";
import { signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

/**
 * Asks first: that tells WeChat Pay's number of the refund, and whether it is abnormal still. One that is not was redirected
 * before, by a call whose answer was lost or by a person at the portal, and stands as the question says.
 */
export const redirectRefund: Conversation<RedirectInput, RedirectOutcome> = {
  async converse(context, { refund, to }, send) {
    const asked = await send(await queryRefund.toRequest(context, refund));
    const outcome = await queryRefund.fromResponse(context, refund, asked);
    if (outcome.kind === "unknown") return outcome;
    const answer = readAnswer(context, asked);
    const refund_id = answer.kind === "accepted" ? textOf(answer.data, "refund_id") : undefined;
    if (answer.kind !== "accepted" || textOf(answer.data, "status") !== "ABNORMAL")
      return { kind: "redirected", outcome };
    if (!refund_id) return unknown("unreadable", "the refund has no refund_id");
    return apply(context, { refund, to }, refund_id, send);
  },
};

async function apply(
  context: ChannelContext,
  { refund, to }: RedirectInput,
  refund_id: string,
  send: Parameters<typeof redirectRefund.converse>[2],
): Promise<RedirectOutcome> {
  const { serial, ...destination } = writeDestination(context, to);
  const path = `/v3/refund/domestic/refunds/${encodeURIComponent(refund_id)}/apply-abnormal-refund`;
  const body = { ...subMerchantOf(context), out_refund_no: refund.refund_no, ...destination };
  const answer = readAnswer(context, await send(await signRequest(context, { method: "POST", path, body, serial })));
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return interpretWechatRefusal(redirectRefusals, answer);
  if (textOf(answer.data, "out_refund_no") !== refund.refund_no) {
    return unknown("integrity", "the answer is about another refund");
  }
  return { kind: "redirected", outcome: readRefundState(context, answer.data, textOf(answer.data, "status")) };
}

function writeDestination(context: ChannelContext, to: RefundDestination): JsonObject & { serial?: string } {
  if (to.kind === "merchant") return { type: "MERCHANT_BANK_CARD" };
  const [account, name] = [sealText(context, to.account), sealText(context, to.name)];
  return {
    type: "USER_BANK_CARD",
    bank_type: to.bank,
    bank_account: account.sealed,
    real_name: name.sealed,
    serial: account.serial,
  };
}
