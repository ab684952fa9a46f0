/**
 * Guarantee: a payment by the code that a payer shows ends within a minute, and rightly: paid where the money was taken
 * and kept, failed where it was not or went back; and the code itself is in no log, no table and no answer.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { platformStatement } from "../../server/src/kit/sql/statement.ts";
import { nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

const S = 1000;
const channels = ["wechat", "alipay"] as const;
type Channel = (typeof channels)[number];

let platform: Platform;
const lines: string[] = [];
const codes: string[] = [];
beforeAll(async () => {
  platform = await startPlatform({ logs: { write: (line) => void lines.push(line) } });
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.sandbox.clearFaults();
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});

/** Every row of every table, as text. */
async function dumpDatabase(): Promise<string> {
  const { db } = platform.services;
  const tables = await db.query<{ name: string }>(
    platformStatement(
      "test.tables",
      "select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace",
    ),
    [],
  );
  expect(tables.length).toBeGreaterThan(10);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      db.query<{ row: string }>(platformStatement(`test.${name}`, `select t::text as row from ${name} t`), []),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join("\n");
}

async function draw(channel: Channel, behaviour = "success"): Promise<string> {
  const { auth_code } = await platform.sandbox.request("POST", "/control/auth_codes", { channel, behaviour });
  codes.push(auth_code);
  return auth_code;
}

function bodyOf(method: string, auth_code: string): object {
  return { ...paymentBody(), method, payer: { auth_code } };
}

async function charge(channel: Channel, behaviour = "success"): Promise<Json> {
  return platform.post("/v1/payments", bodyOf(`${channel}.barcode`, await draw(channel, behaviour)));
}

const read = (payment: Json) => platform.get(`/v1/payments/${payment.id}`);
const attemptOf = async (payment: Json) => (await platform.get(`/v1/payments/${payment.id}/attempts`)).data[0];
const trade = (payment: Json) => platform.sandbox.trade(payment.serial_no);
const ended = { wechat: "REVOKED", alipay: "TRADE_CLOSED" };

