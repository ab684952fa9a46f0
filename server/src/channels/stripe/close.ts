/** Expiring a session: its address stops working. */
import type { AttemptReference, CloseOutcome, Conversation } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { askStripe } from "./client.ts";
import { findSession, readRefusal } from "./query.ts";
import { type OurSession, readOurSession } from "./session.ts";

/** Stripe refuses to expire what is not open and has no code for why: then the session itself tells. */
export const close: Conversation<AttemptReference, CloseOutcome> = {
  async converse(context, attempt, send) {
    let session_id = attempt.channel_order_no;
    if (session_id === undefined) {
      const found = await findSession(context, attempt, send);
      if (found.kind !== "found") return found;
      if (found.session.status !== "open") return outcomeOfClosed(found.session);
      session_id = found.session.id;
    }
    const open = session_id;
    const answer = await askStripe(context, send, (stripe) => stripe.checkout.sessions.expire(open));
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "answered") {
      const read = readOurSession(context, attempt, answer.value);
      return "kind" in read ? read : outcomeOfClosed(read);
    }
    if (answer.status !== 400) return readRefusal(answer);
    const found = await findSession(context, { ...attempt, channel_order_no: open }, send);
    return found.kind === "found" ? outcomeOfClosed(found.session) : found;
  },
};

function outcomeOfClosed({ status }: OurSession): CloseOutcome {
  if (status === "expired") return { kind: "closed" };
  if (status === "complete") return { kind: "already_paid" };
  return unknown("refused", "Stripe would not expire an open session");
}
