/**
 * Guarantee: the sandbox speaks Stripe's API v1 as Stripe's own SDK understands it: sessions, payments, refunds, disputes
 * and their states; keys of requests that are repeated; errors by type and code; webhooks that the SDK verifies.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeStripe, makeStripeMerchant, type StripeMerchantUnderTest, sessionOf } from "../testing/stripe-client.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: StripeMerchantUnderTest;
let stripe: Stripe;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver({ status: 200, body: "" });
  merchant = await makeStripeMerchant(sandbox, receiver);
  stripe = merchant.stripe;
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  receiver.clear();
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

const create = (...given: Parameters<typeof sessionOf>) => stripe.checkout.sessions.create(sessionOf(...given));
const read = (id: string) => stripe.checkout.sessions.retrieve(id, { expand: ["payment_intent.latest_charge"] });
const pay = (code: string, more: object = {}) => sandbox.control("/pay", { code, ...more });

/** A paid session's payment intent. */
async function payOne(...given: Parameters<typeof sessionOf>): Promise<string> {
  const session = await create(...given);
  return (await pay(session.url!, { notify: false })).transaction_id;
}

/** The error of a call that must be refused. */
async function refusalOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Stripe.errors.StripeError)) throw new Error(`a refusal was expected, not ${String(error)}`);
  return error;
}

/** The events that have arrived, verified by the SDK, as [type, object]. */
async function eventsOf(count: number): Promise<[string, Json][]> {
  const received = await receiver.until(count);
  return received.map(({ headers, body }) => {
    const signature = String(headers["stripe-signature"]);
    const event = stripe.webhooks.constructEvent(body, signature, merchant.webhook_secret);
    return [event.type, event.data.object];
  });
}

describe("a session", () => {
  it("is open with an address until it is paid, and then complete with its payment", async () => {
    const session = await create();
    expect(session).toMatchObject({ object: "checkout.session", status: "open", payment_status: "unpaid" });
    expect(session).toMatchObject({ amount_total: 1234, currency: "usd", payment_intent: null, livemode: false });
    const paid = await pay(session.url!, { payer: "jenny" });
    expect(paid).toMatchObject({ paid: true, channel: "stripe", currency: "USD", merchant: merchant.account_id });
    const after = await read(session.id);
    expect(after).toMatchObject({ status: "complete", payment_status: "paid", url: null });
    expect(after.payment_intent).toMatchObject({
      id: paid.transaction_id,
      status: "succeeded",
      metadata: session.metadata,
      latest_charge: { object: "charge", paid: true },
    });
    expect(after.customer_details?.email).toBe("jenny@example.com");
  });

  it("stays open when the card is declined, and says why in its payment", async () => {
    const session = await create();
    await pay(session.url!, { outcome: "fail" });
    const after = await read(session.id);
    expect(after).toMatchObject({ status: "open", payment_intent: { status: "requires_payment_method" } });
    expect((after.payment_intent as Stripe.PaymentIntent).last_payment_error).toMatchObject({ code: "card_declined" });
    await pay(session.url!);
    expect((await read(session.id)).payment_status).toBe("paid");
  });

  it("expires when asked to or in time, once, and can then not be paid", async () => {
    const [asked, late] = [await create(), await create()];
    expect(await stripe.checkout.sessions.expire(asked.id)).toMatchObject({ status: "expired", url: null });
    const again = await refusalOf(stripe.checkout.sessions.expire(asked.id));
    expect([again.statusCode, again.type]).toEqual([400, "StripeInvalidRequestError"]);
    await expect(pay(asked.url!)).rejects.toThrow("409");
    await sandbox.control("/clock", { advance: 24 * 3600 });
    expect((await read(late.id)).status).toBe("expired");
    await sandbox.control("/clock", { reset: true });
  });

  it("is found in the list by time, payment or status, page by page", async () => {
    const made = [await create(), await create(), await create()];
    await pay(made[1]!.url!, { notify: false });
    const ids = made.map(({ id }) => id).reverse();
    const listed: string[] = [];
    for await (const session of stripe.checkout.sessions.list({ limit: 1 })) listed.push(session.id);
    expect(listed).toEqual(ids);
    const { data } = await stripe.checkout.sessions.list({ status: "complete" });
    expect(data.map(({ id }) => id)).toEqual([made[1]!.id]);
    const later = await stripe.checkout.sessions.list({ created: { gt: made[0]!.created + 3600 } });
    expect(later.data).toEqual([]);
  });
});

