// Guarantee: once it is decided to cancel an order that was made by the payer's code, no older answer makes it paid, and
// such an order is asked about at its own pace.
import { describe, expect, test } from "vitest";
import type { BarcodeRules } from "../../channels/contract.ts";
import { type AttemptOutcome, decideOutcome } from "./decide-outcome.ts";
import { type Attempt, type AttemptStatus, barcodeDelay_ms, CANCELLING, type Payment } from "./payment.ts";

const NOW = 1_000_000;

const payment = { id: "p", status: "processing", method: "wechat.barcode", expires_at: NOW * 2 } as Payment;
const attempt = (status: AttemptStatus, unknown_reason: string | null = null): Attempt =>
  ({
    id: "t",
    payment_id: "p",
    method: "wechat.barcode",
    status,
    unknown_reason,
    action: null,
    query_count: 3,
  }) as Attempt;
const decide = (given: Attempt, outcome: AttemptOutcome) => decideOutcome(payment, given, [], outcome, NOW);

const facts = {
  ...{ serial_no: "S", channel_trade_no: "T", amount: { amount: 100n, currency: "CNY" }, merchant: "x", app: "y" },
  ...{ paid_at: NOW - 5_000, payer: "o1" },
};
const paid: AttemptOutcome = { kind: "succeeded", payment: facts };
const perhapsPaid: AttemptOutcome = { ...paid, unless_cancelled: true };
const intent: AttemptOutcome = { kind: "cancelling", ask_in_ms: 30_000 };

describe("the intent to cancel", () => {
  test.each(["created", "sent", "unknown"] as const)("is written on an attempt that is %s", (status) => {
    const { attempt: next, due_at, payment: changed } = decide(attempt(status), intent);
    expect(next).toMatchObject({ status: "unknown", unknown_reason: CANCELLING, query_count: 4 });
    expect([due_at, changed]).toEqual([NOW + 30_000, undefined]);
  });

  test.each(["succeeded", "failed", "closed"] as const)("comes too late for one that is %s", (status) => {
    expect(decide(attempt(status), intent).attempt).toBeUndefined();
  });

  test.each<[string, AttemptOutcome]>([
    ["paid, of a query or of the charge", perhapsPaid],
    ["waiting", { kind: "still_unpaid", ask_in_ms: 5_000 }],
    ["taken", { kind: "sent", action: { type: "none" } }],
    ["unknown", { kind: "unknown", reason: "timeout", detail: "" }],
  ])("is not shaken by an answer that says: %s", (_, outcome) => {
    expect(decide(attempt("unknown", CANCELLING), outcome).attempt).toBeUndefined();
  });

  test.each<[AttemptStatus, AttemptOutcome]>([
    ["failed", { kind: "failed", failure: { code: "NOT_CONFIRMED", message: "" } }],
    ["closed", { kind: "closed" }],
    ["succeeded", paid],
  ])("ends as %s by the channel's word about the cancellation, or by a notice", (status, outcome) => {
    expect(decide(attempt("unknown", CANCELLING), outcome).attempt?.status).toBe(status);
  });
});

test.each(["failed", "closed"] as const)(
  "an answer that may be older than the end (%s) is not believed, but the channel is asked at once",
  (status) => {
    const decision = decide(attempt(status), perhapsPaid);
    expect(decision).toMatchObject({ attempt: { status }, due_at: NOW, payment: undefined, effect: undefined });
    expect(decide(attempt(status), paid)).toMatchObject({
      attempt: { status: "succeeded" },
      effect: "payment_succeeded",
    });
  },
);

test("an answer about an attempt that has succeeded changes nothing", () => {
  expect(decide(attempt("succeeded"), perhapsPaid).attempt).toBeUndefined();
});

test("an open attempt is paid by such an answer", () => {
  expect(decide(attempt("sent"), perhapsPaid)).toMatchObject({ effect: "payment_succeeded" });
});

test.each<[AttemptOutcome]>([
  [{ kind: "sent", action: { type: "none" }, ask_in_ms: 5_000 }],
  [{ kind: "unknown", reason: "timeout", detail: "", ask_in_ms: 5_000 }],
  [{ kind: "still_unpaid", ask_in_ms: 5_000 }],
])("$kind: asked again when the channel's pace says", (outcome) => {
  expect(decide(attempt("unknown", "timeout"), outcome).due_at).toBe(NOW + 5_000);
});

test("the pace is the channel's while the payer may confirm, then slows down to once an hour", () => {
  const rules = { query_interval_ms: 5_000, query_for_ms: 45_000, cancel_after_ms: 15_000 } as BarcodeRules;
  const delays_s = [0, 5, 40, 45, 55, 60, 65, 105, 645, 86_400].map((age) => barcodeDelay_ms(rules, age * 1000) / 1000);
  expect(delays_s).toEqual([5, 5, 5, 5, 5, 7.5, 10, 30, 300, 3600]);
});
