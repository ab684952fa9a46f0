// Guarantee: parts of a payment go from one merchant's book to another's, once, whole or not at all, never more than is left,
// and what they owe each other is nothing once both books are written, whatever dies in between.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePublicId } from "../../server/src/kit/id.ts";
import type { Transaction } from "../../server/src/kit/sql/database.ts";
import { post, shareReceivedPosting } from "../../server/src/ledger/index.ts";
import { verifySnapshot } from "../../server/src/ledger/verify/verify.ts";
import { findPayment } from "../../server/src/modules/payment/index.ts";
import { runSettlement, setSettlementSettings } from "../../server/src/modules/settlement/index.ts";
import { createOrder } from "../../server/src/modules/sharing/create-order.ts";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import { addMerchant, balanceOf, orderBody, pay } from "../platform/sharing.ts";

let platform: Platform;
let second: Awaited<ReturnType<typeof addMerchant>>;
let third: Awaited<ReturnType<typeof addMerchant>>;

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  second = await addMerchant(platform);
  third = await addMerchant(platform);
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const share = (payment: Json, receivers: object[], more: object = {}) =>
  platform.call("POST", "/v1/sharing_orders", orderBody(payment, receivers, more));
const refusal = ({ status, body }: Json) => [status, body.error?.code];
const pendingOf = async (key: string) => (await balanceOf(platform, key))?.pending ?? 0;

describe("a sharing", () => {
  test("moves each part to its receiver's book, tells of it, and shows what is left", async () => {
    const before = await pendingOf(second.merchant.key);
    const payment = await pay(platform);
    const body = orderBody(payment, [
      { receiver: second.receiver, ratio_ppm: 123_456 },
      { receiver: third.receiver, amount: 500, description: "货款" },
    ]);
    const made = await platform.call("POST", "/v1/sharing_orders", body);
    expect(made).toMatchObject({ status: 201, body: { status: "succeeded", amount: 1734, automatic: false } });
    expect(made.body.receivers).toHaveLength(2);
    expect(await pendingOf(second.merchant.key)).toBe(before + 1234);
    expect(await platform.get(`/v1/payments/${payment.id}/sharing`)).toMatchObject({ shared: 1734, left: 8206 });
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ amount_shared: 1734 });
    const again = await platform.call("POST", "/v1/sharing_orders", body);
    expect([again.status, again.body]).toEqual([200, made.body]);
    const other = { ...body, release: true };
    expect(refusal(await platform.call("POST", "/v1/sharing_orders", other))).toEqual([
      409,
      "sharing.out_sharing_no_conflict",
    ]);
    await platform.settle();
    const told = platform.receiver.about(made.body.id).map(({ type }) => type);
    expect(told.toSorted()).toEqual(["sharing_order.created", "sharing_order.succeeded"]);
    const { data } = await platform.get(`/v1/sharing_orders?payment=${payment.id}`);
    expect(data).toEqual([made.body]);
  });

  test("an Idempotency-Key gives the first answer's object", async () => {
    const payment = await pay(platform);
    const body = orderBody(payment, [{ receiver: second.receiver, amount: 1 }]);
    const headers = { "idempotency-key": nextNumber("key") };
    const first = await platform.call("POST", "/v1/sharing_orders", body, { headers });
    const again = await platform.call("POST", "/v1/sharing_orders", body, { headers });
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    expect(again.headers["idempotent-replayed"]).toBe("true");
  });

  test("never takes more than is left, from ten requests at once", async () => {
    const payment = await pay(platform);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => share(payment, [{ receiver: second.receiver, amount: 2_000 }])),
    );
    const taken = answers.filter(({ status }) => status === 201);
    expect(taken).toHaveLength(4);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(refusal(answer)).toEqual([400, "sharing.amount_exceeds_left"]);
    }
    expect(await platform.get(`/v1/payments/${payment.id}/sharing`)).toMatchObject({ shared: 8_000, left: 1_940 });
    expect(refusal(await share(payment, [{ receiver: third.receiver, amount: 1_941 }]))[1]).toBe(
      "sharing.amount_exceeds_left",
    );
    expect((await share(payment, [{ receiver: third.receiver, amount: 1_940 }])).status).toBe(201);
  });

  test("names nobody twice, by itself or through a group, and says who", async () => {
    const payment = await pay(platform);
    const group = await platform.post("/v1/receiver_groups", {
      ...{ name: nextNumber("group"), members: [{ receiver: second.receiver, ratio_ppm: 100_000 }] },
    });
    const named = [{ receiver: second.receiver, amount: 1 }];
    const twice = await share(payment, named, { group: group.id });
    expect(refusal(twice)).toEqual([400, "sharing.receiver_twice"]);
    expect(twice.body.error.message).toContain(second.receiver);
    expect(refusal(await share(payment, [...named, ...named]))[1]).toBe("sharing.receiver_twice");
    const both = await share(payment, [{ receiver: third.receiver, amount: 1 }], { group: group.id });
    expect(both.body).toMatchObject({ status: "succeeded", amount: 1_001 });
  });

  test("is refused for what cannot be shared so", async () => {
    const payment = await pay(platform);
    const open = await platform.post("/v1/payments", {
      ...{ out_trade_no: nextNumber(), amount: 100, currency: "CNY", subject: "s", method: "wechat.native" },
    });
    const cases: [Json, object[], string][] = [
      [open, [{ receiver: second.receiver, amount: 1 }], "sharing.payment_not_succeeded"],
      [payment, [{ receiver: second.receiver, ratio_ppm: 1 }], "sharing.part_too_small"],
      [payment, [{ receiver: second.receiver }], "sharing.shares_invalid"],
      [payment, [{ receiver: second.receiver, amount: 1, ratio_ppm: 1 }], "sharing.shares_invalid"],
      [payment, [{ receiver: "rcv_00000000000000000000000000", amount: 1 }], "receiver.not_found"],
    ];
    for (const [of, receivers, code] of cases) expect(refusal(await share(of, receivers))[1]).toBe(code);
  });

  test("in direct mode, where the platform holds nothing, is refused", async () => {
    const { key } = platform.direct;
    const merchant = (await platform.post("/v1/receivers", { kind: "merchant", merchant: await ownId() }, { key })).id;
    const payment = await pay(platform, "wechat.native", {}, key);
    const body = orderBody(payment, [{ receiver: merchant, amount: 1 }]);
    const answer = await platform.call("POST", "/v1/sharing_orders", body, { key });
    expect(refusal(answer)).toEqual([409, "sharing.books_need_pooled"]);
  });

  async function ownId(): Promise<string> {
    const { data } = await platform.get("/v1/receivers");
    return data[0].merchant;
  }
});

