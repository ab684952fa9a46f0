/**
 * Guarantee: the Stripe adapter speaks to Stripe through its own SDK as Stripe answers it, and however Stripe or the network
 * behaves, only what Stripe states about our own session, in the mode of the account, ends a payment or a refund.
 */
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { money } from "../../kit/money.ts";
import { Secret } from "../../kit/secret.ts";
import {
  type ControlPlane,
  changeAccount,
  context,
  makeRefundInput,
  makeUuid,
  type NoticeReceiver,
} from "../conformance/harness.ts";
import { type ConformanceSubject, describeChannelConformance, describeCoverage } from "../conformance/index.ts";
import { ask, codeOf, expectPending, makeOrder, payInFull, startPayment, useWorld } from "../conformance/subject.ts";
import type { ChannelAccount, WireNotice } from "../contract.ts";
import { stripe } from "./index.ts";

type Made = Record<string, string>;

async function provision(control: ControlPlane, receiver: NoticeReceiver) {
  const made = (await control.post("merchants", { channel: "stripe", webhook_url: receiver.url })) as Made;
  const account: ChannelAccount = {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: { account_id: made.account_id, base_url: control.url },
    secrets: { secret_key: new Secret(made.secret_key!), webhook_secret: new Secret(made.webhook_secret!) },
  };
  return { account, merchant: made.account_id! };
}

/** Our number is in the metadata of whatever the event is about; a dispute only names the payment. */
function numberOfNotice({ body }: WireNotice): string | undefined {
  const { object } = JSON.parse(body.toString("utf8")).data;
  return object.metadata.serial_no ?? object.payment_intent;
}

const subject: ConformanceSubject = {
  title: "Stripe",
  channel: stripe,
  start: () => startSandbox({ port: 0 }),
  provision,
  numberOfNotice,
  renew: (account, rotated) =>
    changeAccount(account, {
      secrets: {
        secret_key: new Secret(String(rotated.secret_key)),
        webhook_secret: new Secret(String(rotated.webhook_secret)),
      },
    }),
  relocate: (account, url) => changeAccount(account, { config: { base_url: url } }),
  privateKeyField: "secret_key",
  makeStrangeKey: () => new Secret("sk_test_strangestrangestrange"),
  method: "stripe.checkout",
  facts: {
    unseen: "pending",
    closedTwice: "closed",
    refunded: "succeeded",
    refundUnderWay: "pending",
    notEnoughCode: "balance_insufficient",
    troubles: {
      http_500: "http_status",
      system_error: "system_error",
      service_unavailable: "system_error",
      rate_limit: "rate_limited",
      html: "unreadable",
      empty: "unreadable",
    },
    untruths: ["wrong_amount", "wrong_currency", "wrong_number"],
    refundUntruths: ["wrong_amount", "wrong_currency"],
    rotated: "refused",
    bills: {
      dayOf: (at_ms) => new Date(at_ms).toISOString().slice(0, 10),
      withinAnswer: true,
      ahead_ms: 2 * 86_400_000,
    },
    untrueNotices: ["notice_wrong_amount"],
    spoiltNotices: ["notice_tampered", "notice_bad_signature", "notice_stale_timestamp", "notice_wrong_merchant"],
  },
};

describeChannelConformance(subject);

