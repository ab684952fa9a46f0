/** What the books say when a merchant is settled. */
import type { Money } from "../../kit/money.ts";
import { credit, debit, type NewPosting } from "../posting.ts";

/** A settlement, as its row says. */
export interface BookedSettlement {
  merchant_id: string;
  livemode: boolean;
  settlement_id: string;
  /** Above zero. */
  amount: Money;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/**
 * What was pending becomes the merchant's to draw. In direct mode nothing is ever pending: the channel has settled to the
 * merchant's own account, and there is no such posting.
 */
export function settlementPosting({ settlement_id, amount, ...s }: BookedSettlement): NewPosting {
  return {
    ...s,
    kind: "settlement_created",
    source_id: settlement_id,
    lines: [debit("merchant_pending", amount), credit("merchant_available", amount)],
    on_shortfall: "throw",
  };
}
