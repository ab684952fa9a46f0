/**
 * Guarantee: whoever sends notices that no channel signed is soon told to wait, before anything is looked up or verified
 * for him; good notices do not count, however many there are, and other addresses are untouched.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeOf, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { createApi } from "../../main/api.ts";

const BURST = 3;
let platform: Platform;
let path: string;

beforeAll(async () => {
  platform = await startPlatform({ notice_refusal_limit: { per_second: 1, burst: BURST } });
  path = `/notify/wechat/${platform.merchant.accounts.wechat}/${platform.merchant.merchant_id}`;
}, 60_000);
afterAll(() => platform?.close());

test("good notices never count; refused ones make their address wait, and good ones from it too", async () => {
  const payment = await platform.post("/v1/payments", paymentBody("wechat.native"));
  await platform.sandbox.pay(codeOf(payment));
  const copies = await platform.sandbox.replay(payment.serial_no, { times: 10 * BURST });
  expect(copies.map(({ accepted }) => accepted)).toEqual(Array(10 * BURST).fill(true));
  const sendUnsigned = () => platform.call("POST", path, {}, { key: null });
  for (let sent = 0; sent < BURST; sent++) {
    expect(await sendUnsigned()).toMatchObject({ status: 400, body: { code: "FAIL" } });
  }
  const answer = await sendUnsigned();
  expect(answer).toMatchObject({ status: 429, body: { error: { code: "request.rate_limited" } } });
  expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  expect((await platform.sandbox.replay(payment.serial_no))[0].accepted).toBe(false);
  await platform.advance(BURST * 1_000);
  expect((await platform.sandbox.replay(payment.serial_no))[0].accepted).toBe(true);
});

test("unless told, twenty are refused as they are, then the address waits and no other does", async () => {
  const api = await createApi(platform.services, { trusted_proxies: [], address_rate: 1_000, sandbox_url: undefined });
  const send = (remoteAddress: string, url: string) => api.inject({ method: "POST", url, payload: {}, remoteAddress });
  const strange = `/notify/wechat/${randomUUID()}/${randomUUID()}`;
  const statuses = [];
  for (let sent = 0; sent < 21; sent++) statuses.push((await send("192.0.2.1", sent % 2 ? path : strange)).statusCode);
  expect(statuses.slice(0, 20).filter((status) => status === 429)).toEqual([]);
  expect(statuses[20]).toBe(429);
  expect((await send("192.0.2.2", strange)).statusCode).toBe(404);
  await api.close();
});
