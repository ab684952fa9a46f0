/**
 * Guarantee: the PayPal adapter speaks Orders v2 as PayPal does, takes a payer's money only for an attempt that is wanted
 * and never twice, and believes only what PayPal answers, or has signed, about our own order.
 */
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { money } from "../../kit/money.ts";
import { Secret } from "../../kit/secret.ts";
import {
  type ControlPlane,
  changeAccount,
  makeRefundInput,
  makeUuid,
  type NoticeReceiver,
} from "../conformance/harness.ts";
import { type ConformanceSubject, describeChannelConformance, describeCoverage } from "../conformance/index.ts";
import { ask, makeOrder, payBy, payInFull, startPayment, useWorld } from "../conformance/subject.ts";
import type { ChannelAccount, WireNotice } from "../contract.ts";
import { paypal } from "./index.ts";

type Made = Record<string, string | undefined>;

function accountOf(made: Made, base_url: string): ChannelAccount {
  return {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: {
      client_id: made.client_id,
      merchant_id: made.merchant_id,
      webhook_id: made.webhook_id,
      webhook_root_certificate: made.root_certificate_pem,
      base_url,
    },
    secrets: { client_secret: new Secret(made.client_secret!) },
  };
}

async function provision(control: ControlPlane, receiver: NoticeReceiver) {
  const made = (await control.post("merchants", { channel: "paypal", webhook_url: `${receiver.url}/all` })) as Made;
  return { account: accountOf(made, control.url), merchant: made.client_id! };
}

interface Event {
  event_type: string;
  resource: { invoice_id?: string; purchase_units?: { invoice_id?: string }[] };
}

/** Payments by their number; what else PayPal tells of them, by its kind and their number. */
function numberOfNotice(notice: WireNotice): string | undefined {
  const { event_type, resource } = JSON.parse(notice.body.toString()) as Event;
  const number = resource.invoice_id ?? resource.purchase_units?.[0]?.invoice_id;
  return event_type === "PAYMENT.CAPTURE.COMPLETED" ? number : `${event_type}/${number}`;
}

const untruths = ["wrong_amount", "wrong_currency", "wrong_number", "wrong_merchant"];

const subject: ConformanceSubject = {
  title: "PayPal",
  channel: paypal,
  start: () => startSandbox({ port: 0 }),
  provision,
  numberOfNotice,
  renew: (account, rotated) =>
    changeAccount(account, { secrets: { client_secret: new Secret(String(rotated.client_secret)) } }),
  relocate: (account, url) => changeAccount(account, { config: { base_url: url } }),
  privateKeyField: "client_secret",
  makeStrangeKey: () => new Secret(`E${"x".repeat(79)}`),
  currency: "USD",
  method: "paypal.checkout",
  facts: {
    unseen: "pending",
    closedTwice: "closed",
    refunded: "succeeded",
    refundUnderWay: "pending",
    notEnoughCode: "REFUND_FAILED_INSUFFICIENT_FUNDS",
    troubles: {
      http_500: "http_status",
      system_error: "http_status",
      service_unavailable: "http_status",
      rate_limit: "rate_limited",
      html: "unreadable",
      empty: "unreadable",
    },
    untruths,
    refundUntruths: untruths,
    refundWithoutOrder: true,
    rotated: "refused",
    spoiltNotices: ["notice_tampered", "notice_bad_signature", "notice_rewritten"],
    certificateTravels: true,
    approvedFirst: true,
    lostWithoutNumber: true,
    closedByNeglect: true,
  },
};

describeChannelConformance(subject);

