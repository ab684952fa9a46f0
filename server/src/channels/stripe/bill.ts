/**
 * Bills from Stripe's balance transactions, which are the record of its ledger: GET /v1/balance_transactions lists those of a
 * day (UTC) with what each is about. https://docs.stripe.com/api/balance_transactions . There is no file: pages of a hundred
 * make one, and a day that is over does not change.
 */
import { writeJsonEnd, writeJsonHead, writeJsonLine } from "../bill-json.ts";
import type {
  BillInput,
  BillOutcome,
  BillPage,
  BillPageInput,
  Bills,
  ChannelContext,
  Conversation,
} from "../contract.ts";
import { unknown } from "../refusal.ts";
import { parseJsonObject } from "../wire-json.ts";
import { fundFormat, STRIPE_FORMAT, tradeFormat } from "./bill-lines.ts";
import { askStripe } from "./client.ts";
import { readSettings, type StripeConfig } from "./config.ts";

const DAY_MS = 86_400_000;
const PAGE = 100;
/** Stripe's clock and ours need not agree to the second. */
const SETTLE_MS = 10 * 60_000;

interface Cursor {
  readonly after: string | undefined;
  /** Transactions on the pages before. */
  readonly count: number;
}

const locate: Conversation<BillInput, BillOutcome> = {
  async converse({ clock }, { date }) {
    const over_at = Date.parse(`${date}T00:00:00Z`) + DAY_MS + SETTLE_MS;
    if (clock.now() < over_at) return { kind: "not_ready", retry_after_ms: over_at - clock.now() };
    return { kind: "paged", cursor: "" };
  },
};

const page: Conversation<BillPageInput, BillPage> = {
  async converse(context, input, send) {
    const { after, count } = readCursor(input.cursor);
    const from_s = Date.parse(`${input.date}T00:00:00Z`) / 1000;
    const answer = await askStripe(context, send, (stripe) =>
      stripe.balanceTransactions.list({
        created: { gte: from_s, lt: from_s + DAY_MS / 1000 },
        limit: PAGE,
        expand: ["data.source"],
        ...(after !== undefined && { starting_after: after }),
      }),
    );
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") {
      const { code, message, status } = answer;
      // A restricted key may lack the permission: no time mends that.
      if (status === 401 || status === 403) return { kind: "failed", failure: { code, message } };
      return unknown("refused", `${code}: ${message}`);
    }
    const { object, data, has_more } = answer.value;
    if (object !== "list" || !Array.isArray(data)) return unknown("unreadable", "no list of balance transactions");
    return toPage(context, input, data, has_more === true, { after, count });
  },
};

function toPage(
  context: ChannelContext,
  { date }: BillPageInput,
  data: readonly unknown[],
  has_more: boolean,
  { after, count }: Cursor,
): BillPage {
  if (data.length === 0 && after === undefined && !has_more) return { kind: "empty" };
  const last = (data.at(-1) as { id?: unknown } | undefined)?.id;
  if (has_more && (typeof last !== "string" || last === after))
    return unknown("unreadable", "a page of a list is empty");
  const read = count + data.length;
  const config = context.account.config as StripeConfig;
  const merchant = config.connected_account_id ?? config.account_id;
  const content = [
    after === undefined ? writeJsonHead({ format: STRIPE_FORMAT, date, merchant }) : "",
    ...data.map(writeJsonLine),
    has_more ? "" : writeJsonEnd(read),
  ].join("");
  const next = has_more ? JSON.stringify({ after: last, count: read }) : undefined;
  return { kind: "page", content: Buffer.from(content), next };
}

function readCursor(cursor: string): Cursor {
  const { after, count } = parseJsonObject(cursor) ?? {};
  return { after: typeof after === "string" ? after : undefined, count: typeof count === "number" ? count : 0 };
}

export const bills: Bills = {
  kinds: ["trade", "fund_flow"],
  // In UTC: Stripe's days are.
  ready_at: "00:10",
  kept_ms: 3_650 * DAY_MS,
  origins: (account) => [readSettings(account).base_url.origin],
  locate,
  page,
  formats: { trade: tradeFormat, fund_flow: fundFormat },
};
