import type { Transaction } from "../../kit/sql/database.ts";
import type { StoredCommission } from "../../ledger/index.ts";
import { priceCommissions } from "../agent/index.ts";
import { claimQuotas } from "./claim-quotas.ts";
import { chargeOf } from "./fee.ts";
import { findRules } from "./store.ts";

/** What decides the price of an attempt. */
export interface PriceInput {
  merchant_id: string;
  livemode: boolean;
  app_id: string;
  channel: string;
  channel_account_id: string;
  funding_mode: "direct" | "pooled";
  method: string;
  /** The payment's. */
  store: string | null;
  currency: string;
  amount: bigint;
  /** The rules in force at this moment price it; epoch milliseconds. */
  at: number;
}

/** As the attempt's row keeps it. */
export interface Price {
  fee_rule_id: string | null;
  fee_amount: bigint;
  fee_returns: boolean;
  cost_amount: bigint;
  cost_returns: boolean;
  /** Where a promotion priced it: the period in whose quota it holds a place. */
  quota_period: string | null;
  /** What agents earn of the fee, the topmost first; null is nobody. */
  commissions: StoredCommission[] | null;
}

/**
 * Prices a batch in one query, in order; where a promotion may apply, three more find and take places in its quota, which
 * stay locked until the transaction ends; where a merchant has agents, one more finds their prices.
 */
export async function priceAttempts(tx: Transaction, inputs: readonly PriceInput[]): Promise<Price[]> {
  if (inputs.length === 0) return [];
  const found = await findRules(tx, inputs);
  const fees = found.some(({ fee }) => fee?.is_promotion)
    ? await claimQuotas(
        tx,
        inputs,
        found.map(({ fee }) => fee),
      )
    : found.map(({ fee }) => ({ rule: fee, quota_period: null }));
  const prices = inputs.map((input, index) => {
    const { rule, quota_period } = fees[index]!;
    const cost = input.funding_mode === "pooled" ? found[index]!.cost : undefined;
    return {
      fee_rule_id: rule?.id ?? null,
      fee_amount: rule ? chargeOf(rule, input.amount) : 0n,
      fee_returns: rule?.returns ?? true,
      cost_amount: cost ? chargeOf(cost, input.amount) : 0n,
      cost_returns: cost?.returns ?? true,
      quota_period,
    };
  });
  const commissions = await priceCommissions(
    tx,
    inputs.map((input, index) => ({ ...input, path: found[index]!.agents, fee_amount: prices[index]!.fee_amount })),
  );
  return prices.map((price, index) => ({ ...price, commissions: commissions[index]! }));
}