describe("PayPal's captures", () => {
  const world = useWorld(subject);
  const stateOf = async (serial_no: string) =>
    (await world().control.get(`trades/${serial_no}`)) as Record<string, unknown>;

  it("take no money of an attempt that must end, also when its payer has approved", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    const ending = { ...input, ending: true };
    expect(await caller.query(paypal, account, ending)).toEqual({ kind: "pending" });
    expect(await caller.close(paypal, account, ending)).toEqual({ kind: "closed" });
    expect(await stateOf(input.serial_no)).toMatchObject({ state: "APPROVED" });
  });

  it("that were taken all the same are not closed", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    await caller.query(paypal, account, input);
    expect(await caller.query(paypal, account, { ...input, ending: true })).toMatchObject({ kind: "succeeded" });
    expect(await caller.close(paypal, account, { ...input, ending: true })).toEqual({ kind: "already_paid" });
  });

  it("happen once when two ask at the same time", async () => {
    const { account, caller, control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    const answers = await Promise.all([1, 2, 3].map(() => caller.query(paypal, account, input)));
    expect(answers.map(({ kind }) => kind)).toEqual(["succeeded", "succeeded", "succeeded"]);
    await receiver.next(input.serial_no);
    const { data } = (await control.get(`notices?trade=${input.serial_no}`)) as { data: { event: string }[] };
    expect(data.filter(({ event }) => event === "PAYMENT.CAPTURE.COMPLETED")).toHaveLength(1);
  });

  it("that time out are not known, and the next question finds what they did", async () => {
    const { account, caller, impatient, control } = world();
    for (const [fault, state] of [
      ["timeout_after", "COMPLETED"],
      ["timeout_before", "APPROVED"],
    ] as const) {
      const { input, code } = await startPayment(world(), subject);
      await control.post("pay", { code });
      await ask(world(), subject, "capture", fault);
      expect(await impatient.query(paypal, account, input)).toMatchObject({ kind: "unknown", reason: "timeout" });
      expect(await stateOf(input.serial_no)).toMatchObject({ state });
      expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "succeeded" });
    }
  });

  it.each(untruths)("with a %s in the answer are an integrity error", async (fault) => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    await ask(world(), subject, "capture", fault);
    expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("find a declined instrument, and the payer may choose another", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code, outcome: "fail" });
    expect(await caller.query(paypal, account, input)).toEqual({ kind: "pending" });
    expect(await caller.query(paypal, account, input)).toEqual({ kind: "pending" });
    await control.post("pay", { code });
    expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "succeeded" });
  });

  it.each([
    ["success", { kind: "succeeded" }],
    ["fail", { kind: "failed", failure: { code: "CAPTURE_DECLINED" } }],
  ])("that PayPal holds back are pending, cannot be closed, and end in %s", async (outcome, ending) => {
    const { account, caller, control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    await ask(world(), subject, "capture", "capture_pending");
    expect(await caller.query(paypal, account, input)).toEqual({ kind: "pending" });
    const told = await receiver.next(`PAYMENT.CAPTURE.PENDING/${input.serial_no}`);
    expect(await caller.readNotice(paypal, account, told)).toEqual({
      kind: "ask",
      serial_no: input.serial_no,
      owner: undefined,
    });
    expect(await caller.close(paypal, account, input)).toEqual({ kind: "already_paid" });
    await control.post("pay", { code, outcome });
    expect(await caller.query(paypal, account, input)).toMatchObject(ending);
  });

  it("of a second order with the same number are refused by PayPal, and not known", async () => {
    const { account, caller, control } = world();
    const first = await startPayment(world(), subject);
    await payBy(world(), subject, first);
    await control.post("clock", { advance: 6 * 3_600 });
    const again = await caller.pay(paypal, account, first.input);
    if (again.kind !== "pending") throw new Error("another order was expected");
    const second = { ...first.input, channel_order_no: again.channel_order_no! };
    expect(second.channel_order_no).not.toBe(first.input.channel_order_no);
    await control.post("pay", { code: second.channel_order_no });
    expect(await caller.query(paypal, account, second)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    await control.post("clock", { reset: true });
  });
});

