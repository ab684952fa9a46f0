/** What tests of payouts share: money that is available, accounts that may be paid to, and what a channel has paid. */
import { parsePublicId } from "../../server/src/kit/id.ts";
import { setBeneficiarySettings, verifyBeneficiary } from "../../server/src/modules/beneficiary/index.ts";
import { getChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { runSettlement, setSettlementSettings } from "../../server/src/modules/settlement/index.ts";
import { nextNumber } from "./payments.ts";
import type { Platform } from "./platform.ts";
import type { Json } from "./sandbox-control.ts";

/** Makes so much available to the merchant: a payment of it, settled. What the fee took comes on top. */
export async function fund(platform: Platform, amount: number): Promise<void> {
  const { merchant_id } = platform.merchant;
  const key = { merchant_id, livemode: false, currency: "CNY" };
  const gross = Math.ceil(amount / 0.994);
  const body = { out_trade_no: nextNumber("fund"), amount: gross, currency: "CNY", subject: "tea" };
  const payment = await platform.post("/v1/payments", { ...body, method: "wechat.native" });
  await platform.sandbox.pay(payment.action.qr_code);
  await platform.settle();
  await setSettlementSettings(platform.services, { ...key, cycle: "on_request" });
  platform.clock.advance(1);
  await runSettlement(platform.services.settlement, key);
}

export async function balanceOf(platform: Platform): Promise<Json> {
  const { balances } = await platform.get("/v1/balance");
  return balances[0] ?? { available: 0, payout_in_transit: 0 };
}

/** Lets accounts be paid to as soon as they are verified. */
export async function coolAtOnce(platform: Platform, more: object = {}): Promise<void> {
  const { merchant_id } = platform.merchant;
  await setBeneficiarySettings(platform.services, { merchant_id, livemode: false, cooling_s: 0, ...more });
}

/** Enters an account and has an operator verify it. */
export async function enter(platform: Platform, account: object): Promise<Json> {
  const made = await platform.post("/v1/beneficiaries", account);
  const { merchant_id } = platform.merchant;
  const id = parsePublicId("beneficiary", made.id)!;
  await verifyBeneficiary(platform.services, { merchant_id, id, livemode: false, actor: "operator:test" });
  return platform.get(`/v1/beneficiaries/${made.id}`);
}

export const alipayAccount = (user_id = "2088722003142578") => ({ type: "alipay", alipay: { user_id } });

export async function wechatAccount(platform: Platform, openid = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o") {
  const { config } = await getChannelAccount(platform.services.db, platform.merchant.accounts.wechat);
  return { type: "wechat", name: "王小明", wechat: { openid, appid: String(config.appid) } };
}

export const bankAccount = (number = "6222021234567890128") => ({
  ...{ type: "bank_card", name: "王小明" },
  bank_card: { number, bank_name: "招商银行" },
});

/** A request for CNY 12.34 to a beneficiary. */
export const payoutBody = (beneficiary: Json, more: object = {}) => ({
  ...{ out_payout_no: nextNumber("payout"), amount: 1_234, currency: "CNY", beneficiary: beneficiary.id },
  ...more,
});
