/**
 * Guarantee: a day's bill is every transaction of it that moved the balance, in as many pages and as short spans as PayPal
 * lists them; a day that PayPal does not know wholly yet is no bill; each line is what its event code says.
 */
import { Readable, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { readBill } from "../bill-reader.ts";
import { type BillFetch, createBillReceiver } from "../bills.ts";
import type { BillKind, BillPage, ChannelContext, Conversation, Send } from "../contract.ts";
import { paypal } from "./index.ts";

const DATE = "2026-11-20";
const NOON = Date.parse(`${DATE}T12:00:00Z`);
const clock = createManualClock(Date.parse("2026-11-21T04:00:00Z"));
const bills = paypal.bills!;
const page = bills.page as Conversation<{ kind: BillKind; date: string; cursor: string }, BillPage>;
const locate = bills.locate as Conversation<{ kind: BillKind; date: string }, { kind: string; cursor?: string }>;

interface Info {
  readonly at_ms: number;
  readonly fields: object;
}

const info = (code: string, value: string, fields: object = {}, at_ms = NOON): Info => ({
  at_ms,
  fields: {
    transaction_id: "5TY05013RG002845M",
    transaction_event_code: code,
    transaction_initiation_date: new Date(at_ms).toISOString().replace(".000Z", "+0000"),
    transaction_amount: { currency_code: "USD", value },
    transaction_status: "S",
    ...fields,
  },
});

/** PayPal's search over some transactions, with a limit of results. */
function createSearch(all: readonly Info[], { refreshed = "2026-11-21T01:00:00+0000", results_max = 10_000 } = {}) {
  const asked: string[] = [];
  const json = (status: number, value: unknown) => ({
    ...{ status, headers: { "content-type": "application/json" } },
    body: Buffer.from(JSON.stringify(value)),
  });
  const send: Send = async ({ url }) => {
    const { pathname, searchParams: query } = new URL(url);
    if (pathname === "/v1/oauth2/token")
      return json(200, { access_token: "t", token_type: "Bearer", expires_in: 3600 });
    asked.push(`${query.get("start_date")} ${query.get("end_date")} ${query.get("page")}`);
    const [from, to] = [Date.parse(query.get("start_date")!), Date.parse(query.get("end_date")!)];
    const found = all.filter(({ at_ms }) => at_ms >= from && at_ms <= to);
    if (found.length > results_max)
      return json(400, { name: "RESULTSET_TOO_LARGE", message: "Too many", debug_id: "1" });
    const [at, size] = [Number(query.get("page")), Number(query.get("page_size"))];
    return json(200, {
      transaction_details: found.slice((at - 1) * size, at * size).map(({ fields }) => ({ transaction_info: fields })),
      ...{ last_refreshed_datetime: refreshed, page: at, total_items: found.length },
      total_pages: Math.ceil(found.length / size),
    });
  };
  return { send, asked };
}

let accounts = 0;

async function fetchBill(send: Send): Promise<{ outcome: BillFetch; text: string }> {
  accounts += 1;
  const account = {
    ...{ id: `paypal-bills-${accounts}`, version: 1, livemode: false },
    config: {
      ...{ client_id: "c".repeat(40), merchant_id: "ABCDEFGHJKLMN", webhook_id: "W1" },
      base_url: "https://paypal.example",
    },
    secrets: { client_secret: new Secret("s".repeat(60)) },
  };
  const context: ChannelContext = { account, clock, random: systemRandom };
  const located = await locate.converse(context, { kind: "trade", date: DATE }, send);
  const chunks: Buffer[] = [];
  let text = "";
  const open = () =>
    new Writable({
      write: (chunk, _encoding, done) => done(void chunks.push(chunk)),
      final: (done) => {
        text = Buffer.concat(chunks).toString();
        done();
      },
    });
  const receiver = createBillReceiver();
  const nextPage = (cursor: string) => page.converse(context, { kind: "trade", date: DATE, cursor }, send);
  const outcome = await receiver.receive({ kind: "paged", cursor: located.cursor! }, [], { open }, nextPage);
  await receiver.end();
  return { outcome, text };
}

async function readLines(text: string, kind: BillKind) {
  const input = { date: DATE, merchant: "ABCDEFGHJKLMN" };
  const files = [{ name: undefined, chunks: Readable.from([Buffer.from(text)]) }];
  const lines = [];
  const rejected = [];
  for await (const batch of readBill(bills.formats![kind]!, input, files).batches) {
    lines.push(...batch.lines);
    rejected.push(...batch.rejected);
  }
  return { lines, rejected };
}

describe("a day of PayPal's", () => {
  it("is no bill until PayPal knows all of it", async () => {
    const { send } = createSearch([info("T0006", "10.00")], { refreshed: "2026-11-20T23:59:59+0000" });
    expect((await fetchBill(send)).outcome).toEqual({ kind: "not_ready", retry_after_ms: 1_800_000 });
    const { send: known } = createSearch([], { refreshed: "2026-11-21T00:00:00+0000" });
    expect((await fetchBill(known)).outcome).toEqual({ kind: "empty" });
  });

  it("is asked for page by page", async () => {
    const all = Array.from({ length: 1_001 }, (_, index) => info("T0006", "1.00", { invoice_id: `A${index}` }));
    const { send, asked } = createSearch(all);
    const { lines } = await readLines((await fetchBill(send)).text, "trade");
    expect(lines.map(({ our_no }) => our_no)).toEqual(all.map((_, index) => `A${index}`));
    expect(asked).toEqual([1, 2, 3].map((number) => `2026-11-20T00:00:00Z 2026-11-20T23:59:59Z ${number}`));
  });

  it("is asked for in shorter spans where it has more than PayPal lists at once, each transaction once", async () => {
    const all = Array.from({ length: 97 }, (_, index) =>
      info("T0006", "1.00", { invoice_id: `A${index}` }, NOON + index * 1_000),
    );
    const { send } = createSearch(all, { results_max: 10 });
    const { lines } = await readLines((await fetchBill(send)).text, "trade");
    expect(lines.map(({ our_no }) => our_no)).toEqual(all.map((_, index) => `A${index}`));
    const once = createSearch(
      Array.from({ length: 11 }, () => info("T0006", "1.00")),
      { results_max: 10 },
    );
    expect((await fetchBill(once.send)).outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
  });

  it("says what each transaction is", async () => {
    const balance = { ending_balance: { currency_code: "USD", value: "99.00" } };
    const of = { paypal_reference_id: "CAPTURE1", paypal_reference_id_type: "TXN" };
    const { send } = createSearch([
      info("T0006", "10.00", { fee_amount: { currency_code: "USD", value: "-0.84" }, invoice_id: "A1", ...balance }),
      info("T1107", "-3.00", { ...of, transaction_id: "REFUND1", invoice_id: "R1" }),
      info("T0001", "-2.00"),
      info("T0400", "-50.00"),
      info("T1201", "-10.00", of),
      info("T0006", "4.00", { transaction_status: "P" }),
      info("T9999", "1.00"),
      info("T0006", "1.00", { transaction_status: "X" }),
      info("constructor", "1.00"),
      { at_ms: NOON, fields: { transaction_id: "no amount" } },
    ]);
    const { text } = await fetchBill(send);
    const { lines, rejected } = await readLines(text, "fund_flow");
    expect(lines).toMatchObject([
      {
        entry: "payment",
        our_no: "A1",
        channel_trade_no: "5TY05013RG002845M",
        amount: 1000n,
        fee: 84n,
        balance_after: 9900n,
      },
      { entry: "refund", our_no: "R1", channel_trade_no: "CAPTURE1", channel_refund_no: "REFUND1", amount: -300n },
      { entry: "payout", amount: -200n },
      { entry: "settlement", amount: -5000n },
      { entry: "dispute", channel_trade_no: "CAPTURE1", amount: -1000n },
      { entry: "payment", status: "pending" },
      { entry: "other", note: "T9999" },
      { entry: "other" },
    ]);
    expect(rejected.map(({ reason }) => reason)).toEqual([
      'The transaction is in the state "X".',
      "The transaction has no amount.",
    ]);
    const trade = await readLines(text, "trade");
    expect(trade.lines.map(({ entry }) => entry)).toEqual([
      "payment",
      "refund",
      "dispute",
      "payment",
      "other",
      "other",
    ]);
  });
});
