// Guarantee: whatever is shared, given back and refunded of payments, in whatever order and whatever answer is lost, it never
// exceeds them; in the end the channels have shared what our parts say, books owe each other nothing, and verification is clean.
//
// SIMULATE_STEPS makes it longer and SIMULATE_SEED repeats a run; the seed is in the test's name.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSeededRandom, type Random, systemRandom } from "../../server/src/kit/random.ts";
import { nextNumber, type TestMethod } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import {
  ALIPAY_LOGIN,
  ALIPAY_USER,
  addMerchant,
  addReceiver,
  pay,
  WECHAT_MERCHANT,
  WECHAT_PERSON,
} from "../platform/sharing.ts";

const seed = Number(process.env.SIMULATE_SEED ?? systemRandom.bytes(4).readUInt32LE(0));
const step_count = Number(process.env.SIMULATE_STEPS ?? 80);
const CHECK_EVERY = 20;
const S = 1_000;

interface Owner {
  key: string;
  receivers: Record<"wechat" | "alipay" | "books", string[]>;
}

interface Paid {
  payment: Json;
  owner: Owner;
  channel: "wechat" | "alipay";
}

let platform: Platform;
let owners: Owner[];
let random: Random;
const payments: Paid[] = [];
const tally = new Map<string, number>();

beforeAll(async () => {
  platform = await startPlatform({ direct: true, seed, channel_timeout_ms: 300 });
  random = createSeededRandom(seed);
  const [one, other] = [await addMerchant(platform), await addMerchant(platform)];
  owners = [
    await ownerOf(platform.merchant.key, [one.receiver, other.receiver]),
    await ownerOf(platform.direct.key, []),
  ];
});

afterAll(() => platform.close());

async function ownerOf(key: string, books: string[]): Promise<Owner> {
  const add = (body: object) => addReceiver(platform, body, key);
  return {
    key,
    receivers: {
      wechat: [await add(WECHAT_MERCHANT), await add(WECHAT_PERSON)],
      alipay: [await add(ALIPAY_USER), await add(ALIPAY_LOGIN)],
      books,
    },
  };
}

const below = (limit: number) => Math.floor(random.unit() * limit);
const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;

/** What the platform answers is its own; only what it must never say is looked at here. */
async function ask(name: string, path: string, body: object, key: string): Promise<Json | undefined> {
  const answer = await platform.call("POST", path, body, { key });
  expect(answer.status, `${name}: ${answer.text}`).toBeLessThan(500);
  const result = answer.status < 300 ? (answer.body.status ?? "done") : answer.body.error.code;
  tally.set(`${name} ${result}`, (tally.get(`${name} ${result}`) ?? 0) + 1);
  return answer.status < 300 ? answer.body : undefined;
}

async function startPayment(): Promise<void> {
  const owner = pick(owners);
  const method: TestMethod = pick(["wechat.native", "alipay.app", "alipay.qr"]);
  const payment = await pay(platform, method, { sharing: {} }, owner.key);
  payments.push({ payment, owner, channel: method.startsWith("wechat") ? "wechat" : "alipay" });
}

async function share({ payment, owner, channel }: Paid): Promise<void> {
  const all = [...owner.receivers[channel], ...owner.receivers.books];
  const chosen = all.filter(() => random.unit() < 0.5);
  const receivers = chosen.map((receiver) =>
    random.unit() < 0.5 ? { receiver, ratio_ppm: 1 + below(250_000) } : { receiver, amount: 1 + below(2_000) },
  );
  if (receivers.length === 0) return;
  const refund_policy = pick(["return", "return", "refuse", "merchant"]);
  const body = { payment: payment.id, out_sharing_no: nextNumber("share"), receivers, refund_policy };
  await ask("share", "/v1/sharing_orders", { ...body, release: random.unit() < 0.1 }, owner.key);
}

const ordersOf = async ({ payment, owner }: Paid): Promise<Json[]> =>
  (await platform.get(`/v1/sharing_orders?payment=${payment.id}&limit=100`, { key: owner.key })).data;

