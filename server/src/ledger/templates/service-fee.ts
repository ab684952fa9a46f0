/** What the books say when service fees of direct mode are paid. That they are owed was booked with each payment. */
import type { Money } from "../../kit/money.ts";
import { credit, debit, type NewPosting } from "../posting.ts";

interface Head {
  merchant_id: string;
  livemode: boolean;
  /** Above zero. */
  amount: Money;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/** A payment in advance, or its return, as its row says. */
export interface BookedDeposit extends Head {
  deposit_id: string;
}

/** What was paid of an invoice, as its row says. */
export interface BookedFeePayment extends Head {
  payment_id: string;
  source: "bank" | "prepaid" | "available";
}

/** The merchant paid in advance: the bank holds more, and it is the merchant's until fees are deducted. */
export function serviceFeeTopUpPosting({ deposit_id, amount, ...d }: BookedDeposit): NewPosting {
  return {
    ...d,
    kind: "service_fee_topped_up",
    source_id: deposit_id,
    lines: [debit("bank", amount), credit("service_fee_prepaid", amount)],
    on_shortfall: "throw",
  };
}

/** What was paid in advance and is not needed goes back; refused where less is there. */
export function serviceFeeReturnPosting({ deposit_id, amount, ...d }: BookedDeposit): NewPosting {
  return {
    ...d,
    kind: "service_fee_returned",
    source_id: deposit_id,
    lines: [debit("service_fee_prepaid", amount), credit("bank", amount)],
    on_shortfall: "refuse",
  };
}

const from = {
  bank: { kind: "service_fee_paid", account: "bank" },
  prepaid: { kind: "service_fee_deducted", account: "service_fee_prepaid" },
  available: { kind: "service_fee_collected", account: "merchant_available" },
} as const;

/** The merchant owes that much less: money came into the bank, or was taken of what the merchant has with us. */
export function serviceFeePaymentPosting({ payment_id, source, amount, ...p }: BookedFeePayment): NewPosting {
  const { kind, account } = from[source];
  return {
    ...p,
    kind,
    source_id: payment_id,
    lines: [debit(account, amount), credit("service_fee_receivable", amount)],
    on_shortfall: "refuse",
  };
}
