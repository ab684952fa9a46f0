/**
 * Guarantee: a day's bill is every balance transaction of it, page after page, or it is no bill; each line is what Stripe's
 * ledger says, in the payer's currency where trades are compared and in the balance's where money is.
 */
import { Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { readBill } from "../bill-reader.ts";
import { type BillFetch, createBillReceiver } from "../bills.ts";
import type { BillKind, BillPage, ChannelContext, Conversation, Send, WireRequest } from "../contract.ts";
import { stripe } from "./index.ts";

const DATE = "2026-11-20";
const created = Date.parse(`${DATE}T12:00:00Z`) / 1000;
const clock = createManualClock(Date.parse("2026-11-22T00:00:00Z"));
const account = {
  ...{ id: "stripe-bills", version: 1, livemode: false },
  config: { account_id: "acct_1234567890", base_url: "https://stripe.example" },
  secrets: { secret_key: new Secret("sk_test_12345678"), webhook_secret: new Secret("whsec_12345678") },
};
const context: ChannelContext = { account, clock, random: systemRandom };
const bills = stripe.bills!;
const page = bills.page as Conversation<{ kind: BillKind; date: string; cursor: string }, BillPage>;
const locate = bills.locate as Conversation<{ kind: BillKind; date: string }, { kind: string }>;

const transaction = (id: string, type: string, amount: number, more: object = {}) => ({
  ...{ id, object: "balance_transaction", type, amount, fee: 0, currency: "usd", created, source: null },
  ...more,
});
const charge = (serial_no: string, more: object = {}) => ({
  ...{ id: `ch_${serial_no}`, object: "charge", amount: 1000, currency: "usd", payment_intent: `pi_${serial_no}` },
  metadata: { serial_no },
  ...more,
});

/** Answers each question by its `starting_after`; what is asked is kept. */
function createSend(answers: Record<string, { data: object[]; has_more?: boolean } | number>) {
  const asked: WireRequest[] = [];
  const send: Send = async (request) => {
    asked.push(request);
    const after = new URL(request.url).searchParams.get("starting_after") ?? "";
    const answer = answers[after];
    if (typeof answer === "number")
      return error(answer, { type: "invalid_request_error", code: "insufficient_permissions", message: "No." });
    if (!answer) throw new Error("connection lost");
    const body = { object: "list", url: "/v1/balance_transactions", has_more: false, ...answer };
    return { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(body)) };
  };
  const error = (status: number, fields: object) => ({
    ...{ status, headers: { "content-type": "application/json" } },
    body: Buffer.from(JSON.stringify({ error: fields })),
  });
  return { send, asked };
}

async function fetchBill(send: Send): Promise<{ outcome: BillFetch; text: string }> {
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
  const nextPage = (cursor: string) =>
    page
      .converse(context, { kind: "trade", date: DATE, cursor }, send)
      .catch(() => ({ kind: "unknown", reason: "connection", detail: "lost" }) as const);
  const outcome = await receiver.receive({ kind: "paged", cursor: "" }, [], { open }, nextPage);
  await receiver.end();
  return { outcome, text };
}

async function readLines(text: string, kind: BillKind) {
  const chunks = Readable.from([Buffer.from(text)]);
  const { batches, totals } = readBill(bills.formats![kind]!, { date: DATE, merchant: "acct_1234567890" }, [
    { name: undefined, chunks },
  ]);
  const lines = [];
  const rejected = [];
  for await (const batch of batches) {
    lines.push(...batch.lines);
    rejected.push(...batch.rejected);
  }
  return { lines, rejected, totals: totals() };
}

