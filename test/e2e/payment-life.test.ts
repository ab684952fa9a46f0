// Guarantee: a payment is created, shown, listed, tried in several ways, closed and expired as the API promises; the
// channel is always asked first, whoever really paid is believed, and a second success goes back to its payer.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { updateChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { createTestMerchant } from "../platform/merchants.ts";
import { codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const S = 1000;
const create = (method: Parameters<typeof paymentBody>[0], more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", paymentBody(method, { notify_url: platform.receiver.url, ...more }));
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);
const attempt = (payment: Json, method: string): Promise<Json> =>
  platform.post(`/v1/payments/${payment.id}/attempts`, { method });
const attemptsOf = async (payment: Json): Promise<Json[]> =>
  (await platform.get(`/v1/payments/${payment.id}/attempts`)).data;
const close = (payment: Json) => platform.call("POST", `/v1/payments/${payment.id}/close`);
const eventsAbout = (payment: Json) => platform.receiver.about(payment.id).map(({ type }) => type);

describe("creating", () => {
  test("with the choice left to the payer, nothing is asked of a channel yet", async () => {
    const payment = await create("cashier");
    expect(payment).toMatchObject({ status: "created", method: "cashier", serial_no: null, channel: null });
    expect(payment).toMatchObject({ action: { type: "none" }, closing: false });
    expect(payment.cashier_url).toMatch(new RegExp(`^${platform.public_url}/c/[\\w-]{43}$`));
    expect(await read(payment)).toEqual(payment);
    expect(await attemptsOf(payment)).toEqual([]);
  });

  test("what the channel refuses for good has failed, with the channel's own words", async () => {
    const payment = await create("wechat.native", { amount: 100_000_000_000 });
    expect(payment).toMatchObject({ status: "failed", action: { type: "none" } });
    expect(payment.failure.code).toMatch(/^[A-Z_]+$/);
    await platform.settle();
    expect(eventsAbout(payment)).toEqual(["payment.failed"]);
    expect((await attemptsOf(payment))[0]).toMatchObject({ status: "failed", failure: payment.failure });
  });
});

describe("attempts", () => {
  test("the same method within 15 s continues the running attempt", async () => {
    const payment = await create("cashier");
    const first = await attempt(payment, "wechat.native");
    await platform.advance(14 * S);
    const again = await attempt(payment, "wechat.native");
    expect([again.serial_no, again.action]).toEqual([first.serial_no, first.action]);
    expect(await attemptsOf(payment)).toHaveLength(1);
  });

  test("later it is a new attempt, and the superseded one is closed at the channel", async () => {
    const payment = await create("cashier");
    const first = await attempt(payment, "wechat.native");
    await platform.advance(15 * S);
    const second = await attempt(payment, "wechat.native");
    expect(second.serial_no).not.toBe(first.serial_no);
    await platform.settle();
    expect((await attemptsOf(payment)).map(({ serial_no, status }) => [serial_no, status])).toEqual([
      [second.serial_no, "sent"],
      [first.serial_no, "closed"],
    ]);
    expect((await platform.sandbox.trade(first.serial_no)).state).toBe("CLOSED");
    expect(await read(payment)).toMatchObject({ status: "processing", serial_no: second.serial_no });
  });

  test("another method starts at once and supersedes the first", async () => {
    const payment = await create("wechat.native");
    await platform.advance(1 * S);
    const second = await attempt(payment, "alipay.qr");
    await platform.settle();
    expect((await platform.sandbox.trade(payment.serial_no)).state).toBe("CLOSED");
    await platform.sandbox.pay(codeOf(second));
    await platform.settle();
    expect(await read(payment)).toMatchObject({
      status: "succeeded",
      method: "alipay.qr",
      serial_no: second.serial_no,
    });
  });

  test("a superseded attempt that was paid meanwhile wins after all", async () => {
    const payment = await create("wechat.native");
    await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.advance(1 * S);
    await attempt(payment, "alipay.qr");
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", serial_no: payment.serial_no });
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });

  test("two requests for the same method at once are one attempt", async () => {
    const payment = await create("cashier");
    const answers = await Promise.all([1, 2, 3, 4].map(() => attempt(payment, "alipay.qr")));
    expect(new Set(answers.map(({ serial_no }) => serial_no)).size).toBe(1);
    expect(new Set(answers.map(codeOf)).size).toBe(1);
  });

  test("a payment that is over takes none", async () => {
    const closed = await create("cashier");
    await close(closed);
    const expired = await create("cashier", { expires_in: 60 });
    platform.clock.advance(61 * S);
    const answers = await Promise.all(
      [closed, expired].map(({ id }) =>
        platform.call("POST", `/v1/payments/${id}/attempts`, { method: "wechat.native" }),
      ),
    );
    expect(answers.map(({ status, body }) => [status, body.error.code])).toEqual([
      [409, "payment.not_open"],
      [409, "payment.expired"],
    ]);
    await platform.settle();
    expect(await attemptsOf(expired)).toEqual([]);
  });
});

describe("closing", () => {
  test("closes at the channel first, tells the merchant once, and may be repeated", async () => {
    const payment = await create("wechat.native");
    const answer = await close(payment);
    expect([answer.status, answer.body.status]).toEqual([200, "closed"]);
    expect((await platform.sandbox.trade(payment.serial_no)).state).toBe("CLOSED");
    await expect(platform.sandbox.pay(codeOf(payment))).rejects.toThrow(/closed/);
    expect(await close(payment)).toMatchObject({
      status: 200,
      body: { status: "closed", closed_at: answer.body.closed_at },
    });
    await platform.settle();
    expect(eventsAbout(payment)).toEqual(["payment.closed"]);
  });

  test("a payment that the payer has paid succeeds instead", async () => {
    for (const method of ["wechat.native", "alipay.qr"] as const) {
      const payment = await create(method);
      await platform.sandbox.pay(codeOf(payment), { notify: false });
      const answer = await close(payment);
      expect([answer.status, answer.body.error.code]).toEqual([409, "payment.already_succeeded"]);
      expect((await read(payment)).status).toBe("succeeded");
    }
  });

  test("paid and closed at the same moment, both sides agree", async () => {
    for (let round = 0; round < 5; round++) {
      const payment = await create("wechat.native");
      const [paid] = await Promise.all([
        platform.sandbox.pay(codeOf(payment)).then(
          () => true,
          () => false,
        ),
        close(payment),
      ]);
      await platform.settle();
      expect((await read(payment)).status).toBe(paid ? "succeeded" : "closed");
    }
  });

  test("a code that was closed before anyone scanned it, and is paid all the same: the money is believed", async () => {
    const payment = await create("alipay.qr");
    expect((await close(payment)).body.status).toBe("closed");
    await platform.advance(60 * S);
    await platform.sandbox.pay(codeOf(payment));
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", closed_at: null, closing: false });
    expect(eventsAbout(payment)).toEqual(["payment.closed", "payment.succeeded"]);
    const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1234 };
    expect(await platform.post("/v1/refunds", refund)).toMatchObject({ status: "succeeded", amount: 1234 });
  });

  test.each(["alipay.qr", "alipay.wap"] as const)("%s: also when no notice ever tells of it", async (method) => {
    const payment = await create(method, { expires_in: 600 });
    await close(payment);
    await platform.sandbox.pay(codeOf(payment), { notify: false });
    await platform.advance(600 * S);
    expect((await read(payment)).status).toBe("closed");
    await platform.advance(60 * S);
    expect((await read(payment)).status).toBe("succeeded");
    expect(eventsAbout(payment)).toEqual(["payment.closed", "payment.succeeded"]);
  });
});