describe("what it refuses", () => {
  it.each([
    ["an unknown parameter", { customer_name: "x" }, "parameter_unknown"],
    ["an expiry in the past", { expires_at: Math.floor(Date.parse("2000-01-01") / 1000) }, undefined],
    ["no success_url", { success_url: "" }, undefined],
    ["an address that is none", { success_url: "shop.example" }, "url_invalid"],
  ])("%s", async (_name, changes, code) => {
    const error = await refusalOf(create(changes as object));
    expect([error.statusCode, error.type, error.code]).toEqual([400, "StripeInvalidRequestError", code]);
  });

  it.each([
    [100, "xyz", undefined],
    [49, "usd", "amount_too_small"],
    [100_000_000, "usd", "amount_too_large"],
    [1001, "kwd", "invalid_charge_amount"],
    [150, "isk", "invalid_charge_amount"],
    [150, "ugx", "invalid_charge_amount"],
  ])("%i %s", async (amount, currency, code) => {
    expect((await refusalOf(create({}, amount, currency))).code).toBe(code);
  });

  it("keys that are unknown or have ended, and other accounts' things", async () => {
    const session = await create();
    const strange = await refusalOf(makeStripe(sandbox, "sk_test_strange").balance.retrieve());
    expect([strange.statusCode, strange.type]).toEqual([401, "StripeAuthenticationError"]);
    const other = await makeStripeMerchant(sandbox, receiver);
    const hidden = await refusalOf(other.stripe.checkout.sessions.retrieve(session.id));
    expect([hidden.statusCode, hidden.code]).toEqual([404, "resource_missing"]);
    const rolled = await sandbox.control("/keys/rotate", { channel: "stripe", merchant: other.account_id });
    expect((await refusalOf(other.stripe.balance.retrieve())).code).toBe("api_key_expired");
    expect(await makeStripe(sandbox, rolled.secret_key).balance.retrieve()).toMatchObject({ livemode: false });
  });

  it.each([
    ["rate_limit", 429, "StripeRateLimitError"],
    ["system_error", 500, "StripeAPIError"],
    ["service_unavailable", 503, "StripeAPIError"],
  ])("everything once when it is told to: %s", async (fault, status, type) => {
    await sandbox.control("/faults", { channel: "stripe", operation: "query", fault });
    const error = await refusalOf(stripe.balance.retrieve());
    expect([error.statusCode, error.type]).toEqual([status, type]);
    expect(await stripe.balance.retrieve()).toMatchObject({ object: "balance" });
  });
});

describe("a keyed request", () => {
  it("is carried out once: repeated, it answers what it answered; with other parameters it is refused", async () => {
    const params = sessionOf();
    const first = await stripe.checkout.sessions.create(params, { idempotencyKey: "one" });
    await pay(first.url!, { notify: false });
    const again = await stripe.checkout.sessions.create(params, { idempotencyKey: "one" });
    expect([again.id, again.status]).toEqual([first.id, "open"]);
    expect(again.lastResponse.headers["idempotent-replayed"]).toBe("true");
    const other = stripe.checkout.sessions.create(sessionOf(), { idempotencyKey: "one" });
    expect((await refusalOf(other)).type).toBe("StripeIdempotencyError");
    expect((await stripe.checkout.sessions.list()).data).toHaveLength(1);
  });

  it("is forgotten after a day, and never remembered when it was refused", async () => {
    await refusalOf(stripe.checkout.sessions.create(sessionOf({}, 1), { idempotencyKey: "two" }));
    const good = await stripe.checkout.sessions.create(sessionOf(), { idempotencyKey: "two" });
    await sandbox.control("/clock", { advance: 24 * 3600 + 1 });
    const late = await stripe.checkout.sessions.create(sessionOf(), { idempotencyKey: "two" });
    expect(late.id).not.toBe(good.id);
    await sandbox.control("/clock", { reset: true });
  });
});

