/** Reversing a charge of a shown code (冲正, 99) by the order's own number and time: it is void, and paid money goes back. */
import type { AttemptReference, CloseOutcome, Operation } from "../contract.ts";
import { interpretRefusal } from "../refusal.ts";
import { reversalRefusals } from "./errors.ts";
import { bizTypeOf } from "./pay.ts";
import { signCall } from "./sign.ts";
import { toCompactTime } from "./times.ts";
import { readAnswer } from "./verify.ts";

/** UnionPay reverses shown codes only, and only on the day of the payment. */
export const reverse: Operation<AttemptReference, CloseOutcome> = {
  toRequest: (context, { serial_no, created_at, method }) =>
    signCall(context, "backTransReq", {
      txnType: "99",
      txnSubType: "01",
      bizType: bizTypeOf(method),
      channelType: "08",
      orderId: serial_no,
      txnTime: toCompactTime(created_at),
    }),
  fromResponse(context, { serial_no }, response) {
    const answer = readAnswer(context, serial_no, response);
    if (answer.kind === "unknown") return answer;
    return answer.kind === "refused" ? interpretRefusal(reversalRefusals, answer) : { kind: "closed" };
  },
};
