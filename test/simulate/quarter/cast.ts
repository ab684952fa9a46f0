/** Who takes part in a simulated quarter: merchants of each funding mix, agents three deep, an operator. */
import { publicId } from "../../../server/src/kit/id.ts";
import type { Random } from "../../../server/src/kit/random.ts";
import { bindMerchant, createAgent, setAgentPrice } from "../../../server/src/modules/agent/index.ts";
import { bindChannelAccount } from "../../../server/src/modules/channel-account/index.ts";
import { setPayoutSettings } from "../../../server/src/modules/payout/index.ts";
import { setReserve } from "../../../server/src/modules/reserve/index.ts";
import { requestDeposit, setBilling } from "../../../server/src/modules/service-fee/index.ts";
import { setSettlementSettings } from "../../../server/src/modules/settlement/index.ts";
import { createUser } from "../../../server/src/modules/user/index.ts";
import { createAccounts, createTestMerchant, type TestMerchant } from "../../platform/merchants.ts";
import { alipayAccount, coolAtOnce, enter } from "../../platform/payouts.ts";
import type { Platform } from "../../platform/platform.ts";

/** What each level pays of each payment, the topmost first; merchants pay FEE_PPM. */
export const AGENT_PPM = [4_000n, 4_500n, 5_200n] as const;
export const DEPOSIT = 500_000n;
export const PAYOUT_FEE = 25n;

export interface Member extends TestMerchant {
  readonly name: "pooled" | "mixed" | "direct" | "receiver";
}

export interface Cast {
  readonly platform: Platform;
  readonly random: Random;
  /** Collects through the platform's accounts, is settled on China's workdays, and keeps a rolling reserve. */
  readonly pooled: Member;
  /** WeChat Pay through the platform, Alipay through its own account; monthly, invoiced and paid by bank. */
  readonly mixed: Member;
  /** Its own accounts only; fees from what it paid in advance. */
  readonly direct: Member;
  /** Gets parts of the pooled merchant's payments, and is settled day by day. */
  readonly receiver: Member;
  readonly members: readonly Member[];
  /** UUIDs, the topmost first. */
  readonly agents: readonly string[];
  /** UUID of an operator. */
  readonly operator_id: string;
  /** Public ids. */
  readonly beneficiary: string;
  readonly share_receiver: string;
}

const CNY = { livemode: false, currency: "CNY" } as const;

/** Everybody in their places; nothing has happened yet. */
export async function gatherCast(platform: Platform, random: Random): Promise<Cast> {
  const { services, sandbox } = platform;
  const pooled: Member = { name: "pooled", ...platform.merchant };
  const direct: Member = { name: "direct", ...platform.direct };
  const mixed: Member = { name: "mixed", ...(await createMixed(platform)) };
  const receiver: Member = {
    name: "receiver",
    ...(await createTestMerchant(services, sandbox.url, platform.merchant.accounts)),
  };
  const input = { email: "ops@example.com", name: "Ops", role: "operator", merchant_id: null } as const;
  const { user } = await createUser({ ...services, sql: services.db }, input);
  const agents = await plantAgents(platform, [pooled, mixed, direct]);
  await settleAll(platform, { pooled, mixed, receiver });
  await billAll(platform, { mixed, direct }, user.id);
  await coolAtOnce(platform);
  const { id: beneficiary } = await enter(platform, alipayAccount());
  const body = { kind: "merchant", merchant: publicId("merchant", receiver.merchant_id) };
  const { id: share_receiver } = await platform.post("/v1/receivers", body);
  const key = { merchant_id: pooled.merchant_id, ...CNY };
  await setPayoutSettings(services, key, { fee_fixed_amount: PAYOUT_FEE, fee_returns: true });
  return {
    ...{ platform, random, pooled, mixed, direct, receiver, members: [pooled, mixed, direct, receiver], agents },
    ...{ operator_id: user.id, beneficiary, share_receiver },
  };
}

/** Alipay goes to an account of its own, WeChat Pay to the platform's. */
async function createMixed(platform: Platform): Promise<TestMerchant> {
  const { services, sandbox, merchant } = platform;
  const { wechat } = merchant.accounts;
  const mixed = await createTestMerchant(services, sandbox.url, { wechat, alipay: wechat });
  const { alipay } = await createAccounts(services, sandbox.url, mixed.merchant_id);
  await bindChannelAccount(services, { merchant_id: mixed.merchant_id, channel_account_id: alipay });
  return { ...mixed, accounts: { wechat, alipay } };
}

async function plantAgents({ services }: Platform, members: readonly Member[]): Promise<string[]> {
  return services.db.transaction(async (tx) => {
    const path: string[] = [];
    for (const [level, rate_ppm] of AGENT_PPM.entries()) {
      const { id } = await createAgent(tx, services, { name: `Level ${level + 1}`, parent_id: path.at(-1) ?? null });
      const price = { rate_ppm, fixed_amount: 0n };
      const maximum = { rate_ppm: 10_000n, fixed_amount: 0n };
      await setAgentPrice(tx, services, { agent_id: id, method: null, currency: "CNY", price, maximum });
      path.push(id);
    }
    for (const { merchant_id } of members) {
      await bindMerchant(tx, services, { merchant_id, agent_id: path.at(-1)! });
    }
    return path;
  });
}

async function settleAll(
  { services }: Platform,
  { pooled, mixed, receiver }: Pick<Cast, "pooled" | "mixed" | "receiver">,
): Promise<void> {
  const key = { merchant_id: pooled.merchant_id, ...CNY };
  await setSettlementSettings(services, { ...key, cycle: "T+1" });
  await setReserve(services, { ...key, rolling_rate_ppm: 100_000n, rolling_days: 30, fixed_amount: 5_000n });
  await setSettlementSettings(services, { merchant_id: mixed.merchant_id, ...CNY, cycle: "monthly:15,31" });
  await setSettlementSettings(services, { merchant_id: receiver.merchant_id, ...CNY, cycle: "D+1" });
}

async function billAll(
  platform: Platform,
  { mixed, direct }: Pick<Cast, "mixed" | "direct">,
  made_by: string,
): Promise<void> {
  const billing = platform.services.serviceFee;
  await setBilling(billing, { merchant_id: mixed.merchant_id, ...CNY, cycle: "monthly", collection: "bank" });
  const prepaid = { merchant_id: direct.merchant_id, ...CNY };
  await setBilling(billing, { ...prepaid, cycle: "daily", collection: "prepaid", warn_below: 10_000n });
  await payIn(platform, { merchant_id: direct.merchant_id, amount: DEPOSIT, reference: "at-the-start", made_by });
}

/** Fees paid in advance: no policy asks for a second operator. */
export async function payIn(
  { services: { db, serviceFee } }: Platform,
  deposit: { merchant_id: string; amount: bigint; reference: string; made_by: string },
): Promise<void> {
  await db.transaction((tx) => requestDeposit(serviceFee, tx, { ...CNY, kind: "top_up", ...deposit }));
}
