/** Trying an account: a query for an order that cannot exist. Key, certId, merId and UnionPay's chain all have to be good. */
import type { ConnectionOutcome, Operation } from "../contract.ts";
import { interpretRefusal } from "../refusal.ts";
import { connectionRefusals } from "./errors.ts";
import { askForOrder } from "./query.ts";
import { readAnswer } from "./verify.ts";

/** An orderId is 8 to 40 alphanumerics; ours of attempts and refunds have 26, so that this one is nobody's. */
const ORDER_ID = "CONNECTIONCHECK";

/** What the gateway says, unsigned, to a merchant number that it does not know. */
const STRANGER = "Invalid request";

export const checkConnection: Operation<Record<string, never>, ConnectionOutcome> = {
  toRequest: (context) => askForOrder(context, { order_id: ORDER_ID, created_at: context.clock.now() }, "000000"),
  fromResponse(context, _input, response) {
    if (response.status === 200 && response.body.toString("latin1", 0, STRANGER.length) === STRANGER)
      return { kind: "failed", failure: { code: "INVALID_REQUEST", message: "Invalid request: is mer_id right?" } };
    const answer = readAnswer(context, ORDER_ID, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "accepted") return { kind: "connected" };
    const outcome = interpretRefusal(connectionRefusals, answer);
    return outcome.kind === "not_found" ? { kind: "connected" } : outcome;
  },
};
