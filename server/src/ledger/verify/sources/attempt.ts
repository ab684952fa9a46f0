import type { Money } from "../../../kit/money.ts";
import { duplicatePaymentPosting, type FundingMode, paymentPosting } from "../../templates/payment.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface AttemptRow extends SourceRow {
  channel_account_id: string;
  funding_mode: FundingMode;
  amount: bigint;
  currency: string;
  fee: bigint;
  cost: bigint;
  duplicate: boolean;
}

/** Succeeded attempts. */
export const attempts = checkSource<AttemptRow>({
  noun: "attempt",
  counted: "attempts",
  kinds: ["payment_succeeded", "duplicate_payment_succeeded"],
  rows: `select merchant_id, id as source_id, livemode, status, channel_account_id, funding_mode, amount, currency,
      fee_amount as fee, cost_amount as cost, duplicate
    from attempts where status = 'succeeded'`,
  book({ source_id: attempt_id, amount, currency, ...row }) {
    const attempt = { ...row, attempt_id, amount: { amount, currency } satisfies Money, occurred_at: 0 };
    return [row.duplicate ? duplicatePaymentPosting(attempt) : paymentPosting(attempt)];
  },
});