describe("Stripe's own ways", () => {
  const world = useWorld(subject);

  it("is found by our number alone, however many others were made, and tells its own from then on", async () => {
    const { account, caller, control } = world();
    const { input } = await startPayment(world(), subject);
    for (let others = 0; others < 3; others += 1) await startPayment(world(), subject);
    const { channel_order_no, ...lost } = input;
    expect(await caller.query(stripe, account, lost)).toEqual({ kind: "pending", channel_order_no });
    expect(await caller.close(stripe, account, lost)).toEqual({ kind: "closed" });
    const { transaction_id } = await control.post("pay", { code: (await startPayment(world(), subject)).code });
    const mistaken = { ...lost, channel_trade_no: String(transaction_id) };
    expect(await caller.query(stripe, account, mistaken)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("is found when a repetition made it, long after the attempt", async () => {
    const { account, caller, receiver } = world();
    const early = systemClock.now() - 3_600_000;
    const input = makeOrder(subject, receiver.url, { created_at: early, expires_at: early + 7_200_000 });
    expectPending(await caller.pay(stripe, account, input));
    expect(await caller.query(stripe, account, input)).toMatchObject({ kind: "pending", channel_order_no: /^cs_/ });
  });

  it.each([
    ["JPY", 500n, 500],
    ["KWD", 12_340n, 12_340],
    ["ISK", 700n, 70_000],
    ["USD", 99n, 99],
  ])("asks for %s %i as Stripe counts it, and reads it back", async (currency, amount, shown) => {
    const { account, caller, control, receiver } = world();
    const input = makeOrder(subject, receiver.url, { amount: money(amount, currency) });
    const code = codeOf(expectPending(await caller.pay(stripe, account, input)));
    const paid = await control.post("pay", { code, notify: false });
    expect(paid).toMatchObject({ amount: shown, currency });
    expect(await caller.query(stripe, account, input)).toMatchObject({ payment: { amount: input.amount } });
    const part = makeRefundInput(input, String(paid.transaction_id), currency === "KWD" ? 10n : 1n);
    expect(await caller.refund(stripe, account, part)).toMatchObject({
      kind: "succeeded",
      refund: { amount: part.amount },
    });
  });

  it("refuses before sending what it cannot express, and without an address to come back to", async () => {
    const { account, caller, receiver } = world();
    const odd = makeOrder(subject, receiver.url, { amount: money(12_345n, "KWD") });
    expect(await caller.pay(stripe, account, odd)).toMatchObject({ failure: { code: "AMOUNT_NOT_EXPRESSIBLE" } });
    const stranded = makeOrder(subject, receiver.url, { return_url: undefined });
    expect(await caller.pay(stripe, account, stranded)).toMatchObject({ failure: { code: "RETURN_URL_REQUIRED" } });
  });

  it("fails with Stripe's code for an amount that Stripe does not take; another account may take a refused key's", async () => {
    const { account, caller, receiver } = world();
    const small = makeOrder(subject, receiver.url, { amount: money(1n, "USD") });
    const failed = await caller.pay(stripe, account, small);
    expect(failed).toMatchObject({ kind: "failed", failure: { code: "amount_too_small" } });
    expect(failed).not.toHaveProperty("failure.elsewhere");
    const strange = changeAccount(account, { secrets: { secret_key: subject.makeStrangeKey!() } });
    const refused = await caller.pay(stripe, strange, makeOrder(subject, receiver.url));
    expect(refused).toMatchObject({ kind: "failed", failure: { elsewhere: true } });
  });

  it("believes no session of the other mode", async () => {
    const { account, caller } = world();
    const { input } = await payInFull(world(), subject);
    const live = { ...account, id: makeUuid(), livemode: true };
    expect(await caller.query(stripe, live, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
    const { input: told, code } = await startPayment(world(), subject);
    await world().control.post("pay", { code });
    const notice = await world().receiver.next(told.serial_no);
    expect(await stripe.readNotice(context(live), notice)).toMatchObject({ kind: "rejected" });
  });

  it("asks about a session that expired, and tells whose it is", async () => {
    const { account, caller, control, receiver } = world();
    const owner = makeUuid();
    const { input } = await startPayment(world(), subject, { owner });
    await caller.close(stripe, account, input);
    const expired = await stripe.readNotice(context(account), await receiver.next(input.serial_no));
    expect(expired).toEqual({ kind: "ask", serial_no: input.serial_no, owner });
    const paid = await startPayment(world(), subject, { owner });
    await control.post("pay", { code: paid.code });
    const notice = await stripe.readNotice(context(account), await receiver.next(paid.input.serial_no));
    expect(notice).toMatchObject({ kind: "payment_succeeded", owner });
  });

  it("has nothing to say about sessions, refunds and disputes of others who use the same Stripe account", async () => {
    const { account, control, receiver } = world();
    const { secret_key } = account.secrets;
    const body = new URLSearchParams({
      mode: "payment",
      success_url: "https://shop.example/",
      "line_items[0][quantity]": "1",
      "line_items[0][price_data][currency]": "usd",
      "line_items[0][price_data][unit_amount]": "500",
      "line_items[0][price_data][product_data][name]": "Tea",
    });
    const headers = { authorization: `Bearer ${secret_key!.reveal()}` };
    const made = await fetch(`${control.url}/v1/checkout/sessions`, { method: "POST", headers, body });
    const { id } = (await made.json()) as { id: string };
    const { transaction_id } = await control.post("pay", { code: id });
    await control.post("disputes", { trade: id });
    const { data } = (await control.get(`notices?trade=${id}`)) as { data: unknown[] };
    expect(data.length).toBeGreaterThan(0);
    const paid = await receiver.next(`${transaction_id}`);
    expect((await stripe.readNotice(context(account), paid)).kind).toBe("ignored");
  });

  it("tells of a refund by event as the query does", async () => {
    const { account, caller, receiver } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 500n);
    await caller.refund(stripe, account, refund);
    const told = await stripe.readNotice(context(account), await receiver.next(input.serial_no));
    const asked = await caller.queryRefund(stripe, account, refund);
    if (told.kind !== "refund" || asked.kind !== "succeeded") throw new Error("two successes were expected");
    expect([told.refund, told.outcome]).toEqual([asked.refund, asked]);
  });

  it("tells of a dispute with our number, which it asks Stripe for; when it cannot ask, Stripe tells again", async () => {
    const { account, control, receiver, caller } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    await control.post("disputes", { trade: input.serial_no, reason: "fraudulent", amount: 500 });
    const notice = await receiver.next(channel_trade_no);
    const told = await caller.readNotice(stripe, account, notice);
    expect(told).toMatchObject({
      kind: "dispute",
      dispute: {
        serial_no: input.serial_no,
        channel_trade_no,
        amount: money(500n, "CNY"),
        reason: "fraudulent",
        status: "needs_response",
      },
    });
    await ask(world(), subject, "query", "http_500");
    expect((await caller.readNotice(stripe, account, notice)).kind).toBe("rejected");
  });

  it("checks the connection with the key, and says when it is the key that is wrong", async () => {
    const { account, caller } = world();
    const connect = (by: ChannelAccount) => caller.run("stripe.check", by, stripe.checkConnection!, {});
    expect(await connect(account)).toEqual({ kind: "connected" });
    const strange = changeAccount(account, { secrets: { secret_key: subject.makeStrangeKey!() } });
    expect(await connect(strange)).toMatchObject({
      kind: "failed",
      failure: { message: /^secret_key: Invalid API Key/ },
    });
    const other = changeAccount(account, { config: { account_id: "acct_somebodyelse" } });
    expect(await connect(other)).toMatchObject({
      kind: "failed",
      failure: { message: /not of account_id acct_somebody/ },
    });
    const foreign = changeAccount(account, { config: { connected_account_id: "acct_somebodyelse" } });
    expect(await connect(foreign)).toMatchObject({ kind: "failed", failure: { message: /^connected_account_id or/ } });
    await ask(world(), subject, "query", "rate_limit");
    expect(await connect(account)).toMatchObject({ kind: "unknown", reason: "rate_limited" });
  });
});

describe("a Stripe account as a person types it in", () => {
  const world = useWorld(subject);
  const problems = (changes: Parameters<typeof changeAccount>[1], livemode = false) =>
    stripe.checkAccount({ ...changeAccount(world().account, changes), livemode }, createManualClock(0)).join("; ");

  it("says what is wrong with each field", () => {
    const secret = (name: string, value: string) => ({ secrets: { [name]: new Secret(value) } });
    const expected: [Parameters<typeof changeAccount>[1], string][] = [
      [secret("secret_key", "pk_test_1234567890"), "publishable key"],
      [secret("secret_key", "sk_live_1234567890"), "a live key, but the account is for tests"],
      [secret("webhook_secret", "sk_test_1234567890"), "webhook_secret is not an endpoint's secret"],
      [{ config: { account_id: "1234" } }, "config/account_id"],
      [{ config: { base_url: "api.stripe.com" } }, "config/base_url"],
      [{ config: { payment_method_types: [] } }, "config/payment_method_types"],
    ];
    for (const [changes, sentence] of expected) expect(problems(changes)).toContain(sentence);
    expect(problems({}, true)).toContain("a test key, but the account is live");
  });
});

describeCoverage(stripe);
