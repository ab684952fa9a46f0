// Guarantee: a request that is repeated, however often, at once, and by whichever process, has one effect; and a key or
// number that was used for something else is refused.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSecondApp } from "../platform/merchants.ts";
import { codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, type SecondProcess, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const keyed = (key: string) => ({ headers: { "idempotency-key": key } });
const refusal = ({ status, body }: Json) => [status, body.error.code];

async function countOf(out_trade_no: string): Promise<number> {
  const { data } = await platform.get(`/v1/payments?out_trade_no=${out_trade_no}`);
  const trades = await Promise.all(data.map(({ id }: Json) => platform.get(`/v1/payments/${id}/attempts`)));
  expect(trades.flatMap((list: Json) => list.data)).toHaveLength(1);
  return data.length;
}

async function paid(): Promise<Json> {
  const payment = await platform.post("/v1/payments", paymentBody());
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  return payment;
}

describe("an Idempotency-Key", () => {
  test("gives the first answer's object again and says so", async () => {
    const body = paymentBody("wechat.native");
    const first = await platform.call("POST", "/v1/payments", body, keyed("key-1"));
    expect([first.status, first.headers["idempotent-replayed"]]).toEqual([201, undefined]);
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    for (const repeated of [body, reordered]) {
      const again = await platform.call("POST", "/v1/payments", repeated, keyed("key-1"));
      expect([again.status, again.headers["idempotent-replayed"]]).toEqual([200, "true"]);
      expect(again.body).toEqual(first.body);
    }
  });

  test("shows the object as it is now", async () => {
    const body = paymentBody("wechat.native");
    const first = await platform.post("/v1/payments", body, keyed("key-2"));
    await platform.sandbox.pay(codeOf(first));
    await platform.settle();
    const again = await platform.post("/v1/payments", body, keyed("key-2"));
    expect(again).toMatchObject({ id: first.id, status: "succeeded" });
  });

  test("with another body, or on another path, is refused and does nothing", async () => {
    const body = paymentBody("cashier");
    const payment = await platform.post("/v1/payments", body, keyed("key-3"));
    const other = paymentBody("cashier");
    const answers = [
      await platform.call("POST", "/v1/payments", { ...body, amount: 1235 }, keyed("key-3")),
      await platform.call("POST", "/v1/payments", other, keyed("key-3")),
      await platform.call("POST", `/v1/payments/${payment.id}/attempts`, { method: "wechat.native" }, keyed("key-3")),
    ];
    expect(answers.map(refusal)).toEqual(Array(3).fill([409, "idempotency.key_reused"]));
    expect((await platform.get(`/v1/payments?out_trade_no=${other.out_trade_no}`)).data).toEqual([]);
    expect((await platform.get(`/v1/payments/${payment.id}/attempts`)).data).toEqual([]);
  });

  test("of a close says when it is a repetition, and refuses another close", async () => {
    const payment = await platform.post("/v1/payments", paymentBody("wechat.native"));
    const other = await platform.post("/v1/payments", paymentBody("wechat.native"));
    const first = await platform.call("POST", `/v1/payments/${payment.id}/close`, undefined, keyed("key-close"));
    expect([first.status, first.body.status, first.headers["idempotent-replayed"]]).toEqual([200, "closed", undefined]);
    const again = await platform.call("POST", `/v1/payments/${payment.id}/close`, undefined, keyed("key-close"));
    expect([again.status, again.headers["idempotent-replayed"]]).toEqual([200, "true"]);
    expect(again.body).toEqual(first.body);
    const refused = await platform.call("POST", `/v1/payments/${other.id}/close`, undefined, keyed("key-close"));
    expect(refusal(refused)).toEqual([409, "idempotency.key_reused"]);
    expect(await platform.get(`/v1/payments/${other.id}`)).toMatchObject({ status: "processing", closing: false });
  });

  test("of attempts and refunds works in the same way", async () => {
    const open = await platform.post("/v1/payments", paymentBody("cashier"));
    const attempts = `/v1/payments/${open.id}/attempts`;
    const first = await platform.call("POST", attempts, { method: "wechat.native" }, keyed("key-4"));
    // Long after the reuse time, the key alone makes it the same attempt.
    await platform.advance(60_000);
    const again = await platform.call("POST", attempts, { method: "wechat.native" }, keyed("key-4"));
    expect(again.body.serial_no).toBe(first.body.serial_no);
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect(refusal(await platform.call("POST", attempts, { method: "alipay.qr" }, keyed("key-4")))).toEqual([
      409,
      "idempotency.key_reused",
    ]);

    const payment = await paid();
    const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 100 };
    const refund = await platform.call("POST", "/v1/refunds", body, keyed("key-5"));
    const repeated = await platform.call("POST", "/v1/refunds", body, keyed("key-5"));
    expect([refund.status, repeated.status, repeated.headers["idempotent-replayed"]]).toEqual([201, 200, "true"]);
    expect(repeated.body.id).toBe(refund.body.id);
    const other = { ...body, out_refund_no: nextNumber("refund") };
    expect(refusal(await platform.call("POST", "/v1/refunds", other, keyed("key-5")))).toEqual([
      409,
      "idempotency.key_reused",
    ]);
  });

  test("of an attempt that joined a running one leads to that one for ever", async () => {
    const open = await platform.post("/v1/payments", paymentBody("cashier"));
    const attempts = `/v1/payments/${open.id}/attempts`;
    const running = await platform.post(attempts, { method: "wechat.native" });
    const joined = await platform.post(attempts, { method: "wechat.native" }, keyed("key-9"));
    expect(joined.serial_no).toBe(running.serial_no);
    await platform.advance(60_000);
    const again = await platform.call("POST", attempts, { method: "wechat.native" }, keyed("key-9"));
    expect([again.body.serial_no, again.headers["idempotent-replayed"]]).toEqual([running.serial_no, "true"]);
  });

  test("of a refused request is free again", async () => {
    const body = { ...paymentBody("wechat.native"), currency: "USD" };
    expect((await platform.call("POST", "/v1/payments", body, keyed("key-6"))).status).toBe(400);
    const right = await platform.call("POST", "/v1/payments", { ...body, currency: "CNY" }, keyed("key-6"));
    expect(right.status).toBe(201);
  });

  test("belongs to its app: another app's is another", async () => {
    const { key } = await createSecondApp(platform.services, platform.merchant.merchant_id);
    const body = paymentBody("cashier");
    const mine = await platform.post("/v1/payments", body, keyed("key-7"));
    const theirs = await platform.post("/v1/payments", body, { key, ...keyed("key-7") });
    expect(theirs.id).not.toBe(mine.id);
  });

  test.each(["", " ", "a b", "ü", "x".repeat(256)])("%j is no key", async (key) => {
    const answer = await platform.call("POST", "/v1/payments", paymentBody("cashier"), keyed(key));
    expect(refusal(answer)).toEqual([400, "request.idempotency_key_invalid"]);
  });

  test("used by twenty requests at once has one effect", async () => {
    const body = paymentBody("wechat.native");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => platform.call("POST", "/v1/payments", body, keyed("key-8"))),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await countOf(body.out_trade_no)).toBe(1);
  });
});