describe("a return", () => {
  test("comes out of the receiver's book, never more than the part, and fails where the receiver has too little", async () => {
    const fourth = await addMerchant(platform);
    const payment = await pay(platform);
    const order = (await share(payment, [{ receiver: fourth.receiver, amount: 2_000 }])).body;
    const back = (amount: number) =>
      platform.call("POST", `/v1/sharing_orders/${order.id}/returns`, {
        ...{ out_return_no: nextNumber("return"), receiver: fourth.receiver, amount },
      });
    expect((await back(1_500)).body).toMatchObject({ status: "succeeded", amount: 1_500 });
    expect(refusal(await back(501))).toEqual([400, "sharing.return_exceeds_part"]);
    expect(await pendingOf(fourth.merchant.key)).toBe(500);
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ amount_shared: 500 });
    await drain(fourth.merchant.key);
    const short = await back(400);
    expect(short.body).toMatchObject({ status: "failed", failure: { code: "INSUFFICIENT_BALANCE" } });
    expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ amount_shared: 500 });
    await platform.settle();
    expect(platform.receiver.about(short.body.id).map(({ type }) => type)).toEqual(["sharing_return.failed"]);
  });

  /** The merchant passes a payment of its own on whole, and refunds of it what it has besides: 3 fen are left. */
  async function drain(key: string): Promise<void> {
    const { merchant } = await platform.get(`/v1/receivers/${second.receiver}`);
    const onward = (await platform.post("/v1/receivers", { kind: "merchant", merchant }, { key })).id;
    const own = await pay(platform, "wechat.native", {}, key);
    const all = orderBody(own, [{ receiver: onward, amount: 9_940 }], { refund_policy: "merchant" });
    await platform.post("/v1/sharing_orders", all, { key });
    await platform.post("/v1/refunds", { payment: own.id, out_refund_no: nextNumber("refund"), amount: 500 }, { key });
    expect(await pendingOf(key)).toBe(3);
  }
});

