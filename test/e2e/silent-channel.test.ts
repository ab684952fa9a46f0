// Guarantee: a channel that does not answer holds up no other: each one's attempts are asked about in places of its own.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ChannelCaller } from "../../server/src/channels/call.ts";
import { createPaymentWorkers } from "../../server/src/modules/payment/index.ts";
import { paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const SILENT = 40;

test("forty attempts wait for a silent channel; the one of another is asked about at once", async () => {
  for (let index = 0; index < SILENT; index++) await platform.post("/v1/payments", paymentBody("wechat.native"));
  platform.clock.advance(1_000);
  const healthy = await platform.post("/v1/payments", paymentBody("alipay.qr"));
  platform.clock.advance(60_000);

  const { payment } = platform.services;
  const asked: string[] = [];
  const gate = Promise.withResolvers<void>();
  const channels: ChannelCaller = {
    ...payment.channels,
    async query(channel, account, input) {
      asked.push(channel.id === "wechat" ? channel.id : input.serial_no);
      if (channel.id === "wechat") await gate.promise;
      return payment.channels.query(channel, account, input);
    },
  };
  const { attempts } = createPaymentWorkers({ ...payment, channels }, ["wechat", "alipay"]);
  for (const worker of attempts) worker.start();
  try {
    await vi.waitFor(() => expect(asked).toContain(healthy.serial_no));
    await vi.waitFor(() => expect(asked.filter((name) => name === "wechat")).toHaveLength(32));
    gate.resolve();
    await vi.waitFor(() => expect(asked).toHaveLength(SILENT + 1), { timeout: 10_000 });
  } finally {
    gate.resolve();
    for (const worker of attempts) await worker.stop();
  }
});