describe("out_trade_no", () => {
  test("with the same content gives the same payment, with its action", async () => {
    const body = paymentBody("alipay.qr");
    const first = await platform.call("POST", "/v1/payments", body);
    const again = await platform.call("POST", "/v1/payments", body);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
  });

  test("with other content is refused", async () => {
    const body = paymentBody("cashier");
    await platform.post("/v1/payments", body);
    for (const change of [{ amount: 1 }, { subject: "Other" }, { method: "alipay.qr" }, { metadata: { a: "b" } }]) {
      const answer = await platform.call("POST", "/v1/payments", { ...body, ...change });
      expect(refusal(answer)).toEqual([409, "payment.out_trade_no_conflict"]);
      expect(answer.body.error.param).toBe("out_trade_no");
    }
  });

  test("fifty identical creates at once are one payment, one attempt, one code", async () => {
    const body = paymentBody("wechat.native");
    const answers = await Promise.all(Array.from({ length: 50 }, () => platform.call("POST", "/v1/payments", body)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.map((answer) => codeOf(answer.body))).size).toBe(1);
    expect(await countOf(body.out_trade_no)).toBe(1);
  });

  test("fifty creates at once with different content: one wins, the others are told", async () => {
    const body = paymentBody("cashier");
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => platform.call("POST", "/v1/payments", { ...body, amount: 100 + index })),
    );
    const lost = answers.filter(({ status }) => status !== 201);
    expect(lost.map(refusal)).toEqual(Array(49).fill([409, "payment.out_trade_no_conflict"]));
  });
});

