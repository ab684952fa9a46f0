/** The wire shapes of reconciliation, for the operator's API, the command line and events. */
import { toRfc3339 } from "../../kit/clock.ts";
import { encodeUuid, publicId } from "../../kit/id.ts";
import type { CaseComment, ReconciliationCase } from "./case.ts";
import type { DifferenceCount } from "./difference-store.ts";
import type { Closing, Difference, ReconciliationDay, StoredBill } from "./reconciliation.ts";

const instant = (at: number | null) => (at === null ? null : toRfc3339(at));
const personOf = (id: string | null | undefined) => (id ? publicId("user", id) : null);
const amount = (value: bigint | null) => (value === null ? null : Number(value));

/** A case. */
export function presentCase(c: ReconciliationCase) {
  return {
    id: publicId("reconciliation_case", c.id),
    object: "reconciliation_case" as const,
    channel_account: publicId("channel_account", c.channel_account_id),
    day: c.day,
    type: c.type,
    currency: c.currency,
    at_risk: Number(c.at_risk),
    differences: Number(c.differences),
    state: c.state,
    owner: c.owner_id === null ? null : publicId("user", c.owner_id),
    action: c.action,
    approval: c.approval_id === null ? null : publicId("approval", c.approval_id),
    outcome: c.outcome,
    reopened: c.reopened,
    opened_at: toRfc3339(c.opened_at),
    resolved_at: instant(c.resolved_at),
  };
}

/** A comment of a case. */
export function presentComment(comment: CaseComment) {
  const { author, text, attachment_name, created_at } = comment;
  return {
    object: "reconciliation_comment" as const,
    author,
    text,
    attachment: attachment_name,
    created_at: toRfc3339(created_at),
  };
}

/** A difference. `number` is ours, as the channel knows it. */
export function presentDifference(d: Difference) {
  return {
    id: publicId("reconciliation_difference", d.id),
    object: "reconciliation_difference" as const,
    day: d.day,
    layer: d.layer,
    side: d.side,
    type: d.type,
    state: d.state,
    resolution: d.resolution,
    entry: d.entry,
    number: d.our_id === null ? d.our_no : encodeUuid(d.our_id),
    channel_trade_no: d.channel_trade_no,
    line: d.line_no,
    merchant: d.merchant_id === null ? null : publicId("merchant", d.merchant_id),
    currency: d.currency,
    ours: { amount: amount(d.our_amount), fee: amount(d.our_fee), status: d.our_status },
    channel: { amount: amount(d.channel_amount), fee: amount(d.channel_fee), status: d.channel_status },
    at_risk: Number(d.at_risk),
    occurred_at: toRfc3339(d.occurred_at),
    asked: d.asked_result,
    resolved_day: d.resolved_day,
    case: d.case_id === null ? null : publicId("reconciliation_case", d.case_id),
  };
}

/** A bill as it was loaded. */
export function presentBill(bill: StoredBill) {
  return {
    id: publicId("reconciliation_bill", bill.id),
    object: "reconciliation_bill" as const,
    kind: bill.kind,
    version: bill.version,
    status: bill.status,
    source: bill.source,
    sha256: bill.sha256?.toString("hex") ?? null,
    lines: Number(bill.lines),
    rejected: Number(bill.rejected),
    totals: bill.totals.map((sum) => ({ ...sum, amount: Number(sum.amount), fee: Number(sum.fee) })),
    created_at: toRfc3339(bill.created_at),
  };
}

/** A day, with what was found on it, added up. */
export function presentDay(day: ReconciliationDay, counts: readonly DifferenceCount[], closing: Closing | undefined) {
  const summed = counts.map((one) => ({ ...one, count: Number(one.count), at_risk: Number(one.at_risk) }));
  return {
    object: "reconciliation_day" as const,
    channel_account: publicId("channel_account", day.channel_account_id),
    day: day.day,
    state: day.state,
    problem: day.problem,
    matched: day.totals?.matched ?? null,
    rejected_lines: day.totals?.rejected_lines ?? null,
    other_lines: day.totals?.other_lines ?? null,
    figures: (day.totals?.figures ?? []).map(({ currency, channel, ours }) => ({
      currency,
      channel: presentSide(channel),
      ours: presentSide(ours),
    })),
    differences: summed,
    matched_at: instant(day.matched_at),
    closed_at: instant(closing?.closed_at ?? null),
    closed_by: personOf(closing?.closed_by),
    approved_by: personOf(closing?.approved_by),
    reason: closing?.reason ?? null,
    closing_sha256: closing?.sha256.toString("hex") ?? null,
  };
}

function presentSide({ payments, refunds, fee }: NonNullable<ReconciliationDay["totals"]>["figures"][number]["ours"]) {
  return {
    payments: { count: payments.count, amount: Number(payments.amount) },
    refunds: { count: refunds.count, amount: Number(refunds.amount) },
    fee: Number(fee),
  };
}
