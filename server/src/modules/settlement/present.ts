/** The wire shapes of settlements and their items. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { PendingChange } from "../../ledger/index.ts";
import { entryId, presentSource } from "../balance/index.ts";
import { itemTypeOf, type Settlement } from "./settlement.ts";

/** A settlement as the API and events show it; its parts sum to its amount. */
export function presentSettlement(settlement: Settlement) {
  const s = settlement;
  return {
    id: publicId("settlement", s.id),
    object: "settlement" as const,
    livemode: s.livemode,
    status: s.status,
    currency: s.currency,
    amount: Number(s.amount),
    reserved: Number(s.reserved_amount),
    brought_forward: Number(s.brought_forward),
    payments: { count: Number(s.payment_count), amount: Number(s.payment_amount) },
    refunds: { count: Number(s.refund_count), amount: Number(s.refund_amount) },
    shares: { count: Number(s.share_count), amount: Number(s.share_amount) },
    freezes: { count: Number(s.freeze_count), amount: Number(s.freeze_amount) },
    adjustments: { count: Number(s.adjustment_count), amount: Number(s.adjustment_amount) },
    fees: Number(s.fee_amount),
    from_available: Number(s.from_available),
    from_reserve: Number(s.from_reserve),
    carried_forward: Number(s.carried_forward),
    cycle: s.cycle,
    cut_off_at: toRfc3339(s.cut_off_at),
    created_at: toRfc3339(s.created_at),
  };
}

/** What a merchant knows a payment or refund by. */
export interface ItemNumbers {
  payment_id: string;
  out_trade_no: string;
  out_refund_no: string | null;
}

/** One payment, refund or correction of a settlement. Its id is that of its balance entry. */
export function presentItem(livemode: boolean, currency: string, change: PendingChange, numbers?: ItemNumbers) {
  const { amount, fee, from_available, from_reserve } = change;
  return {
    id: entryId(change),
    object: "settlement_item" as const,
    livemode,
    type: itemTypeOf(change.kind),
    currency,
    amount: Number(amount),
    fee: Number(fee),
    from_available: Number(from_available),
    from_reserve: Number(from_reserve),
    net: Number(amount + fee + from_available + from_reserve),
    source: presentSource(change.kind, change.source_id),
    payment: numbers ? publicId("payment", numbers.payment_id) : null,
    out_trade_no: numbers?.out_trade_no ?? null,
    out_refund_no: numbers?.out_refund_no ?? null,
    created_at: toRfc3339(change.occurred_at),
  };
}
