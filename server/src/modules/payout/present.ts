/** The wire shape of payouts. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Payout } from "./payout.ts";

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