describe("expiring", () => {
  test.each(["wechat.native", "alipay.qr", "alipay.wap", "cashier"] as const)("%s closes by itself", async (method) => {
    const payment = await create(method, { expires_in: 300 });
    await platform.advance(299 * S);
    expect((await read(payment)).closed_at).toBeNull();
    await platform.advance(1 * S);
    // An attempt that the channel does not know is asked for until its call must be over.
    await platform.advance(120 * S);
    expect((await read(payment)).status).toBe("closed");
    expect(eventsAbout(payment)).toEqual(["payment.closed"]);
  });

  test("a payment whose notice was lost succeeds when it is asked for at the latest at its end", async () => {
    const payment = await create("wechat.native", { expires_in: 60 });
    await platform.sandbox.fault("wechat", "notice", "notice_lost", { times: 20 });
    await platform.sandbox.pay(codeOf(payment));
    await platform.advance(61 * S);
    await platform.sandbox.clearFaults();
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("a notice that comes after the end changes nothing that is known already", async () => {
    const payment = await create("wechat.native", { expires_in: 60 });
    await platform.sandbox.fault("wechat", "notice", "notice_late", { delay_ms: 600 * S });
    await platform.sandbox.pay(codeOf(payment));
    await platform.advance(61 * S);
    expect((await read(payment)).status).toBe("succeeded");
    await platform.advance(600 * S);
    expect((await platform.sandbox.notices(payment.serial_no)).map(({ accepted }) => accepted)).toEqual([true]);
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });
});

test("an account that is disabled starts nothing new, and finishes what it has begun", async () => {
  const { services, sandbox } = platform;
  const given = { ...services, getChannel: services.payment.getChannel };
  const own = await createTestMerchant(services, sandbox.url);
  const options = { key: own.key };
  const body = paymentBody("wechat.native");
  const keyed = { ...options, headers: { "idempotency-key": "before-the-account-went" } };
  const payment = await platform.post("/v1/payments", body, keyed);
  await updateChannelAccount(given, own.accounts.wechat, { status: "disabled" });
  platform.clock.advance(2 * S);
  for (const repeated of [options, keyed]) {
    const again = await platform.call("POST", "/v1/payments", body, repeated);
    expect([again.status, again.body.id]).toEqual([200, payment.id]);
  }
  const other = await platform.call("POST", "/v1/payments", { ...body, amount: 1 }, options);
  expect([other.status, other.body.error.code]).toEqual([409, "payment.out_trade_no_conflict"]);
  const refused = await platform.call("POST", "/v1/payments", paymentBody("wechat.native"), options);
  expect([refused.status, refused.body.error.code]).toEqual([400, "payment.method_unavailable"]);
  await sandbox.pay(codeOf(payment));
  await platform.settle();
  const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1234 };
  await platform.post("/v1/refunds", refund, options);
  await platform.settle();
  const shown = await platform.get(`/v1/payments/${payment.id}`, options);
  expect(shown).toMatchObject({ status: "succeeded", amount_refunded: 1234 });
});

test("a payment that is paid leaves no other order of it payable", async () => {
  const payment = await create("wechat.native");
  const first = codeOf(payment);
  await platform.advance(1 * S);
  const second = await attempt(payment, "alipay.page");
  await platform.sandbox.pay(first);
  await platform.settle();
  expect(await read(payment)).toMatchObject({ status: "succeeded", method: "wechat.native" });
  const attempts = await attemptsOf(payment);
  expect(attempts.map(({ method, status }) => [method, status]).sort()).toEqual([
    ["alipay.page", "closed"],
    ["wechat.native", "succeeded"],
  ]);
  expect(codeOf(second)).toBeTruthy();
});

describe("a second success", () => {
  test("is shown, booked as owed to the payer, and refunded by itself", async () => {
    const payment = await create("alipay.qr");
    const first = codeOf(payment);
    await platform.advance(1 * S);
    const second = await attempt(payment, "wechat.native");
    await platform.settle();
    await platform.sandbox.pay(codeOf(second));
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", method: "wechat.native" });

    await platform.sandbox.pay(first);
    await platform.settle();
    const [winner, duplicate] = await attemptsOf(payment);
    expect(winner).toMatchObject({ method: "wechat.native", status: "succeeded", duplicate: false });
    expect(duplicate).toMatchObject({ method: "alipay.qr", status: "succeeded", duplicate: true });
    expect(await read(payment)).toMatchObject({ method: "wechat.native", amount_refunded: 0, amount_refunding: 0 });
    expect(eventsAbout(payment)).toEqual(["payment.succeeded", "payment.duplicate_succeeded"]);
    const { data: refunds } = await platform.get(`/v1/refunds?payment=${payment.id}`);
    expect(refunds).toMatchObject([
      { automatic: true, status: "succeeded", amount: 1234, out_refund_no: null, serial_no: duplicate.serial_no },
    ]);
    const trade = await platform.sandbox.trade(duplicate.serial_no);
    expect(trade.refunds).toMatchObject([{ refund: refunds[0].refund_no, amount: 1234, status: "done" }]);
    // The merchant's own money can still be refunded whole.
    const whole = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1234 };
    await platform.post("/v1/refunds", whole);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ amount_refunded: 1234 });
  });
});

