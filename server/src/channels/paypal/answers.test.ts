/**
 * Guarantee: what PayPal says in words that its documents list means what they say, and what they do not list means nothing
 * certain: no payment ends and no money is taken for granted because of it.
 */
import { describe, expect, it } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { money } from "../../kit/money.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { makeNumber, makeUuid } from "../conformance/harness.ts";
import type { AttemptReference, ChannelContext, Send, WireRequest } from "../contract.ts";
import { close, query } from "./query.ts";
import { outcomeOf, refund } from "./refund.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20));
const merchant_id = "6666666666666";

function makeContext(): ChannelContext {
  const config = { client_id: "A".repeat(80), merchant_id, webhook_id: "8PT597110X687430L" };
  const secrets = { client_secret: new Secret("E".repeat(80)) };
  return { account: { id: makeUuid(), version: 1, livemode: true, config, secrets }, clock, random: systemRandom };
}

const attempt: AttemptReference = {
  serial_no: makeNumber(),
  method: "paypal.checkout",
  amount: money(1_234n, "USD"),
  channel_order_no: "5O190127TN364715T",
  created_at: clock.now(),
};

const amount = { currency_code: "USD", value: "12.34" };

function orderOf(status: string, capture?: object, unit: object = {}): object {
  const payments = capture && { payments: { captures: [{ id: "3C679366HH908993F", amount, ...capture }] } };
  return {
    id: attempt.channel_order_no,
    status,
    update_time: "2026-11-20T08:00:00Z",
    purchase_units: [{ amount, invoice_id: attempt.serial_no, payee: { merchant_id }, ...payments, ...unit }],
  };
}

const refusalOf = (issue: string) => ({
  name: "UNPROCESSABLE_ENTITY",
  message: "The requested action could not be performed.",
  debug_id: "90957fca61718",
  details: [{ issue, description: "…" }],
});

/** PayPal, saying one thing to each address. */
function saying(answers: Record<string, [number, object]>): { send: Send; asked: WireRequest[] } {
  const asked: WireRequest[] = [];
  const send: Send = async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/oauth2/token") {
      const token = { access_token: "A21AA", token_type: "Bearer", expires_in: 32_400 };
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(token)) };
    }
    asked.push(request);
    const [status, body] = answers[`${request.method} ${pathname.split("/").at(-1)}`] ?? [404, refusalOf("X")];
    return { status, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(body)) };
  };
  return { send, asked };
}

const reading = (order: object) => ({ [`GET ${attempt.channel_order_no}`]: [200, order] as [number, object] });
const capturing = (status: number, body: object) =>
  saying({ ...reading(orderOf("APPROVED")), "POST capture": [status, body] });

