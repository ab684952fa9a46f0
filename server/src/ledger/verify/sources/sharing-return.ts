import type { FundingMode } from "../../templates/payment.ts";
import { type SharingMode, shareReturnedPosting, sharingReturnedPosting } from "../../templates/sharing.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface ReturnRow extends SourceRow {
  channel_account_id: string;
  funding_mode: FundingMode;
  mode: SharingMode;
  amount: bigint;
  currency: string;
}

/** What receivers gave back, in the books of those who had shared. What a refund carries is booked with the refund. */
export const sharingReturns = checkSource<ReturnRow>({
  noun: "sharing_return",
  counted: "shares",
  kinds: ["sharing_return_succeeded"],
  from: `sharing_returns s
    join sharing_parts p on p.merchant_id = s.merchant_id and p.id = s.part_id
    join sharing_orders o on o.merchant_id = s.merchant_id and o.id = s.order_id`,
  where: "not s.carried",
  columns: "s.status, o.channel_account_id, o.funding_mode, p.mode, s.amount, s.currency",
  calls_for: "case when s.status = 'succeeded' then 'sharing_return_succeeded' end",
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: return_id, amount, currency, ...row }) {
    const given = { ...row, return_id, amount: { amount, currency }, occurred_at: 0 };
    return row.status === "succeeded" ? [sharingReturnedPosting(given)] : [];
  },
});

interface GivenBackRow extends SourceRow {
  amount: bigint;
  currency: string;
  /** As the row says, or as it was booked while the row does not know yet. */
  from_available: bigint;
}

/** The same in the books of receivers who are merchants of the platform. While it is open, their book may be ahead. */
export const givenBackShares = checkSource<GivenBackRow>({
  noun: "sharing_return",
  name: "given_back_share",
  counted: "shares",
  kinds: ["share_returned"],
  from: `(select p.receiver_merchant_id as merchant_id, r.id, r.livemode, r.status, r.amount, r.currency, r.from_available,
      r.created_at, r.finished_at
    from sharing_returns r join sharing_parts p on p.merchant_id = r.merchant_id and p.id = r.part_id
    where p.receiver_merchant_id is not null) s`,
  columns: `s.status, s.amount, s.currency, case when s.status in ('succeeded', 'failed') then s.from_available else (
      select coalesce(-sum(e.amount), 0)::bigint from ledger_entries e
      where e.merchant_id = s.merchant_id and e.source_id = s.id and e.transaction_kind = 'share_returned'
        and e.account_kind = 'merchant_available') end as from_available`,
  calls_for: "case when s.status = 'succeeded' then 'share_returned' end",
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: return_id, amount, currency, status, ...row }) {
    if (status === "failed") return [];
    return [shareReturnedPosting({ ...row, return_id, amount: { amount, currency }, occurred_at: 0 })];
  },
});
