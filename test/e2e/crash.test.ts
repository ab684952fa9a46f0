// Guarantee: a process that is killed between any two of "intent written, channel called, answer received, result
// written, merchant told" loses nothing and does nothing twice: the next one repairs it from what is on disk.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type CrashSite, openCrashSite } from "../platform/crash-site.ts";
import { startTraffic } from "../platform/merchant-traffic.ts";
import { codeOf, nextNumber, paymentBody, type TestMethod } from "../platform/payments.ts";
import type { Json } from "../platform/sandbox-control.ts";
import { readDemo, type ServerProcess } from "../platform/server-process.ts";

let site: CrashSite;
let server: ServerProcess;

beforeAll(async () => {
  site = await openCrashSite();
  server = await site.startServer("api,worker");
  site.receiver.trust(readDemo(site.settings).webhook_secret);
});

afterAll(async () => {
  await site.close();
});

const HANG_MS = 60_000;
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
const bodyOf = (method: TestMethod) => paymentBody(method, { notify_url: site.receiver.url });

async function succeed(method: "GET" | "POST", path: string, body?: object): Promise<Json> {
  const answer = await site.call(method, path, body);
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

const create = (method: TestMethod) => succeed("POST", "/v1/payments", bodyOf(method));
const read = (made: Json) => succeed("GET", `/v1/${made.object}s/${made.id}`);
const listed = async (out_trade_no: string) =>
  (await succeed("GET", `/v1/payments?out_trade_no=${out_trade_no}`)).data[0];

async function paid(method: TestMethod): Promise<Json> {
  const payment = await create(method);
  await site.sandbox.pay(codeOf(payment));
  await until(async () => expect((await read(payment)).status).toBe("succeeded"));
  return payment;
}

/** Starts a request whose call to the channel hangs, before or after its effect, until the process dies. */
async function startHanging(
  channel: "wechat" | "alipay",
  operation: string,
  when: "before" | "after",
  path: string,
  body?: object,
): Promise<void> {
  await site.sandbox.fault(channel, operation, `timeout_${when}`, { delay_ms: HANG_MS });
  const request = site.call("POST", path, body).catch(() => undefined);
  await until(async () => {
    const { data } = await site.sandbox.request("GET", "/control/faults");
    expect(data).toEqual([]);
  });
  // The answer can only be that of the killed process.
  void request;
}

const refundOf = (payment: Json) => ({ payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1000 });

/** One request or payment stopped at each step, all at the same time. */
async function stopAtEveryStep() {
  const bodies = {
    neverHeard: bodyOf("wechat.native"),
    answerLost: bodyOf("wechat.native"),
    answerLostAndPaid: bodyOf("alipay.qr"),
  };
  const closing = await create("wechat.native");
  const closingPaid = await create("wechat.native");
  const paidWhileDead = await create("wechat.native");
  const [refunding, refunded] = [await paid("wechat.native"), await paid("alipay.qr")];
  const [refundNotSent, refundAnswerLost] = [refundOf(refunding), refundOf(refunded)];

  await startHanging("wechat", "pay", "before", "/v1/payments", bodies.neverHeard);
  await startHanging("wechat", "pay", "after", "/v1/payments", bodies.answerLost);
  await startHanging("alipay", "pay", "after", "/v1/payments", bodies.answerLostAndPaid);
  await startHanging("wechat", "close", "after", `/v1/payments/${closing.id}/close`);
  await startHanging("wechat", "close", "before", `/v1/payments/${closingPaid.id}/close`);
  await startHanging("wechat", "refund", "before", "/v1/refunds", refundNotSent);
  await startHanging("alipay", "refund", "after", "/v1/refunds", refundAnswerLost);
  // The merchant's receiver is down, so this success is written and not yet told.
  site.receiver.answer.status = 500;
  const notTold = await paid("wechat.native");
  const intents = {
    neverHeard: await listed(bodies.neverHeard.out_trade_no),
    answerLost: await listed(bodies.answerLost.out_trade_no),
    answerLostAndPaid: await listed(bodies.answerLostAndPaid.out_trade_no),
  };
  return { bodies, intents, closing, closingPaid, paidWhileDead, refunding, refunded, refundNotSent, notTold };
}

const expectStatus = (payment: Json, status: string) =>
  until(async () => expect((await read(payment)).status).toBe(status));

test("killed at every step, started again, and everything is as if nothing had happened", async () => {
  const stopped = await stopAtEveryStep();
  const { bodies, intents } = stopped;
  await server.kill();

  await site.sandbox.pay(codeOf(stopped.paidWhileDead));
  await site.sandbox.pay(codeOf(stopped.closingPaid), { notify: false });
  await site.sandbox.pay(intents.answerLostAndPaid.serial_no, { notify: false });
  await site.sandbox.settle();
  site.receiver.answer.status = 204;
  await site.letTimePass(120);
  server = await site.startServer("api,worker");

  await expectStatus(stopped.closing, "closed");
  await expectStatus(stopped.closingPaid, "succeeded");
  await expectStatus(stopped.paidWhileDead, "succeeded");
  await expectStatus(intents.answerLostAndPaid, "succeeded");
  for (const payment of [stopped.refunding, stopped.refunded]) {
    await until(async () => expect(await read(payment)).toMatchObject({ amount_refunded: 1000, amount_refunding: 0 }));
    expect((await site.sandbox.trade(payment.serial_no)).refunds).toMatchObject([{ amount: 1000 }]);
  }
  await until(() => {
    const told = site.receiver.about(stopped.notTold.id);
    expect(told.length).toBeGreaterThan(1);
    expect(new Set(told.map(({ webhook_id }) => webhook_id)).size).toBe(1);
    expect(told.every(({ verified, type }) => verified && type === "payment.succeeded")).toBe(true);
  });

  // The merchant, who got no answer, asks again: the same payments, with something to pay by.
  for (const name of ["neverHeard", "answerLost"] as const) {
    const again = await succeed("POST", "/v1/payments", bodies[name]);
    expect([again.id, again.serial_no]).toEqual([intents[name].id, intents[name].serial_no]);
    await site.sandbox.pay(codeOf(again));
    await expectStatus(again, "succeeded");
  }
  expect((await succeed("POST", "/v1/refunds", stopped.refundNotSent)).status).toBe("succeeded");
  expect(await site.findFaults()).toEqual([]);
  expect(await server.stop()).toBe(0);
});

test("an API, two workers and the database are killed under load: what was acknowledged is there, once", async () => {
  const start = () => Promise.all(["api", "worker", "worker"].map((roles) => site.startServer(roles)));
  let [api, first, second] = (await start()) as [ServerProcess, ServerProcess, ServerProcess];
  const traffic = startTraffic(site);
  const settle = () => sleep(500);

  await settle();
  await first.kill();
  await settle();
  await api.kill();
  api = await site.startServer("api");
  await settle();
  await site.crashDatabase();
  await settle();
  first = await site.startServer("worker");
  await second.kill();
  // What the dead held comes back when their leases have run out.
  await site.letTimePass(60);
  second = await site.startServer("worker");
  await settle();
  await traffic.finish();
  await site.letTimePass(60);

  expect(traffic.acknowledged.size).toBeGreaterThan(10);
  expect([...traffic.refusals].filter((code) => code !== "api.unavailable")).toEqual([]);
  for (const [id, { serial_no, refunded }] of traffic.acknowledged) {
    await until(async () => {
      const payment = await succeed("GET", `/v1/payments/${id}`);
      expect(payment).toMatchObject({ status: "succeeded", amount_refunded: refunded, amount_refunding: 0 });
    });
    const trade = await site.sandbox.trade(serial_no);
    expect(trade.refunds.map(({ amount }: Json) => amount)).toEqual([refunded]);
    await until(() => {
      const told = site.receiver.about(id);
      expect(new Set(told.map(({ webhook_id, type }) => `${type} ${webhook_id}`)).size).toBe(1);
      expect(told[0]).toMatchObject({ type: "payment.succeeded", verified: true });
    });
  }
  expect(await site.findFaults()).toEqual([]);
  expect(await Promise.all([api, first, second].map((process) => process.stop()))).toEqual([0, 0, 0]);
}, 90_000);