async function giveBack(paid: Paid): Promise<void> {
  const orders = await ordersOf(paid);
  if (orders.length === 0) return;
  const order = pick(orders);
  if (order.receivers.length === 0) return;
  const { receiver, amount } = pick<Json>(order.receivers);
  const body = { out_return_no: nextNumber("return"), receiver, amount: 1 + below(amount) };
  await ask("return", `/v1/sharing_orders/${order.id}/returns`, body, paid.owner.key);
}

async function retry(paid: Paid): Promise<void> {
  const failed = (await ordersOf(paid)).filter(({ status }) => /failed|partially/.test(status));
  if (failed.length > 0) await ask("retry", `/v1/sharing_orders/${pick(failed).id}/retry`, {}, paid.owner.key);
}

async function refund({ payment, owner }: Paid): Promise<void> {
  const amount = random.unit() < 0.3 ? 1 + below(10_000) : 1 + below(3_000);
  const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount };
  await ask("refund", "/v1/refunds", body, owner.key);
}

async function finish({ payment, owner }: Paid): Promise<void> {
  await ask("finish", `/v1/payments/${payment.id}/finish_sharing`, {}, owner.key);
}

async function breakSomething(): Promise<void> {
  const channel = pick(["wechat", "alipay"] as const);
  const operation = pick(["share", "share_query", "refund", "refund_query", "receivers"]);
  const common = ["timeout_before", "timeout_after", "system_error", "http_500", "bad_signature", "html"];
  const fault = operation === "share" ? pick([...common, "payout_failed", "payout_failed"]) : pick(common);
  await platform.sandbox.fault(channel, operation, fault);
}

async function takeStep(): Promise<void> {
  const act = random.unit();
  if (payments.length < 2 || act < 0.15) return startPayment();
  if (act < 0.25) return breakSomething();
  if (act < 0.45) return platform.advance(pick([5, 40, 90, 400]) * S);
  const paid = pick(payments.slice(-8));
  if (act < 0.65) return share(paid);
  if (act < 0.75) return giveBack(paid);
  if (act < 0.8) return retry(paid);
  if (act < 0.82) return finish(paid);
  if (act < 0.92) return refund(paid);
  await Promise.all([share(paid), refund(paid), share(paid), giveBack(paid)]);
}

async function checkPayments(): Promise<void> {
  expect(await platform.findFaults(), `seed ${seed}`).toEqual([]);
  for (const { payment, owner } of payments) {
    const now = await platform.get(`/v1/payments/${payment.id}`, { key: owner.key });
    expect(now.amount_refunded + now.amount_refunding, `seed ${seed}`).toBeLessThanOrEqual(10_000);
    const { left, shared } = await platform.get(`/v1/payments/${payment.id}/sharing`, { key: owner.key });
    expect(shared, `seed ${seed}`).toBeLessThanOrEqual(10_000);
    expect(left, `seed ${seed}`).toBeLessThanOrEqual(9_940);
  }
}

/** What was shared of a payment through its channel, less what came back, as our parts say. */
async function sharedByParts(paid: Paid): Promise<number> {
  const parts = (await ordersOf(paid)).flatMap(({ receivers }) => receivers as Json[]);
  const open = parts.filter(({ status }) => status !== "succeeded" && status !== "failed");
  expect(open, `seed ${seed}: nothing stays open`).toEqual([]);
  return parts
    .filter(({ mode, status }) => mode === "channel" && status === "succeeded")
    .reduce((sum, { amount, amount_returned, amount_returning }) => {
      expect(amount_returning, `seed ${seed}`).toBe(0);
      return sum + amount - amount_returned;
    }, 0);
}

test(`${step_count} steps of seed ${seed}`, { timeout: 60_000 + step_count * 3_000 }, async () => {
  for (let step = 1; step <= step_count; step += 1) {
    await takeStep();
    if (step % CHECK_EVERY === 0) await checkPayments();
  }
  await platform.sandbox.clearFaults();
  for (let turn = 0; turn < 14; turn += 1) await platform.advance(1_900 * S);
  await checkPayments();
  for (const paid of payments) {
    const { shared } = await platform.sandbox.trade(paid.payment.serial_no);
    expect(shared, `seed ${seed}: ${paid.payment.id}`).toBe(await sharedByParts(paid));
  }
  expect(payments.length, JSON.stringify([...tally])).toBeGreaterThan(2);
});
