/**
 * Guarantee: a payment by Stripe's checkout goes the whole way, from the API over the card that a person types to the books
 * and back again as a refund, in currencies with and without decimals; whatever is lost on the way is found again; a dispute
 * is recorded and told once.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import { addStripe, type StripeAtTest } from "../platform/stripe.ts";

let platform: Platform;
let stripe: StripeAtTest;
beforeAll(async () => {
  platform = await startPlatform();
  stripe = await addStripe(platform);
}, 60_000);
afterEach(async () => {
  await platform.sandbox.clearFaults();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

function order(more: object = {}) {
  return {
    ...{ out_trade_no: nextNumber("stripe"), amount: 1234, currency: "USD", subject: "A cup of tea 一杯茶" },
    ...{ method: "stripe.checkout", return_url: "https://shop.example/done", ...more },
  };
}

const create = (more: object = {}) => platform.post("/v1/payments", order(more));
const read = (payment: Json) => platform.get(`/v1/payments/${payment.id}`);

/** A person types a card at the checkout. */
const typeCard = (url: string, number: string) => {
  const body = new URLSearchParams({ number, email: "jenny@example.com" });
  return fetch(url, { method: "POST", body, redirect: "manual" });
};

async function payByCard(more: object = {}, number = "4242 4242 4242 4242"): Promise<Json> {
  const payment = await create(more);
  await typeCard(payment.action.url, number);
  await platform.settle();
  return read(payment);
}

describe("a payment by card", () => {
  test("goes from the checkout over the webhook to the books, and back by a refund", async () => {
    const payment = await create();
    expect(payment).toMatchObject({ status: "processing", action: { type: "redirect" }, channel: "stripe" });
    const paid = await typeCard(payment.action.url, "4242 4242 4242 4242");
    expect(paid.headers.get("location")).toBe("https://shop.example/done");
    await platform.settle();
    const after = await read(payment);
    expect(after).toMatchObject({ status: "succeeded", amount: 1234, channel_trade_no: expect.stringMatching(/^pi_/) });
    const notices = await platform.sandbox.notices(payment.serial_no);
    expect(notices.map(({ event, accepted }) => [event, accepted])).toEqual([["checkout.session.completed", true]]);
    const { data: attempts } = await platform.get(`/v1/payments/${payment.id}/attempts`);
    expect(attempts).toMatchObject([{ status: "succeeded", channel_order_no: expect.stringMatching(/^cs_test_/) }]);
    const refund = await platform.post("/v1/refunds", {
      ...{ payment: payment.id, out_refund_no: nextNumber("refund"), amount: 234 },
    });
    await platform.settle();
    expect(await platform.get(`/v1/refunds/${refund.id}`)).toMatchObject({
      status: "succeeded",
      channel_refund_no: expect.stringMatching(/^re_/),
    });
    expect(await read(payment)).toMatchObject({ amount_refunded: 234 });
  });

  test.each([
    ["JPY", 500],
    ["CNY", 888],
    ["KWD", 1230],
    ["ISK", 900],
  ])("is the same money everywhere in %s", async (currency, amount) => {
    const payment = await payByCard({ currency, amount });
    expect(payment).toMatchObject({ status: "succeeded", currency, amount });
    const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount };
    await platform.post("/v1/refunds", refund);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ amount_refunded: amount });
  });

  test("may be declined and tried again with another card, or asks for 3-D Secure", async () => {
    const payment = await create();
    await typeCard(payment.action.url, "4000 0000 0000 0002");
    await platform.settle();
    expect((await read(payment)).status).toBe("processing");
    await typeCard(payment.action.url, "4000 0025 0000 3155");
    await platform.settle();
    expect((await read(payment)).status).toBe("processing");
    const body = new URLSearchParams({ outcome: "pass" });
    await fetch(`${payment.action.url}/challenge`, { method: "POST", body, redirect: "manual" });
    await platform.settle();
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("that Stripe refuses has failed with Stripe's code", async () => {
    expect(await create({ amount: 1 })).toMatchObject({ status: "failed", failure: { code: "amount_too_small" } });
  });
});

