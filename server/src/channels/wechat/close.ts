/** Closing an order: POST /v3/pay/[partner/]transactions/out-trade-no/{out_trade_no}/close, 204 when closed, also when repeated. */
import type { AttemptReference, CloseOutcome, Operation } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { openWechatAccount } from "./config.ts";
import { closeRefusals, interpretWechatRefusal } from "./errors.ts";
import { merchantsOf, transactionsPath } from "./parties.ts";
import { signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

export const close: Operation<AttemptReference, CloseOutcome> = {
  toRequest(context, { serial_no }) {
    const account = openWechatAccount(context.account);
    const path = `${transactionsPath(account)}/out-trade-no/${encodeURIComponent(serial_no)}/close`;
    return signRequest(context, { method: "POST", path, body: merchantsOf(account) });
  },
  fromResponse(context, _input, response) {
    const answer = readAnswer(context, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretWechatRefusal(closeRefusals, answer);
    // 202 USERPAYING is a success of HTTP and not of the close.
    return answer.status === 204 ? { kind: "closed" } : unknown("refused", `status ${answer.status} does not close`);
  },
};
