/** What agents earn of a fee, as lines of the posting that books the fee. */
import { money } from "../kit/money.ts";
import { credit, debit, keepLines, type Line } from "./posting.ts";

/** One agent's part of a fee, in minor units of the payment's currency. */
export interface CommissionPart {
  agent_id: string;
  amount: bigint;
}

/** The same as JSON keeps it: the amount is decimal text. */
export interface StoredCommission {
  agent_id: string;
  amount: string;
}

/** Reads what a row keeps; null is no commission. */
export function readCommissions(stored: readonly StoredCommission[] | null): CommissionPart[] {
  return (stored ?? []).map(({ agent_id, amount }) => ({ agent_id, amount: BigInt(amount) }));
}

/** Parts as a row keeps them: those of nothing are left out, and none at all is null. */
export function writeCommissions(parts: readonly CommissionPart[]): StoredCommission[] | null {
  const kept = parts.filter(({ amount }) => amount > 0n);
  return kept.length === 0 ? null : kept.map(({ agent_id, amount }) => ({ agent_id, amount: String(amount) }));
}

/** The platform owes each agent its part of the fee: an expense of this merchant's book. */
export function commissionLines(parts: readonly CommissionPart[] | undefined, currency: string): Line[] {
  if (parts === undefined || parts.length === 0) return [];
  return keepLines(
    debit("commission_expense", money(sumCommissions(parts), currency)),
    ...parts.map(({ agent_id, amount }) => credit("commission_payable", money(amount, currency), agent_id)),
  );
}

/** The sum of the parts. */
export function sumCommissions(parts: readonly CommissionPart[]): bigint {
  return parts.reduce((sum, { amount }) => sum + amount, 0n);
}
