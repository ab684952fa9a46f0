// Guarantee: a process that is killed while it shares, takes back, releases or refunds what was shared loses nothing and does
// nothing twice: the next one goes on from what is on disk, in both books and at the channels.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import { type CrashSite, openCrashSite } from "../platform/crash-site.ts";
import { codeOf, nextNumber, paymentBody, type TestMethod } from "../platform/payments.ts";
import type { Json } from "../platform/sandbox-control.ts";
import type { ServerProcess } from "../platform/server-process.ts";
import { ALIPAY_USER, WECHAT_MERCHANT } from "../platform/sharing.ts";

let site: CrashSite;
let server: ServerProcess;
let receivers: { wechat: string; alipay: string; books: string };

beforeAll(async () => {
  site = await openCrashSite();
  server = await site.startServer("api,worker");
  receivers = {
    wechat: await addReceiver(WECHAT_MERCHANT),
    alipay: await addReceiver(ALIPAY_USER),
    books: await addReceiver({ kind: "merchant", merchant: await addMerchant() }),
  };
});

afterAll(() => site.close());

const HANG_MS = 60_000;
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 30_000, interval: 100 });

async function succeed(method: "GET" | "POST", path: string, body?: object): Promise<Json> {
  const answer = await site.call(method, path, body);
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

const addReceiver = async (body: object): Promise<string> => (await succeed("POST", "/v1/receivers", body)).id;

async function addMerchant(): Promise<string> {
  const client = new Client({ connectionString: site.settings.database_url });
  await client.connect();
  const id = randomUUID();
  await client.query("insert into merchants (id, name, created_at) values ($1, 'Receiver', now())", [id]);
  await client.end();
  return publicId("merchant", id);
}

async function paid(method: TestMethod): Promise<Json> {
  const payment = await succeed("POST", "/v1/payments", paymentBody(method, { amount: 10_000, sharing: {} }));
  await site.sandbox.pay(codeOf(payment));
  await until(async () => {
    expect((await succeed("GET", `/v1/payments/${payment.id}`)).status).toBe("succeeded");
  });
  return payment;
}

const shareBody = (payment: Json, receiver: string, amount: number) => ({
  ...{ payment: payment.id, out_sharing_no: nextNumber("share"), receivers: [{ receiver, amount }] },
});

/** The next call of that kind hangs, before or after its effect, until the process dies; `start` makes it happen. */
async function hang(channel: "wechat" | "alipay", when: "before" | "after", start: () => unknown): Promise<void> {
  await site.sandbox.fault(channel, "share", `timeout_${when}`, { delay_ms: HANG_MS });
  void start();
  await until(async () => {
    const { data } = await site.sandbox.request("GET", "/control/faults");
    expect(data).toEqual([]);
  });
}

const quietly = (method: "GET" | "POST", path: string, body?: object) =>
  site.call(method, path, body).catch(() => undefined);
const orderOf = async (payment: Json): Promise<Json> =>
  (await succeed("GET", `/v1/sharing_orders?payment=${payment.id}`)).data[0];
const sharedOf = async (payment: Json) => (await site.sandbox.trade(payment.serial_no)).shared;

/** A sharing that has ended, of CNY 20.00. */
async function shared(method: TestMethod, receiver: string): Promise<{ payment: Json; order: Json }> {
  const payment = await paid(method);
  await site.sandbox.request("POST", "/control/clock", { advance: 65 });
  await succeed("POST", "/v1/sharing_orders", shareBody(payment, receiver, 2_000));
  await site.letTimePass(70);
  await until(async () => {
    await site.letTimePass(60);
    expect((await orderOf(payment)).status).toBe("succeeded");
  });
  return { payment, order: await orderOf(payment) };
}

test("killed while a share, a return and a release hang, each is done once", async () => {
  const returning = await shared("wechat.native", receivers.wechat);
  const [neverHeard, answerLost, released] = [
    await paid("wechat.native"),
    await paid("alipay.app"),
    await paid("wechat.native"),
  ];
  await site.sandbox.request("POST", "/control/clock", { advance: 65 });
  for (const [payment, receiver] of [
    [neverHeard, receivers.wechat],
    [answerLost, receivers.alipay],
  ] as const) {
    await succeed("POST", "/v1/sharing_orders", shareBody(payment, receiver, 1_000));
  }
  const back = { out_return_no: nextNumber("return"), receiver: receivers.wechat, amount: 700 };
  await hang("wechat", "after", () => quietly("POST", `/v1/sharing_orders/${returning.order.id}/returns`, back));
  await hang("wechat", "after", () => quietly("POST", `/v1/payments/${released.id}/finish_sharing`, {}));
  await site.sandbox.fault("wechat", "share", "timeout_before", { delay_ms: HANG_MS });
  await hang("alipay", "after", () => site.letTimePass(70));
  await server.kill();

  server = await site.startServer("api,worker");
  await until(async () => {
    await site.letTimePass(120);
    for (const payment of [neverHeard, answerLost]) {
      expect(await orderOf(payment)).toMatchObject({ status: "succeeded", amount: 1_000 });
      expect(await sharedOf(payment)).toBe(1_000);
    }
    const { data } = await succeed("GET", `/v1/sharing_orders/${returning.order.id}/returns`);
    expect(data).toMatchObject([{ status: "succeeded", amount: 700 }]);
    expect(await sharedOf(returning.payment)).toBe(1_300);
    const { release } = await succeed("GET", `/v1/payments/${released.id}/sharing`);
    expect(release).toMatchObject({ status: "succeeded" });
    expect(await site.sandbox.trade(released.serial_no)).toMatchObject({ frozen: false });
  });
  expect(await site.findFaults()).toEqual([]);
}, 120_000);

test("killed again and again while books share and take back, both books end whole", async () => {
  const payments: Json[] = [];
  for (let count = 0; count < 4; count += 1) payments.push(await paid("wechat.native"));
  const asked: object[] = [];
  for (let round = 0; round < 4; round += 1) {
    const requests = payments.flatMap((payment) => {
      const bodies = [1, 2, 3].map(() => shareBody(payment, receivers.books, 500));
      asked.push(...bodies);
      const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1_500 };
      return [
        ...bodies.map((body) => quietly("POST", "/v1/sharing_orders", body)),
        quietly("POST", "/v1/refunds", refund),
      ];
    });
    await sleep(30 + 40 * round);
    await server.kill();
    await Promise.all(requests);
    server = await site.startServer("api,worker");
    await site.letTimePass(120);
  }
  await until(async () => {
    await site.letTimePass(120);
    for (const payment of payments) {
      const { data } = await succeed("GET", `/v1/sharing_orders?payment=${payment.id}&limit=100`);
      expect(data.filter(({ status }: Json) => status !== "succeeded")).toEqual([]);
      const refunds = (await succeed("GET", `/v1/refunds?payment=${payment.id}`)).data;
      expect(refunds.filter(({ status }: Json) => status !== "succeeded" && status !== "failed")).toEqual([]);
      const { amount_refunded, amount_shared } = await succeed("GET", `/v1/payments/${payment.id}`);
      expect(amount_refunded + amount_shared).toBeLessThanOrEqual(10_000);
    }
  });
  // The merchant, who got no answer, asks again: the same sharings, and none twice.
  for (const body of asked) {
    const { status } = await site.call("POST", "/v1/sharing_orders", body);
    expect([200, 201, 400, 409]).toContain(status);
  }
  expect(await site.findFaults()).toEqual([]);
  expect(await server.stop()).toBe(0);
}, 120_000);
