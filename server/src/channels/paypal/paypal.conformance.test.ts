/**
 * Guarantee: the PayPal adapter speaks Orders v2 as PayPal does, and believes only what PayPal answers, or has signed, about
 * our own order.
 */
import { describe, expect, it } from "vitest";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { money } from "../../kit/money.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, makeRefundInput, makeUuid } from "../conformance/harness.ts";
import { describeChannelConformance, describeCoverage } from "../conformance/index.ts";
import { ask, makeOrder, payBy, payInFull, startPayment, useWorld } from "../conformance/subject.ts";
import type { ChannelAccount } from "../contract.ts";
import { paypal } from "./index.ts";
import { subject } from "./testing/subject.ts";

describeChannelConformance(subject);

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
