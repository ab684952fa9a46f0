/** What the books say when a merchant is settled. */
import { invariant } from "../../kit/error.ts";
import { type Money, money } from "../../kit/money.ts";
import { credit, debit, keepLines, type NewPosting } from "../posting.ts";

/** A settlement, as its row says. */
export interface BookedSettlement {
  merchant_id: string;
  livemode: boolean;
  settlement_id: string;
  /** Above zero. */
  amount: Money;
  /** The part of it that is held back; 0 is none. */
  reserved: bigint;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/**
 * What was pending becomes the merchant's to draw, but for what is held back. In direct mode nothing is ever pending: the
 * channel has settled to the merchant's own account, and there is no such posting.
 */
export function settlementPosting({ settlement_id, amount, reserved, ...s }: BookedSettlement): NewPosting {
  invariant(reserved >= 0n && reserved <= amount.amount, "what is held back is a part of what is settled");
  const { currency } = amount;
  return {
    ...s,
    kind: "settlement_created",
    source_id: settlement_id,
    lines: keepLines(
      debit("merchant_pending", amount),
      credit("merchant_available", money(amount.amount - reserved, currency)),
      credit("merchant_reserve", money(reserved, currency)),
    ),
    on_shortfall: "throw",
  };
}