describe("the cashier", () => {
  const pc =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
  const open = async (url: string, agent = pc) => {
    const headers = { "user-agent": agent, "accept-language": "en" };
    return (await fetch(url, { headers })).text();
  };

  test("offers a card in an ordinary browser, and leads to the checkout and back", async () => {
    const payment = await create({ method: "cashier" });
    const page = await open(payment.cashier_url);
    expect(page).toContain('value="stripe.checkout"');
    const action = /<form method="post" action="([^"]+)"/.exec(page)![1]!;
    const chosen = await fetch(new URL(action, platform.public_url), {
      method: "POST",
      body: new URLSearchParams({ method: "stripe.checkout" }),
      headers: { origin: platform.public_url, "user-agent": pc, "accept-language": "en" },
    });
    const address = /data-handoff href="([^"]+)"/.exec(await chosen.text())![1]!;
    expect(address).toContain("/c/pay/cs_test_");
    await typeCard(address, "4242 4242 4242 4242");
    await platform.settle();
    expect(await open(payment.cashier_url)).toContain("Payment successful");
  });

  test("asks for a browser inside a wallet, which may refuse the page", async () => {
    const payment = await create({ method: "cashier" });
    const page = await open(payment.cashier_url, `${pc} MicroMessenger/8.0.50`);
    expect(page).not.toContain("stripe.checkout");
    expect(page).toContain("open it in the browser of your phone or computer");
  });
});

describe("what is lost is found", () => {
  test("an answer that never came: the order is found by our number, and the same request gives its address", async () => {
    await platform.sandbox.fault("stripe", "pay", "timeout_after");
    const body = order();
    const lost = await platform.post("/v1/payments", body);
    expect(lost).toMatchObject({ status: "processing", action: { type: "none" } });
    const again = await platform.post("/v1/payments", body);
    expect(again).toMatchObject({ id: lost.id, action: { type: "redirect" } });
    await typeCard(again.action.url, "4242 4242 4242 4242");
    await platform.settle();
    expect((await read(lost)).status).toBe("succeeded");
  });

  test("an answer and the notice: the worker asks and finds it paid", async () => {
    await platform.sandbox.fault("stripe", "pay", "timeout_after");
    const lost = await create();
    await platform.sandbox.pay(lost.serial_no, { notify: false });
    await platform.advance(60_000);
    expect(await read(lost)).toMatchObject({ status: "succeeded" });
  });

  test("a notice for another account of ours, or of nobody, changes nothing", async () => {
    const payment = await create();
    await platform.sandbox.pay(payment.action.url, { notify: false });
    const [tried] = await platform.sandbox.replay(payment.serial_no, { mutate: "notice_bad_signature" });
    expect(tried).toMatchObject({ accepted: false });
    expect((await read(payment)).status).toBe("processing");
    const [good] = await platform.sandbox.replay(payment.serial_no);
    expect(good.accepted).toBe(true);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("a webhook that says another amount is refused, and what Stripe says when asked is booked", async () => {
    const payment = await create();
    await platform.sandbox.fault("stripe", "notice", "notice_wrong_amount");
    await platform.sandbox.pay(payment.action.url);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", amount: 1234 });
  });
});

describe("an order that ends unpaid", () => {
  test("is expired at Stripe when the merchant closes the payment", async () => {
    const payment = await create();
    await platform.post(`/v1/payments/${payment.id}/close`, {});
    await platform.settle();
    expect((await read(payment)).status).toBe("closed");
    expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ state: "expired" });
    await expect(platform.sandbox.pay(payment.action.url)).rejects.toThrow("409");
  });

  test("is expired at our own expiry, sooner than Stripe would", async () => {
    const payment = await create({ expires_in: 300 });
    await platform.advance(301_000);
    expect((await read(payment)).status).toBe("closed");
    expect(await platform.sandbox.trade(payment.serial_no)).toMatchObject({ state: "expired" });
  });

  test("is asked about at once when Stripe says that it expired", async () => {
    const payment = await create({ expires_in: 86_400 });
    await platform.advance(24 * 3_600_000 + 60_000);
    expect((await read(payment)).status).toBe("closed");
  });
});

describe("a refund", () => {
  test("that is on its way succeeds or fails when Stripe says so", async () => {
    const [late, failing] = [await payByCard({}, "4000 0000 0000 7726"), await payByCard({}, "4000 0000 0000 5126")];
    const ask = (payment: Json) =>
      platform.post("/v1/refunds", { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 100 });
    const refunds = [await ask(late), await ask(failing)];
    expect(refunds.map(({ status }) => status)).toEqual(["sent", "sent"]);
    await platform.sandbox.request("POST", "/control/clock", { advance: 5 });
    await platform.settle();
    const ended = await Promise.all(refunds.map(({ id }) => platform.get(`/v1/refunds/${id}`)));
    expect(ended.map(({ status }) => status)).toEqual(["succeeded", "failed"]);
    expect(ended[1].failure).toMatchObject({ code: "expired_or_canceled_card" });
    await platform.sandbox.request("POST", "/control/clock", { reset: true });
  });

  test("whose answer was lost is found, and never made twice", async () => {
    const payment = await payByCard();
    await platform.sandbox.fault("stripe", "refund", "timeout_after");
    const refund = await platform.post("/v1/refunds", {
      ...{ payment: payment.id, out_refund_no: nextNumber("refund"), amount: 100 },
    });
    await platform.advance(60_000);
    expect(await platform.get(`/v1/refunds/${refund.id}`)).toMatchObject({ status: "succeeded" });
    const { refunds } = await platform.sandbox.trade(payment.serial_no);
    expect(refunds).toHaveLength(1);
  });
});

