import {
  serviceFeePaymentPosting,
  serviceFeeReturnPosting,
  serviceFeeTopUpPosting,
} from "../../templates/service-fee.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface MoneyRow extends SourceRow {
  amount: bigint;
  currency: string;
}

const headOf = ({ merchant_id, livemode, amount, currency }: MoneyRow) => {
  return { merchant_id, livemode, amount: { amount, currency }, occurred_at: 0 };
};

/** What was paid in advance for service fees, and given back. */
export const serviceFeeDeposits = checkSource<MoneyRow & { kind: "top_up" | "return" }>({
  noun: "service_fee_deposit",
  counted: "service_fee_deposits",
  kinds: ["service_fee_topped_up", "service_fee_returned"],
  from: "service_fee_deposits s",
  columns: "'booked' as status, s.amount, s.currency, s.kind",
  calls_for: "case s.kind when 'top_up' then 'service_fee_topped_up' else 'service_fee_returned' end",
  changed_at: "s.created_at",
  book(row) {
    const deposit = { ...headOf(row), deposit_id: row.source_id };
    return [row.kind === "top_up" ? serviceFeeTopUpPosting(deposit) : serviceFeeReturnPosting(deposit)];
  },
});

/** What was paid of service fee invoices. That invoices are what fees came to is `verify-service-fees.ts`. */
export const serviceFeePayments = checkSource<MoneyRow & { source: "bank" | "prepaid" | "available" }>({
  noun: "service_fee_payment",
  counted: "service_fee_payments",
  kinds: ["service_fee_paid", "service_fee_deducted", "service_fee_collected"],
  from: "service_fee_payments s",
  columns: "'booked' as status, s.amount, s.currency, s.source",
  calls_for: `case s.source when 'bank' then 'service_fee_paid' when 'prepaid' then 'service_fee_deducted'
    else 'service_fee_collected' end`,
  changed_at: "s.created_at",
  book(row) {
    return [serviceFeePaymentPosting({ ...headOf(row), payment_id: row.source_id, source: row.source })];
  },
});
