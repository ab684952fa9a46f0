/** The wire shapes of settlements of commission. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { CommissionSettlement } from "./settlement.ts";
import type { StatementLine } from "./store.ts";

/** A month as the API shows it. */
export function presentCommissionSettlement(s: CommissionSettlement) {
  return {
    id: publicId("commission_settlement", s.id),
    object: "commission_settlement" as const,
    agent: publicId("agent", s.merchant_id),
    livemode: s.livemode,
    currency: s.currency,
    month: s.month,
    status: s.status,
    total: Number(s.total),
    brought_forward: Number(s.brought_forward),
    amount: Number(s.amount),
    carried_forward: Number(s.carried_forward),
    merchant_count: s.members.length,
    ends_at: toRfc3339(s.ends_at),
    settled_at: s.settled_at === null ? null : toRfc3339(s.settled_at),
    created_at: toRfc3339(s.created_at),
  };
}

/** A line of a month's statement: one merchant and method. */
export function presentLine(line: StatementLine, names: ReadonlyMap<string, string>) {
  return {
    object: "commission_line" as const,
    merchant: publicId("merchant", line.merchant_id),
    merchant_name: names.get(line.merchant_id) ?? null,
    method: line.method === "" ? null : line.method,
    payments: { count: Number(line.payment_count), amount: Number(line.payment_amount) },
    refunds: { count: Number(line.refund_count), amount: Number(line.refund_amount) },
    earned: Number(line.earned),
    returned: Number(line.returned),
    commission: Number(line.earned + line.returned),
  };
}
