/** What the books say when an agent's commission of a month is settled: it leaves merchants' books for the agent's own. */
import { invariant } from "../../kit/error.ts";
import { type Money, money } from "../../kit/money.ts";
import { credit, debit, keepLines, type NewPosting, swapSides } from "../posting.ts";

/** What one merchant's book gives, as its row says. */
export interface CommissionPayment {
  merchant_id: string;
  livemode: boolean;
  part_id: string;
  agent_id: string;
  /** Below zero where refunds took back more than was earned; not zero. */
  amount: Money;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/** The merchant's book owes the agent nothing more of it; what it gives lies between the books until the agent's has it. */
export function commissionSettledPosting({ part_id, agent_id, amount, ...head }: CommissionPayment): NewPosting {
  const size = money(amount.amount < 0n ? -amount.amount : amount.amount, amount.currency);
  const lines = [debit("commission_payable", size, agent_id), credit("interbook", size)];
  return {
    ...head,
    kind: "commission_settled",
    source_id: part_id,
    lines: amount.amount < 0n ? swapSides(lines) : lines,
    on_shortfall: "throw",
  };
}

/** What the agent's book takes, as the settlement's row says; `brought_forward` and total are amount and `carried_forward`. */
export interface CommissionReceipt {
  /** The agent, whose own book it is. */
  merchant_id: string;
  livemode: boolean;
  settlement_id: string;
  /** All parts together; zero where only what was held comes. */
  total: Money;
  /** What was owed before and is after, still not to be drawn; below zero what the agent owes. */
  brought_forward: bigint;
  carried_forward: bigint;
  occurred_at: number;
}

/**
 * The agent's book takes all parts from between the books. What is above zero becomes the agent's to draw; what is below
 * stays until later months have earned it.
 */
export function commissionReceivedPosting(r: CommissionReceipt): NewPosting {
  const { settlement_id, total, brought_forward, carried_forward, ...head } = r;
  const amount = brought_forward + total.amount - carried_forward;
  invariant(amount >= 0n, "what becomes available is never below zero");
  const of = (value: bigint) => money(value < 0n ? -value : value, total.currency);
  const [taken, kept] = [of(total.amount), of(carried_forward - brought_forward)];
  const lines = keepLines(
    total.amount < 0n ? credit("interbook", taken) : debit("interbook", taken),
    carried_forward < brought_forward
      ? debit("commission_payable", kept, r.merchant_id)
      : credit("commission_payable", kept, r.merchant_id),
    credit("merchant_available", of(amount)),
  );
  return { ...head, kind: "commission_received", source_id: settlement_id, lines, on_shortfall: "throw" };
}
