/** What the books say when a reserve is released. */
import type { Money } from "../../kit/money.ts";
import { credit, debit, type NewPosting } from "../posting.ts";

/** A release, as its row says. */
export interface BookedReserveRelease {
  merchant_id: string;
  livemode: boolean;
  release_id: string;
  /** Above zero. */
  amount: Money;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/** What was held back of a settlement becomes the merchant's to draw. */
export function reserveReleasedPosting({ release_id, amount, ...r }: BookedReserveRelease): NewPosting {
  return {
    ...r,
    kind: "reserve_released",
    source_id: release_id,
    lines: [debit("merchant_reserve", amount), credit("merchant_available", amount)],
    on_shortfall: "throw",
  };
}
