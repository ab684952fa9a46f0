// Guarantee: for every state of an attempt and its payment and every outcome there is one decision, written down here;
// only the channel's explicit word fails, closes or succeeds anything, and no word takes a success back.
import { describe, expect, test } from "vitest";
import { canMove } from "../../kit/state-machine.ts";
import { type AttemptOutcome, decideOutcome } from "./decide-outcome.ts";
import { type Attempt, type AttemptStatus, attemptTransitions, type Payment, paymentTransitions } from "./payment.ts";

const NOW = 1_000_000;
const LATER = NOW + 3_600_000;

const payment: Payment = {
  ...{ merchant_id: "m", id: "p", app_id: "a", livemode: false, out_trade_no: "1", request_hash: Buffer.alloc(32) },
  ...{ status: "processing", amount: 100n, currency: "CNY", subject: "Tea", description: null, method: "alipay.qr" },
  ...{ notify_url: null, return_url: null, store: null, metadata: {}, expires_at: LATER, created_at: 0 },
  ...{ succeeded_at: null, closed_at: null, close_requested: false, succeeded_attempt_id: null },
  ...{ channel_trade_no: null, refunded_amount: 0n, refunding_amount: 0n, sharing: null, shared_amount: 0n },
};

const attempt: Attempt = {
  ...{ merchant_id: "m", id: "t", payment_id: "p", app_id: "a", livemode: false, serial_no: "S", channel: "alipay" },
  ...{ channel_account_id: "c", funding_mode: "pooled", method: "alipay.qr", status: "sent", amount: 100n },
  ...{ currency: "CNY", payer: {}, action: { type: "qr_code", qr_code: "q" }, channel_trade_no: null },
  channel_order_no: null,
  ...{ channel_payer: null, failure_code: null, failure_message: null, unknown_reason: null, close_requested: false },
  ...{ duplicate: false, fee_rule_id: null, fee_amount: 0n, fee_returns: true, cost_amount: 0n, cost_returns: true },
  quota_period: null,
  commissions: null,
  ...{ expires_at: LATER, created_at: 0, sent_at: 0, finished_at: null, query_count: 0, routing: null },
};

const facts = {
  ...{ serial_no: "S", channel_trade_no: "T1", amount: { amount: 100n, currency: "CNY" }, merchant: "x", app: "y" },
  ...{ paid_at: NOW - 5_000, payer: "o1" },
};

const outcomes = {
  sent: { kind: "sent", action: { type: "qr_code", qr_code: "q" } },
  succeeded: { kind: "succeeded", payment: facts },
  failed: { kind: "failed", failure: { code: "NO", message: "No." } },
  closed: { kind: "closed" },
  abandoned: { kind: "abandoned" },
  unknown: { kind: "unknown", reason: "timeout", detail: "" },
  still_unpaid: { kind: "still_unpaid" },
  out_of_reach: { kind: "out_of_reach" },
} as const satisfies Record<string, AttemptOutcome>;
type Outcome = keyof typeof outcomes;
const kinds = Object.keys(outcomes) as Outcome[];

/** The attempt's status after each outcome, in the order of `outcomes`; "-" where nothing changes. */
const table: Record<AttemptStatus, string> = {
  created: "sent succeeded failed closed closed unknown created unknown",
  sent: "- succeeded failed closed closed unknown sent unknown",
  unknown: "sent succeeded failed closed closed unknown sent unknown",
  succeeded: "- - - - - - - -",
  failed: "- succeeded failed failed failed failed failed failed",
  closed: "- succeeded closed closed closed closed closed closed",
};

const decide = (given: { attempt?: Partial<Attempt>; payment?: Partial<Payment>; others?: Attempt[] }, kind: Outcome) =>
  decideOutcome(
    { ...payment, ...given.payment },
    { ...attempt, ...given.attempt },
    given.others ?? [],
    outcomes[kind],
    NOW,
  );