describe("a crash between the two books", () => {
  test("before the receiver's: the worker writes both; after it: this one follows, and nothing is written twice", async () => {
    const payment = await pay(platform);
    const before = await pendingOf(second.merchant.key);
    for (const dies of ["before", "after"]) {
      const order = await leaveOpen(payment, dies === "after");
      expect(await platform.findFaults()).toEqual([]);
      await platform.advance(120_000);
      expect(await platform.get(`/v1/sharing_orders/${order}`)).toMatchObject({ status: "succeeded" });
    }
    expect(await pendingOf(second.merchant.key)).toBe(before + 200);
  });

  /** An order of 1.00 whose process died; its id. */
  async function leaveOpen(payment: Json, received: boolean): Promise<string> {
    const { services } = platform;
    const { db, sharing } = services;
    const dying = { ...sharing, db: { ...db, transaction: dieAfter(received ? 2 : 1) } } as typeof sharing;
    const { merchant_id, app_id } = platform.merchant;
    const caller = { merchant_id, app_id, livemode: false, key_id: "" };
    const input = {
      ...{ out_sharing_no: nextNumber("share"), receivers: [{ receiver: second.receiver, amount: 100 }] },
      ...{ group: undefined, release: undefined, refund_policy: undefined },
    };
    const found = await findPayment({ db }, caller, payment.id);
    await expect(createOrder(dying, caller, found, input, undefined)).rejects.toThrow("died");
    const { data } = await platform.get(`/v1/sharing_orders?out_sharing_no=${input.out_sharing_no}`);
    return data[0].id;
  }

  /** Commits so many transactions; then the process is dead. */
  function dieAfter(count: number) {
    let left = count;
    const { db } = platform.services;
    return async <T>(work: Parameters<typeof db.transaction<T>>[0]): Promise<T> => {
      if (left === 0) throw new Error("died");
      left -= 1;
      return db.transaction(work);
    };
  }
});

describe("a settlement", () => {
  test("of the receiver makes what it got available, and that of the giver counts what it gave", async () => {
    const { services } = platform;
    const fifth = await addMerchant(platform);
    const payment = await pay(platform);
    const order = (await share(payment, [{ receiver: fifth.receiver, amount: 3_000 }])).body;
    const back = { out_return_no: nextNumber("return"), receiver: fifth.receiver, amount: 1_000 };
    await platform.post(`/v1/sharing_orders/${order.id}/returns`, back);
    platform.clock.advance(1_000);
    for (const { merchant_id } of [platform.merchant, fifth.merchant]) {
      const key = { merchant_id, livemode: false, currency: "CNY" };
      await setSettlementSettings(services, { ...key, ...{ cycle: "on_request" } });
      await runSettlement(services.settlement, key);
    }
    const [got] = (await platform.get("/v1/settlements", { key: fifth.merchant.key })).data;
    expect(got).toMatchObject({ amount: 2_000, payments: { count: 0 }, shares: { count: 2, amount: 2_000 } });
    const [gave] = (await platform.get("/v1/settlements")).data;
    expect(gave.shares.amount).toBeLessThan(-2_000);
    const items = (await platform.get(`/v1/settlements/${gave.id}/items?limit=100`)).data;
    const shares = items.filter(({ type, payment: of }: Json) => type === "share" && of === payment.id);
    expect(shares.map(({ amount, out_trade_no }: Json) => [amount, out_trade_no])).toEqual([
      [1_000, payment.out_trade_no],
      [-3_000, payment.out_trade_no],
    ]);
    expect(await balanceOf(platform, fifth.merchant.key)).toMatchObject({ pending: 0, available: 2_000 });
    const rest = { out_return_no: nextNumber("return"), receiver: fifth.receiver, amount: 2_000 };
    const returned = await platform.post(`/v1/sharing_orders/${order.id}/returns`, rest);
    expect(returned).toMatchObject({ status: "succeeded" });
    expect(await balanceOf(platform, fifth.merchant.key)).toMatchObject({ pending: 0, available: 0 });
  });
});

