/** What the books say when an operator freezes, releases or adjusts. In direct mode there is nothing of the merchant's here. */
import type { Money } from "../../kit/money.ts";
import { credit, debit, type NewPosting } from "../posting.ts";

/** The merchant's accounts that money is frozen in, and adjusted. */
export const drawable = { pending: "merchant_pending", available: "merchant_available" } as const;
export type DrawableAccount = keyof typeof drawable;

/** An amount that is frozen or released, as its operation's row says. */
export interface BookedFreeze {
  merchant_id: string;
  livemode: boolean;
  operation_id: string;
  /** Where it is taken from, and goes back to. */
  account: DrawableAccount;
  /** Above zero. */
  amount: Money;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/** Stays the merchant's, and cannot be drawn. Refused where the account holds less. */
export function fundsFrozenPosting({ operation_id, account, amount, ...f }: BookedFreeze): NewPosting {
  const lines = [debit(drawable[account], amount), credit("merchant_frozen", amount)];
  return { ...f, kind: "funds_frozen", source_id: operation_id, lines, on_shortfall: "refuse" };
}

/** Goes back where it was taken from. */
export function fundsReleasedPosting({ operation_id, account, amount, ...f }: BookedFreeze): NewPosting {
  const lines = [debit("merchant_frozen", amount), credit(drawable[account], amount)];
  return { ...f, kind: "funds_released", source_id: operation_id, lines, on_shortfall: "throw" };
}

/** What an operator gives to the merchant (`credit`) or takes (`debit`), as the operation's row says. */
export interface BookedAdjustment extends BookedFreeze {
  direction: "credit" | "debit";
}

/** The platform pays for what it gives, and keeps what it takes. Refused where the merchant holds less. */
export function adjustmentPosting(a: BookedAdjustment): NewPosting {
  const { operation_id, account, amount, direction, ...head } = a;
  const lines =
    direction === "credit"
      ? [debit("adjustment_expense", amount), credit(drawable[account], amount)]
      : [debit(drawable[account], amount), credit("adjustment_expense", amount)];
  return { ...head, kind: "adjustment_made", source_id: operation_id, lines, on_shortfall: "refuse" };
}