describe("an attempt", () => {
  const cells = (Object.keys(table) as AttemptStatus[]).flatMap((status) =>
    table[status].split(" ").map((next, index) => ({ status, kind: kinds[index]!, next })),
  );

  test.each(cells)("that is $status becomes $next when the channel's word is $kind", ({ status, kind, next }) => {
    // A created attempt has no action: that the channel has its order does not tell what the payer may pay by.
    const action = status === "created" ? null : attempt.action;
    const decision = decide({ attempt: { status, action } }, kind);
    expect(decision.attempt?.status ?? "-").toBe(next);
    const to = decision.attempt?.status;
    if (to && to !== status) expect(canMove(attemptTransitions, status, to)).toBe(true);
  });

  test("keeps the channel's number of the order, from the answer or from a later question, until the end", () => {
    const numbered = { channel_order_no: "cs_1" };
    const sent = decideOutcome(payment, { ...attempt, status: "created" }, [], { ...outcomes.sent, ...numbered }, NOW);
    expect(sent.attempt).toMatchObject({ status: "sent", channel_order_no: "cs_1" });
    const asked = decideOutcome(payment, attempt, [], { ...outcomes.still_unpaid, ...numbered }, NOW);
    expect(asked.attempt).toMatchObject({ channel_order_no: "cs_1" });
    expect(decide({ attempt: asked.attempt! }, "closed").attempt).toMatchObject({ channel_order_no: "cs_1" });
  });

  test("is looked at again exactly while something may still come of it", () => {
    const due = (status: AttemptStatus, kind: Outcome) => decide({ attempt: { status } }, kind).due_at;
    for (const status of ["created", "sent", "unknown"] as const) {
      expect(due(status, "unknown")).toBe(NOW + 5_000);
      expect(due(status, "still_unpaid")).toBe(NOW + 30_000);
      expect([due(status, "succeeded"), due(status, "failed"), due(status, "closed")]).toEqual([null, null, null]);
      // It can be paid until it expires, so that is when it is asked about once more.
      expect(due(status, "abandoned")).toBe(LATER + 60_000);
    }
    expect(due("created", "sent")).toBe(NOW + 30_000);
    expect(decide({ attempt: { status: "created", close_requested: true } }, "sent").due_at).toBe(NOW);
    expect(decide({ attempt: { expires_at: NOW - 60_000 } }, "abandoned").due_at).toBeNull();
  });

  test("keeps what an answer told, and forgets why it was unknown", () => {
    const known = decide({ attempt: { status: "unknown", unknown_reason: "timeout" } }, "succeeded").attempt;
    expect(known).toMatchObject({
      channel_trade_no: "T1",
      channel_payer: "o1",
      unknown_reason: null,
      finished_at: NOW,
    });
    const failed = decide({}, "failed").attempt;
    expect(failed).toMatchObject({ failure_code: "NO", failure_message: "No.", finished_at: NOW });
    expect(decide({ attempt: { status: "failed", failure_code: "NO" } }, "succeeded").attempt?.failure_code).toBeNull();
  });

  test("whose answer came before a query did gets its action back as sent", () => {
    const lost = decide({ attempt: { status: "unknown", action: null } }, "still_unpaid").attempt;
    expect([lost?.status, lost?.query_count]).toEqual(["unknown", 1]);
  });
});

describe("a payment", () => {
  test.each(["created", "processing", "closed", "failed"] as const)("that is %s succeeds by a success", (status) => {
    const decision = decide({ payment: { status, closed_at: 7 } }, "succeeded");
    expect(decision).toMatchObject({ effect: "payment_succeeded", attempt: { duplicate: false } });
    expect(decision.payment).toMatchObject({
      ...{ status: "succeeded", succeeded_attempt_id: "t", channel_trade_no: "T1" },
      ...{ succeeded_at: facts.paid_at, closed_at: null },
    });
    expect(canMove(paymentTransitions, status, "succeeded")).toBe(true);
  });

  test("that has succeeded already is left alone; the second success is the payer's", () => {
    const decision = decide({ payment: { status: "succeeded", succeeded_attempt_id: "other" } }, "succeeded");
    expect(decision).toMatchObject({ effect: "duplicate_succeeded", attempt: { duplicate: true } });
    expect(decision.payment).toBeUndefined();
  });

  const ends: [string, Parameters<typeof decide>[0], Outcome, string | undefined][] = [
    ["goes on when a superseded attempt ends", { payment: { method: null } }, "closed", undefined],
    ["goes on when the payer may choose another method", { payment: { method: null } }, "failed", undefined],
    ["fails when its only method is refused", {}, "failed", "failed"],
    ["goes on when its channel has closed the order by itself", {}, "closed", undefined],
    ["closes when that was asked for", { payment: { close_requested: true } }, "closed", "closed"],
    [
      "closes when that was asked for and nothing could be closed",
      { payment: { close_requested: true } },
      "abandoned",
      "closed",
    ],
    ["closes when it has expired", { payment: { expires_at: NOW } }, "closed", "closed"],
    [
      "closes when it has expired and the choice failed",
      { payment: { expires_at: NOW, method: null } },
      "failed",
      "closed",
    ],
    [
      "waits for its other attempts",
      { payment: { close_requested: true }, others: [{ ...attempt, id: "u" }] },
      "closed",
      undefined,
    ],
    [
      "waits for none that have ended",
      { payment: { close_requested: true }, others: [{ ...attempt, status: "closed" }] },
      "closed",
      "closed",
    ],
    ["is not closed twice", { payment: { status: "closed", close_requested: true } }, "closed", undefined],
    [
      "stays a success when another attempt ends",
      { payment: { status: "succeeded", close_requested: true } },
      "closed",
      undefined,
    ],
    ["never ends by an unknown outcome", { payment: { close_requested: true, expires_at: NOW } }, "unknown", undefined],
    [
      "never ends by being still unpaid",
      { payment: { close_requested: true, expires_at: NOW } },
      "still_unpaid",
      undefined,
    ],
  ];
  test.each(ends)("%s", (_name, given, kind, status) => {
    const decision = decide(given, kind);
    expect(decision.payment?.status).toBe(status);
    expect(decision.effect).toBe(status && `payment_${status}`);
  });
});