describe("a dispute", () => {
  const dispute = (trade: string, more: object = {}) =>
    platform.sandbox.request("POST", "/control/disputes", { trade, ...more });
  const eventsOf = async (id: string): Promise<string[]> => {
    const { data } = await platform.get("/v1/events?limit=100");
    return data.filter(({ data: { object } }: Json) => object.id === id).map(({ type }: Json) => type);
  };

  test("is recorded with its payment, told once for each change, and listed", async () => {
    const payment = await payByCard();
    await dispute(payment.serial_no, { reason: "product_not_received", amount: 1000 });
    await platform.settle();
    const { data } = await platform.get(`/v1/disputes?payment=${payment.id}`);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({
      ...{ object: "dispute", status: "needs_response", amount: 1000, currency: "USD", reason: "product_not_received" },
      ...{ payment: payment.id, serial_no: payment.serial_no, channel: "stripe", livemode: false },
    });
    const { id } = data[0];
    await platform.sandbox.replay(payment.serial_no, { times: 3 });
    await platform.advance(1_000);
    await dispute(payment.serial_no, { move: "answer" });
    await platform.settle();
    await platform.advance(1_000);
    await dispute(payment.serial_no, { move: "lose" });
    await platform.settle();
    await platform.sandbox.replay(payment.serial_no, { times: 2 });
    expect(await platform.get(`/v1/disputes/${id}`)).toMatchObject({ status: "lost", payment: payment.id });
    expect(await eventsOf(id)).toEqual(["dispute.closed", "dispute.updated", "dispute.created"]);
    const lost = await platform.get("/v1/disputes?status=lost");
    expect(lost.data.map((found: Json) => found.id)).toContain(id);
    expect((await platform.get("/v1/disputes?status=won")).data).toEqual([]);
  });

  test("told out of order ends as the newest statement says", async () => {
    const payment = await payByCard();
    await platform.sandbox.fault("stripe", "notice", "notice_late", { delay_ms: 60_000 });
    await dispute(payment.serial_no);
    await platform.settle();
    await platform.sandbox.request("POST", "/control/clock", { advance: 1 });
    await dispute(payment.serial_no, { move: "win" });
    await platform.settle();
    await platform.sandbox.request("POST", "/control/clock", { advance: 60 });
    await platform.settle();
    const { data } = await platform.get(`/v1/disputes?payment=${payment.id}`);
    expect(data.map(({ status }: Json) => status)).toEqual(["won"]);
    expect(await eventsOf(data[0].id)).toEqual(["dispute.closed", "dispute.created"]);
    await platform.sandbox.request("POST", "/control/clock", { reset: true });
  });

  test("is found by nobody else, and begins by itself with a card that always disputes", async () => {
    const payment = await payByCard({}, "4000 0000 0000 0259");
    const { data } = await platform.get(`/v1/disputes?payment=${payment.id}`);
    expect(data).toHaveLength(1);
    const answer = await platform.call("GET", `/v1/disputes/${data[0].id.replace(/.$/, "0")}`);
    expect([answer.status, answer.body.error.code]).toEqual([404, "dispute.not_found"]);
  });
});

test("a notice reaches its merchant also where the address names the merchant, and no other account's order", async () => {
  const payment = await create();
  const { merchant_id } = platform.merchant;
  const webhook_url = `${platform.public_url}/notify/stripe/${stripe.account_id}/${merchant_id}`;
  const told = (url: string) =>
    platform.sandbox.request("POST", "/control/merchants", {
      ...{ channel: "stripe", account_id: stripe.stripe_account, webhook_url: url },
    });
  await told(webhook_url);
  await platform.sandbox.pay(payment.action.url);
  await platform.settle();
  expect((await read(payment)).status).toBe("succeeded");
  await told(`${platform.public_url}/notify/stripe/${stripe.account_id}`);
});
