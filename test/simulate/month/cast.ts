/** Who takes part in a simulated month: merchants in pooled and direct mode, channel accounts, two operators. */
import type { Random } from "../../../server/src/kit/random.ts";
import { createChannelCostRule } from "../../../server/src/modules/fee/index.ts";
import { setSettlementSettings } from "../../../server/src/modules/settlement/index.ts";
import { COST_PPM, createTestMerchant } from "../../platform/merchants.ts";
import { createOperator, type TestOperator } from "../../platform/operators.ts";
import type { Platform } from "../../platform/platform.ts";
import { addUnionpay } from "../../platform/unionpay.ts";

export type MonthChannel = "wechat" | "alipay" | "unionpay";

export interface Account {
  /** UUID. */
  readonly id: string;
  readonly channel: MonthChannel;
  readonly pooled: boolean;
  /** Whose bills they are at the simulated channel. */
  readonly owner: string;
}

export interface Shop {
  readonly name: "market" | "bakery" | "direct";
  readonly merchant_id: string;
  readonly key: string;
  readonly accounts: readonly Account[];
}

export interface Cast {
  readonly platform: Platform;
  readonly random: Random;
  readonly shops: readonly Shop[];
  readonly accounts: readonly Account[];
  /** Two people, for what nobody may decide alone. */
  readonly maker: TestOperator;
  readonly checker: TestOperator;
}

/** Everybody in their places; nothing has happened yet. */
export async function gatherCast(platform: Platform, random: Random): Promise<Cast> {
  const { services, merchant, direct } = platform;
  const bakery = await createTestMerchant(services, platform.sandbox.url, merchant.accounts);
  const unionpay = await addUnionpay(platform);
  // UnionPay keeps what it took of a payment that goes back.
  const cost = { channel_account_id: unionpay, currency: "CNY", rate_ppm: COST_PPM, refund_returns_cost: false };
  await createChannelCostRule({ ...services, sql: services.db }, cost);
  const open = (id: string, channel: MonthChannel, pooled: boolean) => openAccount(platform, id, channel, pooled);
  const shared = [
    await open(merchant.accounts.wechat, "wechat", true),
    await open(merchant.accounts.alipay, "alipay", true),
  ];
  const card = await open(unionpay, "unionpay", true);
  const own = [
    await open(direct.accounts.wechat, "wechat", false),
    await open(direct.accounts.alipay, "alipay", false),
  ];
  for (const { merchant_id } of [merchant, bakery]) {
    await setSettlementSettings(services, { merchant_id, livemode: false, currency: "CNY", cycle: "D+1" });
  }
  return {
    ...{ platform, random, accounts: [...shared, card, ...own] },
    shops: [
      { name: "market", merchant_id: merchant.merchant_id, key: merchant.key, accounts: [...shared, card] },
      { name: "bakery", merchant_id: bakery.merchant_id, key: bakery.key, accounts: shared },
      { name: "direct", merchant_id: direct.merchant_id, key: direct.key, accounts: own },
    ],
    maker: await createOperator(platform, "maker"),
    checker: await createOperator(platform, "checker"),
  };
}

async function openAccount(
  { services: { reconciliation } }: Platform,
  id: string,
  channel: MonthChannel,
  pooled: boolean,
): Promise<Account> {
  const method = { wechat: "wechat.native", alipay: "alipay.qr", unionpay: "unionpay.qr" } as const;
  const account = (await reconciliation.accounts.open(id))!;
  const { merchant, app } = reconciliation.getChannel(channel)!.identify(account, method[channel]);
  return { id, channel, pooled, owner: (channel === "alipay" ? app : merchant) ?? "" };
}

export const below = (random: Random, limit: number) => Math.floor(random.unit() * limit);
export const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;
