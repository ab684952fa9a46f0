/**
 * Bills from PayPal's transaction search: GET /v1/reporting/transactions lists the transactions of a time that moved the
 * balance, up to 31 days, up to 10,000 at once, three hours late. `last_refreshed_datetime` says how far it knows. A day is a
 * day in UTC. https://developer.paypal.com/docs/api/transaction-search/v1/
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
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { fundFormat, PAYPAL_FORMAT, tradeFormat } from "./bill-lines.ts";
import { callPaypal } from "./client.ts";
import { openPaypalAccount } from "./config.ts";
import { billRefusals } from "./errors.ts";

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;
const PAGE = 500;
/** More are refused: the time is then halved. */
const ITEMS_MAX = 10_000;
const RETRY_AFTER_MS = 30 * 60_000;

/** What is asked for next: a page of the transactions from `from` up to `to`, epoch milliseconds; the day goes on to its end. */
interface Cursor {
  readonly from: number;
  readonly to: number;
  readonly page: number;
  /** Transactions so far. */
  readonly count: number;
  readonly begun: boolean;
}

const dayOf = (date: string) => Date.parse(`${date}T00:00:00Z`);

const locate: Conversation<BillInput, BillOutcome> = {
  async converse({ clock }, { date }) {
    const from = dayOf(date);
    if (clock.now() < from) throw new RequestRefused("BILL_DATE_IN_FUTURE", `${date} has not begun`);
    return { kind: "paged", cursor: JSON.stringify({ from, to: from + DAY_MS, page: 1, count: 0, begun: false }) };
  },
};

const page: Conversation<BillPageInput, BillPage> = {
  async converse(context, input, send) {
    const cursor = JSON.parse(input.cursor) as Cursor;
    const answer = await callPaypal(context, send, async ({ search }) => {
      const response = await search.searchTransactions({
        startDate: toText(cursor.from),
        // Both ends are meant to be within, and times are whole seconds.
        endDate: toText(cursor.to - SECOND_MS),
        fields: "transaction_info",
        pageSize: PAGE,
        page: cursor.page,
      });
      return { result: typeof response.body === "string" ? parseJsonObject(response.body) : undefined };
    });
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") {
      const meaning = Object.hasOwn(billRefusals, answer.code) ? billRefusals[answer.code] : undefined;
      if (meaning === "too_many") return narrow(cursor);
      const { code, message } = answer;
      return meaning === "failed"
        ? { kind: "failed", failure: { code, message } }
        : unknown("refused", `${code}: ${message}`);
    }
    return readPage(context, input, cursor, answer.data);
  },
};

/** PayPal wants no fractions of a second. */
function toText(at_ms: number): string {
  return new Date(at_ms).toISOString().replace(".000Z", "Z");
}

/** Half of the time has half of the transactions. */
function narrow(cursor: Cursor): BillPage {
  const middle = cursor.from + Math.floor((cursor.to - cursor.from) / 2 / SECOND_MS) * SECOND_MS;
  if (middle === cursor.from) return unknown("unreadable", "PayPal has more transactions in a second than it lists");
  return { kind: "page", content: Buffer.alloc(0), next: JSON.stringify({ ...cursor, to: middle, page: 1 }) };
}

function readPage(
  { account }: ChannelContext,
  { date }: BillPageInput,
  cursor: Cursor,
  data: JsonObject | undefined,
): BillPage {
  const refreshed_at = Date.parse(
    textOf(data, "last_refreshed_datetime")?.replace(/([+-]\d{2})(\d{2})$/, "$1:$2") ?? "",
  );
  const details = data?.transaction_details;
  const { total_items, total_pages } = data ?? {};
  if (Number.isNaN(refreshed_at) || !Array.isArray(details) || typeof total_items !== "number")
    return unknown("unreadable", "the answer has no transactions and no last_refreshed_datetime");
  const end = dayOf(date) + DAY_MS;
  if (refreshed_at < end) return { kind: "not_ready", retry_after_ms: RETRY_AFTER_MS };
  if (total_items > ITEMS_MAX) return narrow(cursor);
  const whole = cursor.from === dayOf(date) && cursor.to === end;
  if (total_items === 0 && whole && !cursor.begun) return { kind: "empty" };
  const more = typeof total_pages === "number" && cursor.page < total_pages;
  if (more && details.length === 0) return unknown("unreadable", "a page of the list is empty");
  const count = cursor.count + details.length;
  const next = more
    ? { ...cursor, page: cursor.page + 1 }
    : cursor.to < end
      ? { ...cursor, from: cursor.to, to: end, page: 1 }
      : undefined;
  const { merchant_id: merchant } = openPaypalAccount(account);
  const content = [
    cursor.begun ? "" : writeJsonHead({ format: PAYPAL_FORMAT, date, merchant }),
    ...details.map((detail) => writeJsonLine((detail as JsonObject | null)?.transaction_info ?? null)),
    next ? "" : writeJsonEnd(count),
  ].join("");
  return {
    kind: "page",
    content: Buffer.from(content),
    next: next && JSON.stringify({ ...next, count, begun: true }),
  };
}

export const bills: Bills = {
  kinds: ["trade", "fund_flow"],
  // In UTC; three hours after the day's end.
  ready_at: "03:10",
  kept_ms: 3 * 365 * DAY_MS,
  origins: (account) => [new URL(openPaypalAccount(account).base_url).origin],
  locate,
  page,
  formats: { trade: tradeFormat, fund_flow: fundFormat },
};