describe.each(channels)("%s", (channel) => {
  test("the money is taken within the request, booked once, and can be refunded", async () => {
    const payment = await charge(channel);
    expect(payment).toMatchObject({ status: "succeeded", method: `${channel}.barcode`, action: { type: "none" } });
    const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 234 };
    const refund = await platform.post("/v1/refunds", body);
    await platform.settle();
    expect(await platform.get(`/v1/refunds/${refund.id}`)).toMatchObject({ status: "succeeded", amount: 234 });
  });

  test.each(["expired", "invalid", "not_enough"])("a code that is %s fails the payment at once", async (behaviour) => {
    expect(await charge(channel, behaviour)).toMatchObject({ status: "failed", failure: { code: expect.any(String) } });
  });

  test("a payer who confirms within the time has paid", async () => {
    const payment = await charge(channel, "confirm");
    expect(payment).toMatchObject({ status: "processing", action: { type: "none" } });
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("processing");
    await platform.sandbox.pay(payment.serial_no);
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("a payer who declines has not", async () => {
    const payment = await charge(channel, "confirm");
    await platform.sandbox.pay(payment.serial_no, { outcome: "fail" });
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("failed");
  });

  test("a payer who does nothing is asked about every 5 s, and after 45 s the order is cancelled", async () => {
    const payment = await charge(channel, "confirm");
    for (let asked = 1; asked < 9; asked += 1) {
      await platform.advance(5 * S);
      expect(await attemptOf(payment)).toMatchObject({ status: "sent" });
    }
    await platform.advance(5 * S);
    expect(await read(payment)).toMatchObject({ status: "failed", failure: { code: "NOT_CONFIRMED" } });
    expect((await trade(payment)).state).toBe(ended[channel]);
    await expect(platform.sandbox.pay(payment.serial_no)).rejects.toThrow("409");
  });

  test.each([
    ["system_error", "succeeded"],
    ["bank_error", "failed"],
  ])("%s: not known at first, %s in the end", async (behaviour, status) => {
    const payment = await charge(channel, behaviour);
    expect(payment.status).toBe("processing");
    expect(await attemptOf(payment)).toMatchObject({ status: "unknown", unknown_reason: "system_error" });
    for (let step = 0; step < 9; step += 1) await platform.advance(5 * S);
    expect((await read(payment)).status).toBe(status);
  });

  test.each([
    ["timeout_before", "failed"],
    ["timeout_after", "succeeded"],
    ["bad_signature", "succeeded"],
  ])("%s of the charge: %s in the end", async (fault, status) => {
    await platform.sandbox.fault(channel, "pay", fault);
    const payment = await charge(channel);
    expect(payment.status).toBe("processing");
    for (let step = 0; step < 14; step += 1) await platform.advance(5 * S);
    expect((await read(payment)).status).toBe(status);
  });

  test("money that was taken and could never be asked about goes back", async () => {
    await platform.sandbox.fault(channel, "pay", "timeout_after");
    await platform.sandbox.fault(channel, "query", "system_error", { times: 100 });
    const payment = await charge(channel);
    for (let step = 0; step < 10; step += 1) await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("failed");
    const { state, refunds } = await trade(payment);
    expect(channel === "wechat" ? state : refunds).toEqual(
      channel === "wechat" ? "REVOKED" : [expect.objectContaining({ amount: 1234 })],
    );
  });

  test("a cancellation that does not succeed is tried again, and the order stays unknown until then", async () => {
    const payment = await charge(channel, "bank_error");
    await platform.sandbox.fault(channel, "cancel", "timeout_before", { times: 2 });
    for (let step = 0; step < 9; step += 1) await platform.advance(5 * S);
    expect(await attemptOf(payment)).toMatchObject({ status: "unknown", unknown_reason: "cancelling" });
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("processing");
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("failed");
  });

  test("a cancellation whose answer was lost is not read as a payment", async () => {
    await platform.sandbox.fault(channel, "pay", "timeout_after");
    await platform.sandbox.fault(channel, "query", "system_error", { times: 9 });
    await platform.sandbox.fault(channel, "cancel", "timeout_after");
    const payment = await charge(channel);
    for (let step = 0; step < 12; step += 1) await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("failed");
    expect((await trade(payment)).state).toBe(ended[channel]);
  });

  test("the same request again neither charges nor changes what is not known yet", async () => {
    const body = bodyOf(`${channel}.barcode`, await draw(channel, "bank_error"));
    const payment = await platform.post("/v1/payments", body);
    await platform.sandbox.fault(channel, "pay", "http_500");
    expect(await platform.post("/v1/payments", body)).toMatchObject({ id: payment.id, status: "processing" });
    expect((await platform.sandbox.request("GET", "/control/faults")).data).toHaveLength(1);
  });

  test("a close is a cancellation, never sooner than the channel allows", async () => {
    const payment = await charge(channel, "confirm");
    const answer = await platform.call("POST", `/v1/payments/${payment.id}/close`);
    expect(answer.body).toMatchObject({ status: "processing", closing: true });
    await platform.advance(15 * S);
    expect(await read(payment)).toMatchObject({ status: "closed", closing: false });
    expect((await trade(payment)).state).toBe(ended[channel]);
  });

  test("auto.barcode finds the channel, and the same request again charges nothing", async () => {
    const body = bodyOf("auto.barcode", await draw(channel));
    const payment = await platform.post("/v1/payments", body);
    expect(payment).toMatchObject({ status: "succeeded", method: `${channel}.barcode` });
    const again = await platform.call("POST", "/v1/payments", body);
    expect([again.status, again.body]).toMatchObject([200, { id: payment.id, serial_no: payment.serial_no }]);
  });

  test("another attempt of an open payment may be by code", async () => {
    const payment = await platform.post("/v1/payments", paymentBody("cashier"));
    const body = { method: "auto.barcode", payer: { auth_code: await draw(channel) } };
    expect(await platform.post(`/v1/payments/${payment.id}/attempts`, body)).toMatchObject({ status: "succeeded" });
  });
});

test.each(channels)("%s: payer, merchant and worker race, and the books say what the channel did", async (channel) => {
  for (let round = 0; round < 12; round += 1) {
    const payment = await charge(channel, "confirm");
    platform.clock.advance(15 * S);
    const close = () => platform.call("POST", `/v1/payments/${payment.id}/close`);
    const pay = () => platform.sandbox.pay(payment.serial_no).catch(() => undefined);
    // The first of them is let ahead a little more each time.
    const steps = [close, pay, () => platform.settle(), close];
    const order = [...steps.slice(round % steps.length), ...steps.slice(0, round % steps.length)];
    await Promise.all(order.map((step) => step()));
    for (let step = 0; step < 8; step += 1) await platform.advance(10 * S);
    const { status } = await read(payment);
    const { state } = await trade(payment);
    expect([status, state]).toEqual(
      status === "succeeded"
        ? [status, { wechat: "SUCCESS", alipay: "TRADE_SUCCESS" }[channel]]
        : ["closed", ended[channel]],
    );
  }
});

test.each(channels)("%s: a process that dies before the charge leaves an order that ends unpaid", async (channel) => {
  const caller = platform.services.payment.channels;
  const dies = vi.spyOn(caller, "pay").mockRejectedValueOnce(new Error("the process died"));
  const body = bodyOf(`${channel}.barcode`, await draw(channel));
  expect((await platform.call("POST", "/v1/payments", body)).status).toBe(500);
  dies.mockRestore();
  for (let step = 0; step < 20; step += 1) await platform.advance(5 * S);
  expect(await platform.post("/v1/payments", body)).toMatchObject({ status: "failed", method: `${channel}.barcode` });
});

test.each(channels)(
  "%s: a process that dies between the intent to cancel and the call is succeeded by another",
  async (channel) => {
    const payment = await charge(channel, "confirm");
    const caller = platform.services.payment.channels;
    const dies = vi.spyOn(caller, "cancel").mockRejectedValueOnce(new Error("the process died"));
    for (let step = 0; step < 9; step += 1) await platform.advance(5 * S);
    dies.mockRestore();
    expect(await attemptOf(payment)).toMatchObject({ status: "unknown", unknown_reason: "cancelling" });
    // Paid in between: the cancellation was decided, so that the money goes back.
    await platform.sandbox.pay(payment.serial_no);
    for (let step = 0; step < 7; step += 1) await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("failed");
    expect((await trade(payment)).state).toBe(ended[channel]);
  },
);

test("a WeChat payer who is entering the password keeps the reversal waiting", async () => {
  const payment = await charge("wechat", "confirm");
  await platform.sandbox.fault("wechat", "cancel", "user_paying");
  for (let step = 0; step < 9; step += 1) await platform.advance(5 * S);
  expect((await read(payment)).status).toBe("processing");
  await platform.sandbox.pay(payment.serial_no);
  await platform.advance(5 * S);
  expect((await read(payment)).status).toBe("failed");
  // Paid after the reversal was decided: the money went back.
  expect((await trade(payment)).state).toBe("REVOKED");
});

test("a code of nobody's form, and none at all, are refused before anything is made", async () => {
  const strange = await platform.call("POST", "/v1/payments", bodyOf("auto.barcode", "9".repeat(18)));
  expect([strange.status, strange.body.error]).toMatchObject([
    400,
    { code: "payment.auth_code_unknown", param: "payer.auth_code" },
  ]);
  for (const method of ["auto.barcode", "wechat.barcode", "alipay.barcode"]) {
    const answer = await platform.call("POST", "/v1/payments", { ...paymentBody(), method });
    expect(answer.body.error).toMatchObject({ code: "payment.payer_required", param: "payer.auth_code" });
  }
  const form = await platform.call("POST", "/v1/payments", bodyOf("auto.barcode", "13-not-digits-at-all"));
  expect([form.status, form.text.includes("13-not")]).toEqual([400, false]);
});

test("no code is in a log line, in the database or in an event", async () => {
  expect(codes.length).toBeGreaterThan(20);
  const { data } = await platform.get("/v1/events?limit=100");
  const written = lines.join("") + JSON.stringify(data) + (await dumpDatabase());
  expect(written).toContain('"payment.succeeded"');
  expect(codes.filter((code) => written.includes(code))).toEqual([]);
});
