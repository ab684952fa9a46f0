/** The wire shape of payouts. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { BankFile } from "./bank-file-store.ts";
import type { Payout } from "./payout.ts";
import type { PayoutSettings } from "./settings.ts";

const at = (instant: number | null) => (instant === null ? null : toRfc3339(instant));

/** A payout as the API and events show it. */
export function presentPayout(p: Payout) {
  return {
    id: publicId("payout", p.id),
    object: "payout" as const,
    livemode: p.livemode,
    status: p.status,
    out_payout_no: p.out_payout_no,
    amount: Number(p.amount),
    currency: p.currency,
    transfer_amount: Number(p.transfer_amount),
    fee: Number(p.fee_amount),
    beneficiary: publicId("beneficiary", p.beneficiary_id),
    beneficiary_version: p.beneficiary_version,
    title: p.title,
    metadata: p.metadata,
    automatic: p.out_payout_no === null,
    settlement: p.settlement_id === null ? null : publicId("settlement", p.settlement_id),
    batch: p.batch_id === null ? null : publicId("payout_batch", p.batch_id),
    channel: p.channel,
    transfer_no: p.transfer_no,
    channel_transfer_no: p.channel_transfer_no,
    action: p.action,
    waits_for: p.waits_for,
    failure: p.failure_code === null ? null : { code: p.failure_code, message: p.failure_message ?? "" },
    created_at: toRfc3339(p.created_at),
    sent_at: at(p.sent_at),
    succeeded_at: at(p.succeeded_at),
    finished_at: at(p.finished_at),
  };
}

/** A payout as operators see it: whose it is, by what account it is paid, and what it costs. */
export function presentForOperator(p: Payout) {
  return {
    ...presentPayout(p),
    merchant: publicId("merchant", p.merchant_id),
    cost: Number(p.cost_amount),
    channel_account: p.channel_account_id === null ? null : publicId("channel_account", p.channel_account_id),
    bank_file: p.bank_file_id === null ? null : publicId("payout_bank_file", p.bank_file_id),
    unknown_reason: p.unknown_reason,
    recorded_by: p.recorded_by,
  };
}

/** A file for the bank, without what is in it. */
export function presentBankFile(file: BankFile) {
  return {
    id: publicId("payout_bank_file", file.id),
    object: "payout_bank_file" as const,
    livemode: file.livemode,
    currency: file.currency,
    payouts: file.payout_count,
    amount: Number(file.amount),
    created_by: file.created_by,
    created_at: toRfc3339(file.created_at),
  };
}

/** Settings as operators see them; amounts as text of minor units. */
export function presentPayoutSettings(s: PayoutSettings) {
  const text = (amount: bigint | null) => (amount === null ? null : String(amount));
  return {
    merchant: publicId("merchant", s.merchant_id),
    livemode: s.livemode,
    currency: s.currency,
    fee: {
      ppm: text(s.fee_rate_ppm),
      fixed: text(s.fee_fixed_amount),
      floor: text(s.fee_floor_amount),
      cap: text(s.fee_cap_amount),
      on_top: s.fee_on_top,
      returns: s.fee_returns,
    },
    limits: {
      minimum: text(s.single_minimum),
      maximum: text(s.single_maximum),
      day_count: s.day_count_maximum,
      day_amount: text(s.day_amount_maximum),
      month_amount: text(s.month_amount_maximum),
    },
    review_above: text(s.review_above),
    channel_accounts: s.channel_accounts.map((id) => publicId("channel_account", id)),
    automatic:
      s.automatic_beneficiary_id === null
        ? null
        : {
            beneficiary: publicId("beneficiary", s.automatic_beneficiary_id),
            minimum: text(s.automatic_minimum),
            keep: text(s.automatic_keep),
          },
  };
}