describe("a refund", () => {
  it("goes back in parts, never more than was paid", async () => {
    const payment_intent = await payOne();
    const part = await stripe.refunds.create({ payment_intent, amount: 34, metadata: { refund_no: "r1" } });
    expect(part).toMatchObject({ status: "succeeded", amount: 34, payment_intent, metadata: { refund_no: "r1" } });
    expect((await refusalOf(stripe.refunds.create({ payment_intent, amount: 1201 }))).statusCode).toBe(400);
    expect(await stripe.refunds.create({ payment_intent })).toMatchObject({ amount: 1200 });
    expect((await refusalOf(stripe.refunds.create({ payment_intent }))).code).toBe("charge_already_refunded");
    const { data } = await stripe.refunds.list({ payment_intent });
    expect(data.map(({ amount }) => amount)).toEqual([1200, 34]);
    const { latest_charge } = await stripe.paymentIntents.retrieve(payment_intent, { expand: ["latest_charge"] });
    expect(latest_charge).toMatchObject({ refunded: true, amount_refunded: 1234 });
  });

  it.each([
    ["success", "succeeded", ["refund.created", "refund.updated"]],
    ["closed", "failed", ["refund.created", "refund.updated", "refund.failed"]],
  ])("waits when told to, and ends as %s", async (outcome, status, types) => {
    const payment_intent = await payOne();
    await sandbox.control("/faults", { channel: "stripe", operation: "refund", fault: "refund_processing" });
    const refund = await stripe.refunds.create({ payment_intent, amount: 5, metadata: { refund_no: "r2" } });
    expect(refund.status).toBe("pending");
    await sandbox.control("/refunds", { refund: "r2", outcome });
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe(status);
    const events = await eventsOf(types.length);
    expect(events.map(([type]) => type).sort()).toEqual([...types].sort());
  });
});

describe("a webhook", () => {
  it("tells of the payment under a signature that the SDK verifies, again until it is accepted", async () => {
    receiver.reply = { status: 500, body: "" };
    const session = await create();
    await pay(session.url!);
    await receiver.until(1);
    receiver.reply = { status: 200, body: "" };
    await sandbox.control("/clock", { advance: 300 });
    const events = await eventsOf(2);
    expect(events.map(([type]) => type)).toEqual(Array(2).fill("checkout.session.completed"));
    expect(events[0]![1]).toMatchObject({ id: session.id, payment_status: "paid", amount_total: 1234 });
    await sandbox.control("/clock", { reset: true });
  });

  it.each(["notice_tampered", "notice_bad_signature", "notice_stale_timestamp"])(
    "does not verify as %s",
    async (mutate) => {
      const session = await create();
      await pay(session.url!, { notify: false });
      await sandbox.control("/notices/replay", { trade: session.client_reference_id, mutate });
      await expect(eventsOf(1)).rejects.toThrow(Stripe.errors.StripeSignatureVerificationError);
    },
  );

  it("is signed by the old secret and the new one while both are good", async () => {
    const rolled = await sandbox.control("/keys/rotate", {
      channel: "stripe",
      merchant: merchant.account_id,
      overlap_s: 60,
    });
    await pay((await create()).url!);
    const { headers, body } = (await receiver.until(1))[0]!;
    for (const secret of [merchant.webhook_secret, rolled.webhook_secret]) {
      expect(stripe.webhooks.constructEvent(body, String(headers["stripe-signature"]), secret).object).toBe("event");
    }
    Object.assign(merchant, { webhook_secret: rolled.webhook_secret, stripe: makeStripe(sandbox, rolled.secret_key) });
    stripe = merchant.stripe;
  });

  it("tells how a dispute begins, is answered and ends", async () => {
    const session = await create();
    await pay(session.url!, { notify: false });
    const trade = session.client_reference_id;
    await sandbox.control("/disputes", { trade, reason: "product_not_received", amount: 1000 });
    await sandbox.control("/disputes", { trade, move: "answer" });
    await sandbox.control("/disputes", { trade, move: "lose" });
    const events = await eventsOf(3);
    const told = events.map(([type, dispute]) => [type, dispute.status, dispute.amount, dispute.reason]);
    expect(told).toEqual([
      ["charge.dispute.created", "needs_response", 1000, "product_not_received"],
      ["charge.dispute.updated", "under_review", 1000, "product_not_received"],
      ["charge.dispute.closed", "lost", 1000, "product_not_received"],
    ]);
    await expect(sandbox.control("/disputes", { trade, move: "win" })).rejects.toThrow("409");
    expect(await stripe.disputes.retrieve(events[0]![1].id)).toMatchObject({ status: "lost" });
  });
});

