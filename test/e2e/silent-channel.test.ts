// Guarantee: a channel that does not answer holds up no other: each one's attempts and refunds have places of their own.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ChannelCaller } from "../../server/src/channels/call.ts";
import type { Channel } from "../../server/src/channels/contract.ts";
import type { DueLoop } from "../../server/src/kit/worker/due-loop.ts";
import { createPaymentWorkers } from "../../server/src/modules/payment/index.ts";
import { createRefundWorkers } from "../../server/src/modules/refund/index.ts";
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

const SILENT = "wechat";
const channel_ids = [SILENT, "alipay"];

/** The channels, of which one answers nothing before `release`; `asked` counts the questions to each. */
function silence(channels: ChannelCaller) {
  const asked = { wechat: 0, alipay: 0 };
  const { promise, resolve: release } = Promise.withResolvers<void>();
  async function ask(channel: Channel): Promise<void> {
    asked[channel.id as keyof typeof asked]++;
    if (channel.id === SILENT) await promise;
  }
  const silenced: ChannelCaller = {
    ...channels,
    async query(channel, account, input) {
      await ask(channel);
      return channels.query(channel, account, input);
    },
    async queryRefund(channel, account, input) {
      await ask(channel);
      return channels.queryRefund(channel, account, input);
    },
  };
  return { channels: silenced, asked, release };
}

/** The silent channel has `due` rows, all due before the other's one, and `places`. */
async function expectNobodyWaits(
  workers: readonly DueLoop[],
  { asked, release }: ReturnType<typeof silence>,
  { due, places }: { due: number; places: number },
): Promise<void> {
  for (const worker of workers) worker.start();
  try {
    await vi.waitFor(() => expect(asked).toEqual({ wechat: places, alipay: 1 }), { timeout: 10_000 });
    release();
    await vi.waitFor(() => expect(asked).toEqual({ wechat: due, alipay: 1 }), { timeout: 10_000 });
  } finally {
    release();
    for (const worker of workers) await worker.stop();
  }
}

const create = (method: "wechat.native" | "alipay.qr"): Promise<Json> =>
  platform.post("/v1/payments", paymentBody(method, { amount: 1_000 }));

test("forty attempts wait for a silent channel; the one of another is asked about at once", async () => {
  for (let index = 0; index < 40; index++) await create("wechat.native");
  platform.clock.advance(1_000);
  await create("alipay.qr");
  platform.clock.advance(60_000);
  const { payment } = platform.services;
  const silenced = silence(payment.channels);
  const { attempts } = createPaymentWorkers({ ...payment, channels: silenced.channels }, channel_ids);
  await expectNobodyWaits(attempts, silenced, { due: 40, places: 32 });
});

test("twenty refunds wait for a silent channel; the one of another is asked about at once", async () => {
  const payments = [await create("wechat.native"), await create("alipay.qr")] as const;
  for (const payment of payments) await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  const refund = async (payment: Json) => {
    const made = await platform.post("/v1/refunds", { payment: payment.id, out_refund_no: nextNumber(), amount: 1 });
    expect(made.status).toBe("unknown");
  };
  await platform.sandbox.fault("wechat", "refund", "http_500", { times: 20 });
  for (let index = 0; index < 20; index++) await refund(payments[0]);
  platform.clock.advance(1_000);
  await platform.sandbox.fault("alipay", "refund", "http_500");
  await refund(payments[1]);
  platform.clock.advance(60_000);
  const silenced = silence(platform.services.refund.channels);
  const workers = createRefundWorkers({ ...platform.services.refund, channels: silenced.channels }, channel_ids);
  await expectNobodyWaits(workers, silenced, { due: 20, places: 16 });
});
