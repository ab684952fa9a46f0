/** Who may be shared with: alipay.trade.royalty.relation.bind and .unbind. Receivers need not agree. */
import type { ChannelContext, Operation, ReceiverKind, SharingMoveOutcome, SharingReceiver } from "../contract.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { textOf } from "../wire-json.ts";
import { interpretAlipayRefusal, relationRefusals } from "./errors.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

/** How Alipay names each kind that it takes. */
export const typeNames: Partial<Record<ReceiverKind, string>> = {
  user_id: "userId",
  login_id: "loginName",
  openid: "openId",
};

export const receiverKinds: readonly ReceiverKind[] = ["user_id", "login_id", "openid"];

/** Alipay's name of the kind of a receiver. Throws `RequestRefused` for a kind that it does not take. */
export function typeOf({ kind }: Pick<SharingReceiver, "kind">): string {
  const name = typeNames[kind];
  if (!name) throw new RequestRefused("RECEIVER_KIND_NOT_SUPPORTED", `Alipay does not know a receiver by ${kind}`);
  return name;
}

export const addReceiver = relation("alipay.trade.royalty.relation.bind");
export const removeReceiver = relation("alipay.trade.royalty.relation.unbind");

/**
 * Binding what is bound changes nothing, and so does unbinding what is not. The number of the request is a new one each
 * time: with the same one, a receiver that was unbound meanwhile would only be said to be bound.
 */
function relation(method: string): Operation<SharingReceiver, SharingMoveOutcome> {
  return {
    async toRequest(context: ChannelContext, receiver) {
      if (receiver.kind === "login_id" && !receiver.name) {
        throw new RequestRefused(
          "RECEIVER_NAME_REQUIRED",
          "Alipay binds a login name only together with the real name",
        );
      }
      const { account, name } = receiver;
      const entity = { type: typeOf(receiver), account, ...(name ? { name } : {}) };
      const out_request_no = context.random.bytes(16).toString("hex");
      return signCall(context, { method, biz_content: { receiver_list: [entity], out_request_no } });
    },
    fromResponse(context, _receiver, response) {
      const answer = readAnswer(context, method, response);
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "refused") return interpretAlipayRefusal(relationRefusals, answer);
      const result = textOf(answer.data, "result_code");
      if (result === "SUCCESS") return { kind: "succeeded" };
      return unknown("unreadable", `the result is ${result ?? "(none)"}`);
    },
  };
}