describe("a day of Stripe's", () => {
  it("is no bill before it is over in UTC", async () => {
    const early = { ...context, clock: createManualClock(Date.parse("2026-11-21T00:09:59Z")) };
    expect(await locate.converse(early, { kind: "trade", date: DATE }, async () => Promise.reject())).toEqual({
      kind: "not_ready",
      retry_after_ms: 1_000,
    });
  });

  it("is asked for by its seconds, page after page, and counted at its end", async () => {
    const { send, asked } = createSend({
      "": { data: [transaction("txn_1", "charge", 1000, { source: charge("A1") })], has_more: true },
      txn_1: { data: [transaction("txn_2", "payout", -500)] },
    });
    const { outcome, text } = await fetchBill(send);
    expect(outcome).toMatchObject({ kind: "fetched", files: 1, bytes: text.length });
    const query = new URL(asked[0]!.url).searchParams;
    expect([query.get("created[gte]"), query.get("created[lt]"), query.get("limit")]).toEqual([
      String(Date.parse(DATE) / 1000),
      String(Date.parse(DATE) / 1000 + 86_400),
      "100",
    ]);
    expect(text.split("\n")).toHaveLength(5);
    expect((await readLines(text, "fund_flow")).totals).toMatchObject({ lines: 2, rejected: 0 });
    expect((await readLines(text, "trade")).lines.map(({ our_no }) => our_no)).toEqual(["A1"]);
    await expect(readLines(text.slice(0, -30), "trade")).rejects.toMatchObject({ code: "truncated" });
    await expect(readLines(text + text, "trade")).rejects.toMatchObject({ code: "doubled" });
    const short = text.replace(/.*payout.*\n/, "");
    await expect(readLines(short, "trade")).rejects.toMatchObject({ code: "count_differs" });
  });

  it("without transactions is empty, and one that cannot be asked for is no empty one", async () => {
    expect((await fetchBill(createSend({ "": { data: [] } }).send)).outcome).toEqual({ kind: "empty" });
    expect((await fetchBill(createSend({ "": 403 }).send)).outcome).toMatchObject({
      kind: "failed",
      failure: { code: "insufficient_permissions" },
    });
    expect((await fetchBill(createSend({}).send)).outcome).toMatchObject({ kind: "unknown", reason: "connection" });
    const endless = createSend({ "": { data: [], has_more: true } });
    expect((await fetchBill(endless.send)).outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
  });

  it("says what each transaction is, in the currency of the balance", async () => {
    const refund = { id: "re_1", object: "refund", payment_intent: "pi_A1", amount: 300, currency: "usd" };
    const metadata = { serial_no: "A1", refund_no: "R1" };
    const { send } = createSend({
      "": {
        data: [
          transaction("txn_1", "charge", 1000, { fee: 59, source: charge("A1") }),
          transaction("txn_2", "refund", -300, { source: { ...refund, metadata } }),
          transaction("txn_3", "refund_failure", 300, { source: { ...refund, metadata } }),
          transaction("txn_4", "adjustment", -1000, { fee: 1500, source: { id: "du_1", object: "dispute" } }),
          transaction("txn_5", "stripe_fee", -200),
          transaction("txn_6", "newly_invented", 1),
          transaction("txn_7", "charge", 1.5),
        ],
      },
    });
    const { lines, rejected } = await readLines((await fetchBill(send)).text, "fund_flow");
    expect(lines).toMatchObject([
      { entry: "payment", our_no: "A1", channel_trade_no: "pi_A1", amount: 1000n, fee: 59n, status: "succeeded" },
      { entry: "refund", our_no: "R1", original_our_no: "A1", channel_refund_no: "re_1", amount: -300n },
      { entry: "refund", our_no: "R1", amount: 300n, status: "failed" },
      { entry: "dispute", amount: -1000n, fee: 1500n },
      { entry: "fee", amount: -200n, note: expect.stringContaining("stripe_fee") },
      { entry: "other", amount: 1n },
    ]);
    expect(lines.every(({ merchant_no }) => merchant_no === "acct_1234567890")).toBe(true);
    expect(rejected).toMatchObject([{ reason: expect.stringContaining("no amount") }]);
  });

  it("states a converted charge in the payer's currency among trades", async () => {
    const source = charge("A1", { amount: 900, currency: "eur" });
    const { send } = createSend({ "": { data: [transaction("txn_1", "charge", 1000, { fee: 60, source })] } });
    const { text } = await fetchBill(send);
    expect((await readLines(text, "trade")).lines).toMatchObject([
      { amount: 900n, currency: "EUR", fee: 0n, note: expect.stringContaining("1000 USD, fee 60") },
    ]);
    expect((await readLines(text, "fund_flow")).lines).toMatchObject([{ amount: 1000n, currency: "USD", fee: 60n }]);
  });
});

it("the text of a bill is what Stripe stated, a line for each", async () => {
  const odd = transaction("txn_1", "charge", 5, { source: charge("A1"), description: "=HYPERLINK(1)\u0000\nx" });
  const { text } = await fetchBill(createSend({ "": { data: [odd] } }).send);
  expect(JSON.parse((await buffer(Readable.from([Buffer.from(text)]))).toString().split("\n")[1]!)).toMatchObject(odd);
  const { lines } = await readLines(text, "fund_flow");
  expect(lines[0]!.note).toBe("charge ch_A1 txn_1 =HYPERLINK(1)  x");
});
