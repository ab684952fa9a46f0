import type { Sql } from "../../kit/sql/database.ts";
import { type StoredCommission, writeCommissions } from "../../ledger/index.ts";
import { levelsOf, shareFee } from "./price.ts";
import { loadPricesAt } from "./store.ts";

/** A payment whose fee is known, and whose merchant's agents the pricing query has found. */
export interface CommissionInput {
  /** The topmost first; null is nobody. */
  path: readonly string[] | null;
  method: string;
  currency: string;
  amount: bigint;
  fee_amount: bigint;
  at: number;
}

/** What agents earn of each fee, in order. Merchants without an agent cost nothing here; for the others it is one query. */
export async function priceCommissions(
  sql: Sql,
  inputs: readonly CommissionInput[],
): Promise<(StoredCommission[] | null)[]> {
  const agents = new Set(inputs.flatMap((input) => (input.fee_amount > 0n ? (input.path ?? []) : [])));
  if (agents.size === 0) return inputs.map(() => null);
  const at = inputs.reduce((latest, input) => Math.max(latest, input.at), 0);
  const prices = Map.groupBy(await loadPricesAt(sql, [...agents], at), (price) => price.agent_id);
  return inputs.map((input) =>
    input.path ? writeCommissions(shareFee(levelsOf(input.path, prices, input), input.amount, input.fee_amount)) : null,
  );
}
