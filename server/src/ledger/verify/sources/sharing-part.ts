import type { FundingMode } from "../../templates/payment.ts";
import {
  type SharingMode,
  shareReceivedPosting,
  sharingFailedPosting,
  sharingInitiatedPosting,
  sharingSucceededPosting,
} from "../../templates/sharing.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface PartRow extends SourceRow {
  channel_account_id: string;
  funding_mode: FundingMode;
  mode: SharingMode;
  amount: bigint;
  currency: string;
  from_available: bigint;
}

/** Parts of shared payments, in the books of those who share. */
export const sharingParts = checkSource<PartRow>({
  noun: "sharing_part",
  counted: "shares",
  kinds: ["sharing_initiated", "sharing_succeeded", "sharing_failed"],
  from: "sharing_parts s join sharing_orders o on o.merchant_id = s.merchant_id and o.id = s.order_id",
  columns: `s.status, o.channel_account_id, o.funding_mode, s.mode, s.amount, s.currency, s.from_available`,
  calls_for: `case
    when o.funding_mode = 'direct' then case when s.status = 'succeeded' then 'sharing_succeeded' end
    when s.status in ('succeeded', 'failed') then 'sharing_initiated,sharing_' || s.status
    else 'sharing_initiated' end`,
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: part_id, amount, currency, ...row }) {
    const share = { ...row, part_id, amount: { amount, currency }, occurred_at: 0 };
    const postings = [...sharingInitiatedPosting(share)];
    if (row.status === "succeeded") postings.push(sharingSucceededPosting(share));
    if (row.status === "failed") postings.push(...sharingFailedPosting(share));
    return postings;
  },
});

interface ReceivedRow extends SourceRow {
  amount: bigint;
  currency: string;
}

/**
 * The same parts in the books of receivers who are merchants of the platform. A part is finished in both books or in neither,
 * so what they owe each other sums to zero. While it is open, the receiver's book may be ahead.
 */
export const receivedShares = checkSource<ReceivedRow>({
  noun: "sharing_part",
  name: "received_share",
  counted: "shares",
  kinds: ["share_received"],
  from: `(select receiver_merchant_id as merchant_id, id, livemode, status, amount, currency, created_at, finished_at
    from sharing_parts where receiver_merchant_id is not null) s`,
  columns: "s.status, s.amount, s.currency",
  calls_for: "case when s.status = 'succeeded' then 'share_received' end",
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: part_id, amount, currency, status, ...row }) {
    if (status === "failed") return [];
    return [shareReceivedPosting({ ...row, part_id, amount: { amount, currency }, occurred_at: 0 })];
  },
});
