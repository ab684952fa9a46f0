/** The wire shapes of batches and their lines. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { BatchLine, PayoutBatch } from "./batch.ts";
import type { readProgress } from "./batch-store.ts";

const at = (instant: number | null) => (instant === null ? null : toRfc3339(instant));

/** A batch as the API shows it. */
export function presentBatch(b: PayoutBatch, progress: Awaited<ReturnType<typeof readProgress>> = []) {
  return {
    id: publicId("payout_batch", b.id),
    object: "payout_batch" as const,
    livemode: b.livemode,
    status: b.status,
    currency: b.currency,
    file_name: b.file_name,
    lines: b.line_count,
    bad_lines: b.error_count,
    transfer_amount: Number(b.transfer_amount),
    fee: Number(b.fee_amount),
    progress: progress.map(({ status, count, amount }) => ({ status, lines: Number(count), amount: Number(amount) })),
    created_by: b.created_by,
    confirmed_by: b.confirmed_by,
    created_at: toRfc3339(b.created_at),
    confirmed_at: at(b.confirmed_at),
    finished_at: at(b.finished_at),
  };
}

/** A line of the file, what is wrong with it, and what became of it. */
export function presentLine(l: BatchLine) {
  return {
    line: l.line,
    out_payout_no: l.out_payout_no,
    amount: l.amount === null ? null : Number(l.amount),
    beneficiary: l.beneficiary_id === null ? null : publicId("beneficiary", l.beneficiary_id),
    title: l.title,
    problems: [...l.problems],
    payout: l.payout_id === null ? null : publicId("payout", l.payout_id),
    failure: l.failure_code === null ? null : { code: l.failure_code, message: l.failure_message ?? "" },
  };
}