describe("PayPal's orders that are closed by neglect", () => {
  const world = useWorld(subject);

  it("are closed again and again, and open for nobody's money", async () => {
    const { account, caller } = world();
    const { input } = await startPayment(world(), subject);
    for (let time = 0; time < 2; time += 1) {
      expect(await caller.close(paypal, account, { ...input, ending: true })).toEqual({ kind: "closed" });
    }
    expect(await caller.query(paypal, account, { ...input, ending: true })).toEqual({ kind: "pending" });
  });

  it.each(Object.entries({ ...subject.facts.troubles, timeout_after: "timeout" }))(
    "are not closed by an answer with %s (%s)",
    async (fault, reason) => {
      const { account, impatient } = world();
      const { input } = await startPayment(world(), subject);
      await ask(world(), subject, "query", fault);
      expect(await impatient.close(paypal, account, input)).toMatchObject({ kind: "unknown", reason });
    },
  );

  it.each(untruths)("are not closed by an answer with a %s", async (fault) => {
    const { account, caller } = world();
    const { input } = await startPayment(world(), subject);
    await ask(world(), subject, "query", fault);
    expect(await caller.close(paypal, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("that a payer approves while they are closed are charged once or not at all, and both sides know which", async () => {
    const { account, caller, control } = world();
    for (let round = 0; round < 5; round += 1) {
      const { input, code } = await startPayment(world(), subject);
      await control.post("pay", { code });
      const [closed, asked] = await Promise.all([
        caller.close(paypal, account, { ...input, ending: true }),
        caller.query(paypal, account, input),
      ]);
      expect(asked.kind).toBe("succeeded");
      expect(["closed", "already_paid"]).toContain(closed.kind);
      expect(await caller.close(paypal, account, input)).toEqual({ kind: "already_paid" });
    }
  });
});

describe("PayPal's own ways", () => {
  const world = useWorld(subject);

  it.each([
    ["JPY", 1_234n],
    ["TWD", 123_400n],
    ["HUF", 500n],
    ["EUR", 1n],
    ["THB", 999_999_999n],
  ])("collect %s %s exactly", async (currency, amount) => {
    const { account, caller } = world();
    const started = await startPayment(world(), subject, { amount: money(amount, currency) });
    await payBy(world(), subject, started);
    expect(await caller.query(paypal, account, started.input)).toMatchObject({
      payment: { amount: money(amount, currency) },
    });
  });

  it.each([
    ["TWD", 123_450n, "DECIMALS_NOT_SUPPORTED"],
    ["HUF", 1n, "DECIMALS_NOT_SUPPORTED"],
    ["KRW", 100n, "CURRENCY_NOT_SUPPORTED"],
  ])("refuse %s %s before anything is sent", async (currency, amount, code) => {
    const { account, caller } = world();
    const order = makeOrder(subject, "https://shop.example/n", { amount: money(amount, currency) });
    expect(await caller.pay(paypal, account, order)).toMatchObject({ kind: "failed", failure: { code } });
  });

  it("get a new token when PayPal no longer takes the one they hold", async () => {
    const { account, caller } = world();
    const { input } = await payInFull(world(), subject);
    await ask(world(), subject, "query", "invalid_token");
    expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "succeeded" });
  });

  it("believe what PayPal signed for a webhook that was replaced a short time ago, and for no other", async () => {
    const { account, caller, receiver } = world();
    const started = await startPayment(world(), subject);
    await payBy(world(), subject, started);
    const notice = await receiver.next(started.input.serial_no);
    const renewed = { ...changeAccount(account, { config: { webhook_id: "ANOTHERWEBHOOK" } }), version: 2 };
    expect(await caller.readNotice(paypal, renewed, notice)).toMatchObject({ kind: "rejected" });
    const overlapping = { ...renewed, previous: [account] };
    expect(await caller.readNotice(paypal, overlapping, notice)).toMatchObject({ kind: "payment_succeeded" });
  });

  it("find a refund from the capture alone, when the order's number is not at hand", async () => {
    const { account, caller } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput({ ...input, channel_order_no: undefined }, channel_trade_no, 500n);
    await caller.refund(paypal, account, refund);
    expect(await caller.queryRefund(paypal, account, refund)).toMatchObject({ kind: "succeeded" });
  });

  it("tell whose order it is, and of the refund as the query does", async () => {
    const { account, caller, receiver } = world();
    const owner = makeUuid();
    const started = await startPayment(world(), subject, { owner });
    const channel_trade_no = await payBy(world(), subject, started);
    const { serial_no } = started.input;
    const approved = await receiver.next(`CHECKOUT.ORDER.APPROVED/${serial_no}`);
    expect(await caller.readNotice(paypal, account, approved)).toEqual({ kind: "ask", serial_no, owner });
    const paid = await caller.readNotice(paypal, account, await receiver.next(serial_no));
    expect(paid).toMatchObject({ kind: "payment_succeeded", owner });
    const refund = makeRefundInput(started.input, channel_trade_no, 500n, { owner });
    await caller.refund(paypal, account, refund);
    const told = await receiver.next(`PAYMENT.CAPTURE.REFUNDED/${refund.refund_no}`);
    const asked = await caller.queryRefund(paypal, account, refund);
    if (asked.kind !== "succeeded") throw new Error("a refund was expected");
    expect(await caller.readNotice(paypal, account, told)).toEqual({
      kind: "refund",
      owner,
      refund: asked.refund,
      outcome: asked,
    });
  });

  it.each([
    ["answer", "under_review"],
    ["win", "won"],
    ["lose", "lost"],
    ["withdraw", "closed"],
  ])("tell of a dispute, and after %s that it is %s", async (move, status) => {
    const { account, caller, control, receiver } = world();
    const owner = makeUuid();
    const started = await startPayment(world(), subject, { owner });
    const channel_trade_no = await payBy(world(), subject, started);
    const { dispute } = await control.post("disputes", { trade: channel_trade_no, reason: "UNAUTHORISED" });
    const first = await caller.readNotice(paypal, account, await receiver.next("CUSTOMER.DISPUTE.CREATED/undefined"));
    await control.post("disputes", { trade: channel_trade_no, move });
    const type = move === "answer" ? "CUSTOMER.DISPUTE.UPDATED" : "CUSTOMER.DISPUTE.RESOLVED";
    const then = await caller.readNotice(paypal, account, await receiver.next(`${type}/undefined`));
    const facts = {
      channel_dispute_no: dispute,
      serial_no: started.input.serial_no,
      channel_trade_no,
      amount: started.input.amount,
      reason: "UNAUTHORISED",
    };
    expect(first).toMatchObject({
      kind: "dispute",
      owner,
      dispute: { ...facts, status: "needs_response", respond_by: expect.any(Number) },
    });
    expect(then).toMatchObject({
      kind: "dispute",
      owner,
      dispute: { ...facts, status, respond_by: undefined },
    });
    if (first.kind !== "dispute" || then.kind !== "dispute") throw new Error("two disputes were expected");
    expect(then.dispute.stated_at).toBeGreaterThan(first.dispute.stated_at);
  });
});

describe("trying a PayPal account", () => {
  const world = useWorld(subject);
  const trying = (account: ChannelAccount) => world().caller.run("check", account, paypal.checkConnection!, {});

  it("connects with good credentials, and says in PayPal's words which are not", async () => {
    const { account } = world();
    expect(await trying(account)).toEqual({ kind: "connected" });
    const secrets = { client_secret: subject.makeStrangeKey!() };
    expect(await trying(changeAccount(account, { secrets }))).toMatchObject({
      kind: "failed",
      failure: { code: "invalid_client" },
    });
    await ask(world(), subject, "oauth", "http_500");
    expect(await trying(changeAccount(account, {}))).toMatchObject({ kind: "unknown", reason: "http_status" });
  });
});

describe("a PayPal account as a person types it in", () => {
  const world = useWorld(subject);

  it("says what is wrong with each field", () => {
    const expected: [Parameters<typeof changeAccount>[1], string][] = [
      [{ config: { client_id: "short" } }, "config/client_id"],
      [{ config: { merchant_id: "lowercase1234" } }, "config/merchant_id"],
      [{ config: { webhook_id: "" } }, "config/webhook_id"],
      [{ config: { funding: "gold" } }, "config/funding"],
      [{ config: { webhook_root_certificate: "x" } }, "webhook_root_certificate is not a certificate"],
      [{ config: { base_url: "api-m.paypal.com" } }, "config/base_url"],
      [{ secrets: { client_secret: new Secret("short") } }, "client_secret"],
    ];
    for (const [changes, sentence] of expected) {
      const account = changeAccount(world().account, changes);
      expect(paypal.checkAccount(account, systemClock).join("; ")).toContain(sentence);
    }
  });

  it("warns of its own root's end, and of nothing when the public roots serve", () => {
    const { account } = world();
    const [expiry] = paypal.expiries!(account);
    expect(expiry?.name).toBe("webhook_root_certificate");
    const late = createManualClock(expiry!.expires_at + 1);
    expect(paypal.checkAccount(account, late).join()).toContain("webhook_root_certificate expired at");
    expect(paypal.expiries!(changeAccount(account, { config: { webhook_root_certificate: undefined } }))).toEqual([]);
  });
});

describeCoverage(paypal);