describe("lists", () => {
  test("are paged by cursors in both directions, newest first, and filtered", async () => {
    const from = new Date(platform.clock.now()).toISOString();
    const made: Json[] = [];
    for (let index = 0; index < 5; index++) {
      made.unshift(await create(index === 2 ? "wechat.native" : "cashier", { metadata: { list: "yes" } }));
      platform.clock.advance(1);
    }
    const ids = made.map(({ id }) => id);
    const list = async (query: string): Promise<Json> => platform.get(`/v1/payments?${query}`);
    const idsOf = ({ data }: Json) => data.map(({ id }: Json) => id);

    const first = await list("limit=2");
    expect(first).toMatchObject({ object: "list", has_more: true, url: "/v1/payments" });
    expect(idsOf(first)).toEqual(ids.slice(0, 2));
    expect(first.data[0]).toEqual(made[0]);
    expect(idsOf(await list(`limit=2&starting_after=${ids[1]}`))).toEqual(ids.slice(2, 4));
    expect(idsOf(await list(`limit=2&ending_before=${ids[3]}`))).toEqual(ids.slice(1, 3));
    expect(idsOf(await list(`created_from=${from}&limit=100`))).toEqual(ids);
    expect(idsOf(await list(`created_from=${from}&created_to=${made[3].created_at}`))).toEqual(ids.slice(4));
    expect(idsOf(await list(`created_from=${from}&status=processing`))).toEqual([ids[2]]);
    expect(idsOf(await list(`out_trade_no=${made[4].out_trade_no}`))).toEqual([ids[4]]);
    expect(idsOf(await list(`number=${made[2].serial_no}`))).toEqual([ids[2]]);
    await platform.sandbox.pay(codeOf(made[2]));
    await platform.settle();
    const { channel_trade_no } = await read(made[2]);
    expect(idsOf(await list(`number=${channel_trade_no}`))).toEqual([ids[2]]);
  });
});
