import type { Sql } from "../../kit/sql/database.ts";
import { chargeOf } from "./fee.ts";
import { findRules } from "./store.ts";

/** What decides the price of an attempt. */
export interface PriceInput {
  merchant_id: string;
  livemode: boolean;
  app_id: string;
  channel_account_id: string;
  funding_mode: "direct" | "pooled";
  method: string;
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
}

/** Prices a batch in one query, in order. */
export async function priceAttempts(sql: Sql, inputs: readonly PriceInput[]): Promise<Price[]> {
  if (inputs.length === 0) return [];
  const rules = await findRules(sql, inputs);
  return inputs.map((input, index): Price => {
    const { fee, cost } = rules[index]!;
    const costs = input.funding_mode === "pooled" ? cost : undefined;
    return {
      fee_rule_id: fee?.id ?? null,
      fee_amount: fee ? chargeOf(fee, input.amount) : 0n,
      fee_returns: fee?.returns ?? true,
      cost_amount: costs ? chargeOf(costs, input.amount) : 0n,
      cost_returns: costs?.returns ?? true,
    };
  });
}
