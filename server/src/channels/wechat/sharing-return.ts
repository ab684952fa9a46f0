/** A receiver gives its part back (分账回退), which only a merchant can, and only where it has agreed to at WeChat Pay. */
import type { ShareReturnInput, Sharing, SharingMoveOutcome } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { integerOf, textOf } from "../wire-json.ts";
import { interpretShareRefusal, interpretWechatRefusal, shareQueryRefusals } from "./errors.ts";
import { subMerchantOf } from "./parties.ts";
import { wireAmount } from "./pay.ts";
import { signRequest } from "./sign.ts";
import { readAnswer, type WechatAnswer } from "./verify.ts";

const DESCRIPTION = "分账回退";

export const returnShare: NonNullable<Sharing["returnShare"]> = {
  async toRequest(context, { sharing_no, return_no, receiver, amount }) {
    if (receiver.kind !== "merchant_no") {
      throw new RequestRefused("RECEIVER_CANNOT_RETURN", "at WeChat Pay a merchant gives back, a person does not");
    }
    const body = {
      ...subMerchantOf(context),
      out_order_no: sharing_no,
      out_return_no: return_no,
      return_mchid: receiver.account,
      amount: wireAmount(amount.amount),
      description: DESCRIPTION,
    };
    return signRequest(context, { method: "POST", path: "/v3/profitsharing/return-orders", body });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    return answer.kind === "refused" ? interpretShareRefusal(answer) : readReturn(input, answer);
  },
};

export const queryReturn: NonNullable<Sharing["queryReturn"]> = {
  toRequest(context, { sharing_no, return_no }) {
    const about = { ...subMerchantOf(context), out_order_no: sharing_no } as Record<string, string>;
    const path = `/v3/profitsharing/return-orders/${encodeURIComponent(return_no)}?${new URLSearchParams(about)}`;
    return signRequest(context, { method: "GET", path });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    return answer.kind === "refused" ? interpretWechatRefusal(shareQueryRefusals, answer) : readReturn(input, answer);
  },
};

function readReturn(input: ShareReturnInput, answer: Exclude<WechatAnswer, { kind: "refused" }>): SharingMoveOutcome {
  if (answer.kind === "unknown") return answer;
  const { data } = answer;
  const differences = [
    ...differenceOf("return_no", input.return_no, textOf(data, "out_return_no")),
    ...differenceOf("sharing_no", input.sharing_no, textOf(data, "out_order_no")),
    ...differenceOf("amount", String(input.amount.amount), integerOf(data, "amount")?.toString()),
  ];
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  const result = textOf(data, "result");
  switch (result) {
    case "SUCCESS":
      return { kind: "succeeded" };
    case "PROCESSING":
      return { kind: "pending" };
    case "FAILED": {
      const code = textOf(data, "fail_reason") ?? result;
      return { kind: "failed", failure: { code, message: `WeChat Pay could not take the part back: ${code}` } };
    }
    default:
      return unknown("unreadable", `the result ${result ?? "(none)"} is not known`);
  }
}
