// Guarantee: over the whole platform, agents earn the difference of prices of every payment, in both funding modes: a second
// success pays none, refunds take it back and give it again where they fail, a month later it is the agents' to draw, to the
// fen, and leaves to their own account; merchants see none of it.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { parsePublicId, publicId } from "../../server/src/kit/id.ts";
import { getBalances } from "../../server/src/ledger/index.ts";
import { type Agent, bindMerchant, createAgent, setAgentPrice } from "../../server/src/modules/agent/index.ts";
import { setBeneficiarySettings, verifyBeneficiary } from "../../server/src/modules/beneficiary/index.ts";
import { bindChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { createFeeRule } from "../../server/src/modules/fee/index.ts";
import { createApp } from "../../server/src/modules/merchant/index.ts";
import { createKey, type TestMerchant } from "../platform/merchants.ts";
import { codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { alipayAccount } from "../platform/payouts.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;
/** Three levels: 0.38 %, 0.40 % and 0.45 %; the merchants pay 0.60 %. */
let line: Agent[];

const PRICES = [3_800n, 4_000n, 4_500n];
const DAY_ms = 86_400_000;

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  const { services } = platform;
  const { db } = services;
  line = [];
  for (const rate_ppm of PRICES) {
    const parent_id = line.at(-1)?.id ?? null;
    const agent = await db.transaction((tx) => createAgent(tx, services, { name: "agent", parent_id }));
    const rates = { price: { rate_ppm, fixed_amount: 0n }, maximum: { rate_ppm: 10_000n, fixed_amount: 0n } };
    const price = { agent_id: agent.id, method: null, currency: "CNY", ...rates };
    await db.transaction((tx) => setAgentPrice(tx, services, price));
    line.push(agent);
  }
  for (const { merchant_id } of [platform.merchant, platform.direct]) {
    await bindMerchant(db, services, { merchant_id, agent_id: line[2]!.id });
  }
}, 60_000);
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

const create = (of: TestMerchant, more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", { ...paymentBody("wechat.native"), amount: 10_000, ...more }, { key: of.key });

async function pay(of: TestMerchant, amount = 10_000): Promise<Json> {
  const payment = await create(of, { amount });
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  return payment;
}

const refund = async (of: TestMerchant, payment: Json, amount: number): Promise<Json> => {
  const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount };
  const made = await platform.post("/v1/refunds", body, { key: of.key });
  await platform.settle();
  return made;
};

/** What a merchant's book owes the three, from the top. */
async function owed({ merchant_id }: TestMerchant): Promise<bigint[]> {
  const balances = await getBalances(platform.services.db, { merchant_id, livemode: false });
  return line.map(
    ({ id }) => balances.find((one) => one.kind === "commission_payable" && one.scope === id)?.balance ?? 0n,
  );
}

const available = async ({ id }: Agent): Promise<bigint> => {
  const balances = await getBalances(platform.services.db, { merchant_id: id, livemode: false });
  return balances.find((one) => one.kind === "merchant_available")?.balance ?? 0n;
};

test("each level earns its difference, refunds take it back in proportion, and a refund that fails gives it again", async () => {
  for (const of of [platform.merchant, platform.direct]) {
    const payment = await pay(of);
    expect(await owed(of)).toEqual([2n, 5n, 15n]);
    await refund(of, payment, 4_000);
    expect(await owed(of)).toEqual([2n, 3n, 9n]);
    await platform.sandbox.fault("wechat", "refund", "not_enough", { times: 4 });
    const failed = await refund(of, payment, 3_000);
    await platform.advance(40_000);
    expect((await platform.get(`/v1/refunds/${failed.id}`, { key: of.key })).status).toBe("failed");
    await platform.sandbox.clearFaults();
    expect(await owed(of)).toEqual([2n, 3n, 9n]);
    await refund(of, payment, 6_000);
    expect(await owed(of)).toEqual([0n, 0n, 0n]);
  }
});

test("the second success of a payment earns nobody anything", async () => {
  const before = await owed(platform.merchant);
  const payment = await create(platform.merchant, { method: "alipay.qr" });
  await platform.advance(1_000);
  const second = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "wechat.native" });
  await platform.settle();
  await platform.sandbox.pay(codeOf(second));
  await platform.settle();
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  expect(await owed(platform.merchant)).toEqual(before.map((amount, level) => amount + [2n, 5n, 15n][level]!));
});

test("a promotion below what agents pay: the levels from below earn nothing first, and nobody less than nothing", async () => {
  const { merchant_id } = platform.merchant;
  const quota = { quota_period: "ever", quota_count: 1n } as const;
  const rule = { merchant_id, livemode: false, currency: "CNY", rate_ppm: 3_900n, ...quota };
  await createFeeRule({ ...platform.services, sql: platform.services.db }, rule);
  const before = await owed(platform.merchant);
  await pay(platform.merchant);
  expect(await owed(platform.merchant)).toEqual([before[0]! + 1n, before[1]!, before[2]!]);
});

test("a merchant's own people see nothing of it", async () => {
  await pay(platform.merchant);
  const { data } = await platform.get("/v1/balance/entries?limit=100");
  expect(JSON.stringify(data)).not.toContain("commission");
  const attempts = await platform.get(`/v1/payments/${(await create(platform.merchant)).id}/attempts`);
  expect(JSON.stringify(attempts)).not.toContain("commission");
});

test("a month later it is the agents' to draw, and leaves to an account of theirs", async () => {
  const { services, direct, merchant } = platform;
  for (let index = 0; index < 30; index += 1) await pay(direct, 100_000);
  const due = (await owed(merchant)).map((amount) => amount);
  const more = await owed(direct);
  await platform.advance(31 * DAY_ms);
  expect(await Promise.all(line.map(available))).toEqual(due.map((amount, level) => amount + more[level]!));
  expect([await owed(merchant), await owed(direct)]).toEqual([
    [0n, 0n, 0n],
    [0n, 0n, 0n],
  ]);

  // Its book withdraws like a merchant's: the operator gives its entry an app, a key, and an account that pays.
  const { id: merchant_id } = line[2]!;
  const { app } = await createApp({ ...services, sql: services.db }, { merchant_id, name: "Payouts" });
  const key = await createKey(services, { merchant_id, app_id: app.id });
  await bindChannelAccount(services, { merchant_id, channel_account_id: merchant.accounts.alipay });
  await setBeneficiarySettings(services, { merchant_id, livemode: false, cooling_s: 0 });
  const account = await platform.post("/v1/beneficiaries", alipayAccount("2088722003142579"), { key });
  const id = parsePublicId("beneficiary", account.id)!;
  await verifyBeneficiary(services, { merchant_id, id, livemode: false, actor: "operator:test" });
  const before = await available(line[2]!);
  const body = { out_payout_no: nextNumber("payout"), amount: 1_000, currency: "CNY", beneficiary: account.id };
  const payout = await platform.post("/v1/payouts", body, { key });
  await platform.settle();
  expect(await platform.get(`/v1/payouts/${payout.id}`, { key })).toMatchObject({ status: "succeeded" });
  expect(await available(line[2]!)).toBe(before - 1_000n);
  expect(publicId("merchant", merchant_id).slice(4)).toBe(publicId("agent", merchant_id).slice(4));
}, 60_000);
