/** How an order stands: by its session, or found by our number where the answer with the session's number was lost. */
import type { Stripe } from "stripe";
import type { AttemptReference, ChannelContext, Conversation, QueryOutcome, Send, Unknown } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { type Answer, askStripe } from "./client.ts";
import { EXPAND_PAYMENT, type OurSession, outcomeOfSession, readOurSession } from "./session.ts";

export const query: Conversation<AttemptReference, QueryOutcome> = {
  async converse(context, attempt, send) {
    const found = await findSession(context, attempt, send);
    if (found.kind !== "found") return found;
    const outcome = outcomeOfSession(found.session, context);
    const isNew = outcome.kind === "pending" && attempt.channel_order_no === undefined;
    return isNew ? { ...outcome, channel_order_no: found.session.id } : outcome;
  },
};

type Found = { readonly kind: "found"; readonly session: OurSession } | { readonly kind: "not_found" } | Unknown;

/** By the session's number where it is known, else by the payment's, else by our own among those made since. */
export async function findSession(context: ChannelContext, attempt: AttemptReference, send: Send): Promise<Found> {
  const { channel_order_no, channel_trade_no } = attempt;
  if (channel_order_no !== undefined) return readByNumber(context, attempt, channel_order_no, send);
  if (channel_trade_no !== undefined) return search(context, attempt, { payment_intent: channel_trade_no }, send);
  return searchByTime(context, attempt, send);
}

async function readByNumber(
  context: ChannelContext,
  attempt: AttemptReference,
  session_id: string,
  send: Send,
): Promise<Found> {
  const answer = await askStripe(context, send, (stripe) =>
    stripe.checkout.sessions.retrieve(session_id, { expand: [EXPAND_PAYMENT] }),
  );
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return readRefusal(answer);
  const session = readOurSession(context, attempt, answer.value);
  return "kind" in session ? session : { kind: "found", session };
}

/** That there is no such thing is certain; whatever else Stripe refuses says nothing about the order. */
export function readRefusal(
  refused: Extract<Answer<never>, { kind: "refused" }>,
): Unknown | { readonly kind: "not_found" } {
  if (refused.status === 404 && refused.code === "resource_missing") return { kind: "not_found" };
  return unknown("refused", `${refused.code}: ${refused.message}`);
}

const SKEW_S = 60;
/** The call that makes an order is over by then; only a repetition makes it later. */
const FIRST_CALL_S = 120;
const PAGE = 100;
const PAGES_MAX = 50;

/**
 * Sessions cannot be searched by our number, but they can be listed by the time of their making, and the list is up to date
 * at once, as Stripe's search is not. Looks first around the attempt's creation, then at all that was made since.
 */
async function searchByTime(context: ChannelContext, attempt: AttemptReference, send: Send): Promise<Found> {
  const created_s = Math.floor(attempt.created_at / 1000);
  const soon_s = created_s + FIRST_CALL_S;
  const soon = await search(context, attempt, { created: { gte: created_s - SKEW_S, lte: soon_s } }, send);
  const now_s = Math.floor(context.clock.now() / 1000);
  if (soon.kind !== "not_found" || now_s <= soon_s) return soon;
  return search(context, attempt, { created: { gt: soon_s } }, send);
}

/**
 * The session with our number; of several (a key is forgotten after a day) the one that was paid, else the newest. The list
 * comes without its payments, a hundred of which could be more than an answer may be: what is found is read by itself.
 */
async function search(
  context: ChannelContext,
  attempt: AttemptReference,
  filter: Pick<Stripe.Checkout.SessionListParams, "created" | "payment_intent">,
  send: Send,
): Promise<Found> {
  let starting_after: string | undefined;
  let newest: Stripe.Checkout.Session | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const params = { ...filter, limit: PAGE, ...(starting_after && { starting_after }) };
    const answer = await askStripe(context, send, (stripe) => stripe.checkout.sessions.list(params));
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return unknown("refused", `${answer.code}: ${answer.message}`);
    const { object, data, has_more } = answer.value;
    if (object !== "list" || !Array.isArray(data)) return unknown("unreadable", "no list of sessions");
    const ours = data.filter((session) => isAbout(session, attempt, filter));
    newest = ours.find((session) => session.payment_status === "paid") ?? newest ?? ours[0];
    if (newest?.payment_status === "paid" || has_more !== true) break;
    starting_after = data.at(-1)?.id;
    if (typeof starting_after !== "string") return unknown("unreadable", "a page of a list is empty");
    if (page + 1 === PAGES_MAX) return unknown("system_error", "too many sessions were made since to look through");
  }
  if (!newest) return { kind: "not_found" };
  const read = readOurSession(context, attempt, newest);
  return "kind" in read ? read : readByNumber(context, attempt, read.id, send);
}

/** What was asked for by its payment must be ours; in a list by time the others are other orders. */
function isAbout(
  session: Stripe.Checkout.Session | null,
  { serial_no }: AttemptReference,
  { payment_intent }: Pick<Stripe.Checkout.SessionListParams, "payment_intent">,
): boolean {
  return payment_intent !== undefined || session?.client_reference_id === serial_no;
}