describe("a freeze", () => {
  test("of the receiver fails its part, and of the giver refuses the sharing", async () => {
    const { db } = platform.services;
    const sixth = await addMerchant(platform);
    const set = (merchant_id: string, column: string, frozen: boolean) =>
      db.query({
        name: `freeze_${column}_${frozen}_${merchant_id.slice(-12)}`,
        text: `insert into account_controls (merchant_id, livemode, currency, ${column}, updated_at)
          values ('${merchant_id}', false, 'CNY', ${frozen}, now())
          on conflict (merchant_id, livemode, currency) do update set ${column} = ${frozen}`,
      });
    await set(sixth.merchant.merchant_id, "credit_frozen", true);
    const payment = await pay(platform);
    const receivers = [
      { receiver: sixth.receiver, amount: 100 },
      { receiver: second.receiver, amount: 50 },
    ];
    expect((await share(payment, receivers)).body).toMatchObject({ status: "partially_succeeded", amount: 50 });
    await set(platform.merchant.merchant_id, "debit_frozen", true);
    expect(refusal(await share(payment, [{ receiver: second.receiver, amount: 1 }]))[1]).toBe("account.debit_frozen");
    await set(platform.merchant.merchant_id, "debit_frozen", false);
  });
});

describe("verification", () => {
  test("finds a part that no order knows, and one that the payment does not count", async () => {
    const { clock } = platform.services;
    const id = parsePublicId("merchant", (await platform.get(`/v1/receivers/${third.receiver}`)).merchant)!;
    const amount = { amount: 7n, currency: "CNY" };
    const stray = { merchant_id: id, livemode: false, part_id: id, amount, occurred_at: clock.now() };
    const codes = await find(async (tx) => {
      await post(tx, [shareReceivedPosting(stray)]);
      await tx.query({ name: "test.shared", text: "update payments set shared_amount = 1 where shared_amount > 1" });
    });
    expect(codes).toEqual(["unexpected_posting", "wrong_share_total"]);
  });

  test("finds a part that stands in one book only, or with another amount", async () => {
    const one =
      "id = (select id from sharing_parts where status = 'succeeded' and receiver_merchant_id is not null limit 1)";
    const other = parsePublicId("merchant", (await platform.get(`/v1/receivers/${third.receiver}`)).merchant)!;
    const lost = await find((tx) =>
      tx.query({
        name: "test.lost",
        text: `update sharing_parts set receiver_merchant_id = '${other}' where id = (select id from sharing_parts
          where status = 'succeeded' and receiver_merchant_id <> '${other}' limit 1)`,
      }),
    );
    expect(lost).toEqual(["missing_posting", "unexpected_posting"]);
    const more = await find((tx) =>
      tx.query({ name: "test.more", text: `update sharing_parts set amount = amount + 1 where ${one}` }),
    );
    expect(more).toEqual(["wrong_posting", "wrong_share_total"]);
    const undone = await find((tx) =>
      tx.query({
        name: "test.undone",
        text: `update sharing_returns set status = 'failed' where status = 'succeeded'`,
      }),
    );
    expect(undone).toEqual(["unexpected_posting", "wrong_share_total"]);
  });

  const undone = new Error("undone");

  /** The codes of what verification finds after `corrupt`, which is then undone. */
  async function find(corrupt: (tx: Transaction) => Promise<unknown>): Promise<string[]> {
    let codes: string[] = [];
    const work = platform.services.db.transaction(async (tx) => {
      await corrupt(tx);
      codes = (await verifySnapshot(tx)).differences.map(({ code }) => code);
      throw undone;
    });
    await expect(work).rejects.toBe(undone);
    return [...new Set(codes)].toSorted();
  }
});
