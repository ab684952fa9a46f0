/** Batches of payouts from a file: what they are. Pure. Amounts in minor units, instants in epoch milliseconds. */
import type { Transitions } from "../../kit/state-machine.ts";

/**
 * `invalid` has lines that must be corrected in the file, `ready` waits for its confirmation; `confirmed` is being made into
 * payouts, line by line, and `finished` when each line is a payout or has failed.
 */
export const batchTransitions = {
  invalid: ["cancelled"],
  ready: ["confirmed", "cancelled"],
  confirmed: ["finished"],
  finished: [],
  cancelled: [],
} as const satisfies Transitions<BatchStatus>;
export type BatchStatus = "invalid" | "ready" | "confirmed" | "finished" | "cancelled";

export interface PayoutBatch {
  readonly merchant_id: string;
  readonly id: string;
  readonly app_id: string;
  readonly livemode: boolean;
  readonly currency: string;
  readonly file_name: string | null;
  readonly file_hash: Buffer;
  readonly status: BatchStatus;
  readonly line_count: number;
  readonly error_count: number;
  readonly transfer_amount: bigint;
  readonly fee_amount: bigint;
  readonly created_by: string;
  readonly confirmed_by: string | null;
  readonly created_at: number;
  readonly confirmed_at: number | null;
  readonly finished_at: number | null;
}

/** What is wrong with a line: in which column, and what to do about it. */
export interface LineProblem {
  readonly column: string;
  readonly problem: string;
}

export interface BatchLine {
  readonly merchant_id: string;
  readonly batch_id: string;
  /** As the file counts, its heading included. */
  readonly line: number;
  readonly out_payout_no: string | null;
  readonly amount: bigint | null;
  readonly beneficiary_id: string | null;
  readonly title: string | null;
  readonly problems: readonly LineProblem[];
  readonly payout_id: string | null;
  readonly failure_code: string | null;
  readonly failure_message: string | null;
}

export const LINES_MAX = 10_000;