describe("a captured order", () => {
  it.each([
    ["COMPLETED", "succeeded"],
    ["PARTIALLY_REFUNDED", "succeeded"],
    ["REFUNDED", "succeeded"],
    ["PENDING", "pending"],
    ["DECLINED", "failed"],
    ["FAILED", "failed"],
    ["VERIFYING", "unknown"],
    ["constructor", "unknown"],
  ])("whose capture is %s is %s", async (status, kind) => {
    const { send } = saying(reading(orderOf("COMPLETED", { status })));
    expect((await query.converse(makeContext(), attempt, send)).kind).toBe(kind);
  });

  it("without a capture is not known", async () => {
    const { send } = saying(reading(orderOf("COMPLETED")));
    expect(await query.converse(makeContext(), attempt, send)).toMatchObject({ kind: "unknown" });
  });

  it("is not this attempt's when the order has another number", async () => {
    const other = { ...orderOf("COMPLETED", { status: "COMPLETED" }), id: "ANOTHERORDER" };
    const { send } = saying(reading(other));
    expect(await query.converse(makeContext(), attempt, send)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });
});

describe("an order", () => {
  it.each([
    ["CREATED", "pending", "closed"],
    ["SAVED", "pending", "closed"],
    ["PAYER_ACTION_REQUIRED", "pending", "closed"],
    ["VOIDED", "closed", "closed"],
    ["EXPIRED", "unknown", "unknown"],
  ])("that is %s is %s, and asked to be closed %s", async (status, asked, closed) => {
    const { send } = saying(reading(orderOf(status)));
    expect((await query.converse(makeContext(), attempt, send)).kind).toBe(asked);
    expect((await close.converse(makeContext(), attempt, send)).kind).toBe(closed);
  });

  it.each([
    [{ payee: { merchant_id: "7777777777777" } }],
    [{ invoice_id: makeNumber() }],
    [{ invoice_id: undefined }],
    [{ amount: { currency_code: "USD", value: "12.35" } }],
    [{ amount: { currency_code: "EUR", value: "12.34" } }],
  ])("with %o is never captured", async (unit) => {
    const { send, asked } = saying(reading(orderOf("APPROVED", undefined, unit)));
    expect(await query.converse(makeContext(), attempt, send)).toMatchObject({ kind: "unknown", reason: "integrity" });
    expect(asked.map(({ method }) => method)).toEqual(["GET"]);
  });
});

describe("a refused capture", () => {
  it.each([
    "INSTRUMENT_DECLINED",
    "PAYER_CANNOT_PAY",
    "TRANSACTION_REFUSED",
    "PAYER_ACTION_REQUIRED",
    "ORDER_NOT_APPROVED",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
  ])("for %s leaves the order open", async (issue) => {
    const { send } = capturing(422, refusalOf(issue));
    expect(await query.converse(makeContext(), attempt, send)).toEqual({ kind: "pending" });
  });

  it.each([
    [422, "DUPLICATE_INVOICE_ID", "duplicate"],
    [422, "A_NEW_ISSUE", "refused"],
    [403, "PERMISSION_DENIED", "refused"],
    [422, "toString", "refused"],
  ])("with %i %s is not known", async (status, issue, reason) => {
    const { send } = capturing(status, refusalOf(issue));
    expect(await query.converse(makeContext(), attempt, send)).toMatchObject({ kind: "unknown", reason });
  });

  it("because somebody was faster is read from the order, and never tried again", async () => {
    const first = orderOf("APPROVED");
    const then = orderOf("COMPLETED", { status: "COMPLETED" });
    let read = 0;
    const { send, asked } = saying({ "POST capture": [422, refusalOf("ORDER_ALREADY_CAPTURED")] });
    const changing: Send = async (request) => {
      if (request.method === "POST" || !request.url.includes("/orders/")) return send(request);
      read += 1;
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(read === 1 ? first : then)) };
    };
    expect(await query.converse(makeContext(), attempt, changing)).toMatchObject({ kind: "succeeded" });
    expect(asked).toHaveLength(1);
  });
});

describe("a capture's request", () => {
  it("has an id that is the same for one approval and another one for the next", async () => {
    const ids: (string | undefined)[] = [];
    for (const update_time of ["2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z", "2026-11-20T08:05:00Z"]) {
      const order = { ...orderOf("APPROVED"), update_time };
      const { send, asked } = saying({ ...reading(order), "POST capture": [422, refusalOf("INSTRUMENT_DECLINED")] });
      await query.converse(makeContext(), attempt, send);
      ids.push(asked.find(({ method }) => method === "POST")?.headers["paypal-request-id"]);
    }
    expect(ids[0]).toBe(`${attempt.serial_no}-20261120080000`);
    expect([ids[1] === ids[0], ids[2] === ids[0]]).toEqual([true, false]);
  });
});

describe("a refund", () => {
  const facts = {
    refund_no: makeNumber(),
    serial_no: undefined,
    channel_refund_no: "1JU08902781691411",
    amount: money(100n, "USD"),
    refunded_at: 0,
  };

  it.each([
    ["COMPLETED", "succeeded"],
    ["PENDING", "pending"],
    ["FAILED", "failed"],
    ["CANCELLED", "failed"],
    ["REVERSED", "unknown"],
    [undefined, "unknown"],
  ])("that is %s is %s", (status, kind) => {
    expect(outcomeOf(facts, status, undefined).kind).toBe(kind);
  });

  it.each([
    [422, "REFUND_AMOUNT_EXCEEDED", "failed"],
    [422, "CAPTURE_FULLY_REFUNDED", "failed"],
    [422, "A_NEW_ISSUE", "unknown"],
    [404, "INVALID_RESOURCE_ID", "unknown"],
    [409, "PREVIOUS_REQUEST_IN_PROGRESS", "unknown"],
  ])("refused with %i %s is %s", async (status, issue, kind) => {
    const { send } = saying({ "POST refund": [status, refusalOf(issue)] });
    const input = {
      attempt: { ...attempt, channel_trade_no: "3C679366HH908993F" },
      refund_no: facts.refund_no,
      amount: facts.amount,
      created_at: clock.now(),
      notify_url: "https://pay.example/notify",
    };
    expect((await refund.converse(makeContext(), input, send)).kind).toBe(kind);
  });
});