describe("the checkout page", () => {
  const post = (url: string, form: Record<string, string>) =>
    fetch(url, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });
  const card = (number: string) => ({ number, email: "jenny@example.com" });

  it("takes a card and goes back to the merchant with the session's id", async () => {
    const session = await create();
    const page = await (await fetch(session.url!)).text();
    expect(page).toContain("12.34 USD");
    expect(page).toContain("Tea 茶 &amp; &lt;cake&gt;");
    expect(page).toContain('href="https://shop.example/left"');
    const paid = await post(session.url!, card("4242 4242 4242 4242"));
    expect(paid.headers.get("location")).toBe(`https://shop.example/paid?session=${session.id}`);
    expect((await read(session.id)).customer_details?.email).toBe("jenny@example.com");
    expect(await (await fetch(session.url!)).text()).toContain("已支付");
    expect((await post(session.url!, card("4242 4242 4242 4242"))).status).toBe(409);
  });

  it.each([
    ["4000 0000 0000 0002", "Your card was declined."],
    ["4000 0000 0000 9995", "insufficient funds"],
    ["4000 0000 0000 0069", "expired"],
    ["4242 4242 4242 4241", "card number is incorrect"],
    ["6011 1111 1111 1117", "declined"],
  ])("says why %s is declined, and takes another card", async (number, sentence) => {
    const session = await create();
    const declined = await post(session.url!, card(number));
    const page = await (await fetch(new URL(declined.headers.get("location")!, session.url!))).text();
    expect(page).toContain(sentence);
    await post(session.url!, card("5555 5555 5555 4444"));
    expect((await read(session.id)).payment_status).toBe("paid");
  });

  it.each([
    ["pass", "paid", "succeeded"],
    ["fail", "unpaid", "requires_payment_method"],
  ])("asks for 3-D Secure, whose %s leaves the session %s", async (outcome, payment_status, status) => {
    const session = await create();
    await post(session.url!, card("4000 0025 0000 3155"));
    expect((await read(session.id)).payment_intent).toMatchObject({ status: "requires_action" });
    expect(await (await fetch(session.url!)).text()).toContain("3-D Secure");
    await post(`${session.url}/challenge`, { outcome });
    expect(await read(session.id)).toMatchObject({ payment_status, payment_intent: { status } });
  });

  it("is reached from the wallet's list, by its address, and by nothing else", async () => {
    const session = await create();
    expect(await (await fetch(`${sandbox.url}/wallet`)).text()).toContain(`/c/pay/${session.id}`);
    const scanned = await post(`${sandbox.url}/wallet/scan`, { code: session.url! });
    expect(scanned.headers.get("location")).toBe(`/c/pay/${session.id}`);
    expect((await fetch(`${sandbox.url}/c/pay/cs_test_none`)).status).toBe(404);
  });
});

it("goes on after a restart where it was: keys, sessions, refunds and events still to be delivered", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-stripe-"));
  const dataFile = join(folder, "state.json");
  const first = await startTestSandbox({ dataFile });
  receiver.reply = { status: 500, body: "" };
  const own = await makeStripeMerchant(first, receiver);
  const paid = await own.stripe.checkout.sessions.create(sessionOf());
  const open = await own.stripe.checkout.sessions.create(sessionOf());
  const { transaction_id } = await first.control("/pay", { code: paid.id });
  await own.stripe.refunds.create({ payment_intent: transaction_id, amount: 34 });
  await receiver.until(2);
  await first.close();

  receiver.reply = { status: 200, body: "" };
  const second = await startTestSandbox({ dataFile });
  const again = makeStripe(second, own.secret_key);
  expect(await again.checkout.sessions.retrieve(paid.id)).toMatchObject({ status: "complete", amount_total: 1234 });
  expect((await again.refunds.list({ payment_intent: transaction_id })).data).toMatchObject([{ amount: 34 }]);
  expect((await again.checkout.sessions.retrieve(open.id)).status).toBe("open");
  await second.control("/clock", { advance: 24 * 3600 });
  expect((await again.checkout.sessions.retrieve(open.id)).status).toBe("expired");
  const told = (await receiver.until(5)).map(({ body }) => JSON.parse(body).type).slice(2, 4);
  expect(told.sort()).toEqual(["checkout.session.completed", "refund.created"]);
  await second.close();
  await rm(folder, { recursive: true });
});