describe("out_refund_no", () => {
  test("with the same content gives the same refund, with other content is refused", async () => {
    const payment = await paid();
    const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 100 };
    const answers = await Promise.all(Array.from({ length: 10 }, () => platform.call("POST", "/v1/refunds", body)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const other = await paid();
    for (const change of [{ amount: 101 }, { reason: "other" }, { payment: other.id }]) {
      const answer = await platform.call("POST", "/v1/refunds", { ...body, ...change });
      expect(refusal(answer)).toEqual([409, "refund.out_refund_no_conflict"]);
    }
    await platform.settle();
    expect((await platform.get(`/v1/payments/${payment.id}`)).amount_refunded).toBe(100);
  });
});

describe("two processes on one database", () => {
  let second: SecondProcess;

  beforeAll(async () => {
    second = await platform.startSecond();
  });

  /** The same request to both, many times at once. */
  function storm(url: string, body: object | ((index: number) => object), key?: string) {
    const options = key ? keyed(key) : {};
    return Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const { call } = index % 2 === 0 ? platform : second;
        return call("POST", url, typeof body === "function" ? body(index) : body, options);
      }),
    );
  }

  test.each([undefined, "storm-1"])("fifty identical creates are one payment (Idempotency-Key %s)", async (key) => {
    const body = paymentBody("wechat.native");
    const answers = await storm("/v1/payments", body, key);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(49).fill(200), 201]);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(await countOf(body.out_trade_no)).toBe(1);
  });

  test("a key stolen from one create by another has one effect, and the other is told", async () => {
    const bodies = [paymentBody("cashier"), paymentBody("cashier")];
    const answers = await storm("/v1/payments", (index) => bodies[index % 2]!, "storm-2");
    const ids = new Set(answers.flatMap(({ status, body }) => (status < 300 ? [body.id] : [])));
    const refused = answers.filter(({ status }) => status >= 300);
    expect(ids.size).toBe(1);
    expect(refused.map(refusal)).toEqual(Array(25).fill([409, "idempotency.key_reused"]));
  });

  test("a key stolen from one attempt by another has one effect, and the other is told", async () => {
    const payments = [
      await platform.post("/v1/payments", paymentBody("cashier")),
      await platform.post("/v1/payments", paymentBody("cashier")),
    ];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const { call } = index % 2 === 0 ? platform : second;
        const path = `/v1/payments/${payments[index % 2].id}/attempts`;
        return call("POST", path, { method: "alipay.qr" }, keyed("storm-4"));
      }),
    );
    const refused = answers.filter(({ status }) => status >= 300);
    expect(refused.map(refusal)).toEqual(Array(10).fill([409, "idempotency.key_reused"]));
    const lists = await Promise.all(payments.map(({ id }) => platform.get(`/v1/payments/${id}/attempts`)));
    expect(lists.flatMap(({ data }) => data)).toHaveLength(1);
  });

  test("fifty identical attempts are one attempt", async () => {
    const payment = await platform.post("/v1/payments", paymentBody("cashier"));
    const answers = await storm(`/v1/payments/${payment.id}/attempts`, { method: "wechat.native" }, "storm-3");
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.serial_no}`)).size).toBe(1);
  });

  test("one out_refund_no for two payments is one refund, and the other is told", async () => {
    const payments = [await paid(), await paid()];
    const out_refund_no = nextNumber("refund");
    const answers = await storm("/v1/refunds", (index) => ({
      ...{ payment: payments[index % 2]!.id, out_refund_no, amount: 100 },
    }));
    const ids = new Set(answers.flatMap(({ status, body }) => (status < 300 ? [body.id] : [])));
    expect(ids.size).toBe(1);
    const refused = answers.filter(({ status }) => status >= 300);
    expect(refused.map(refusal)).toEqual(Array(25).fill([409, "refund.out_refund_no_conflict"]));
  });
});
