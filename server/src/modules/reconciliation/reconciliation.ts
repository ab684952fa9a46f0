/** Types and state tables of reconciliation. Pure. Amounts in minor units, instants in epoch milliseconds. */
import type { BillKind } from "../../channels/contract.ts";
import type { Transitions } from "../../kit/state-machine.ts";

/**
 * A business day of a channel account. `waiting` for its bill; `fetched`: the file is here, and not read yet; `loaded`: its
 * lines are here, to be matched (again); `matched`: nothing holds it open; `open`: a case does.
 */
export const dayTransitions = {
  waiting: ["fetched", "loaded"],
  fetched: ["loaded", "waiting"],
  loaded: ["matched", "open"],
  matched: ["loaded", "open", "closed"],
  open: ["loaded", "matched", "closed"],
  // Immutable: what becomes known later is of a later day.
  closed: [],
} as const satisfies Transitions<DayState>;
export type DayState = "waiting" | "fetched" | "loaded" | "matched" | "open" | "closed";

export const differenceTypes = [
  /** The channel's line bears no number by which we could know it. */
  "channel_only",
  /** We have it, and no bill does. */
  "ours_only",
  "amount",
  "currency",
  /** What the channel took is not what it ought to. */
  "fee",
  /** One says that the money moved, the other does not. */
  "status",
  /** The same number twice. */
  "duplicate",
  /** The channel gave back what we do not know to have been given back. */
  "refund_missing",
  /** A number that was not given through this account. */
  "unknown_number",
  /** The two sides of a payment are on different days. */
  "cross_day",
  /** The two sides of a refund are. */
  "late_refund",
] as const;
export type DifferenceType = (typeof differenceTypes)[number];

/** `carried`: its pair may come on another day. */
export type DifferenceState = "carried" | "open" | "resolved";

/**
 * `healed`: the channel was asked, and confirmed it. `paired`: its other half came on another day. `booked`: within the
 * tolerance. `vanished`: another bill or another matching does not have it. `decided`: by people.
 */
export type Resolution = "healed" | "paired" | "booked" | "vanished" | "decided";

/** How an account is reconciled. */
export interface Rules {
  readonly channel_account_id: string;
  /** IANA name: whose days the channel's bills are of. */
  readonly time_zone: string;
  /** `YYYY-MM-DD`. */
  readonly first_day: string;
  readonly fetches: boolean;
  readonly fee_tolerance: bigint;
  readonly fee_tolerance_day: bigint;
  readonly carry_days: number;
  readonly case_limit: bigint;
  readonly late_hours: number;
}

/** A business day of an account. */
export interface DayKey {
  readonly channel_account_id: string;
  /** `YYYY-MM-DD`, in the channel's time zone. */
  readonly day: string;
}

export interface ReconciliationDay extends DayKey {
  readonly state: DayState;
  readonly due_at: number | null;
  readonly tries: number;
  readonly problem: string | null;
  readonly late_since: number | null;
  readonly totals: DayTotals | null;
  /** The last matching. */
  readonly run: string | null;
  readonly matched_at: number | null;
  /** UUIDs of the operators who agree that it closes whatever is open, and why. */
  readonly agreed_by: string | null;
  readonly approved_by: string | null;
  readonly agreed_reason: string | null;
}

/** A day as it was closed. */
export interface Closing extends DayKey {
  readonly closed_at: number;
  /** UUIDs of operators; null where it closed by itself. */
  readonly closed_by: string | null;
  readonly approved_by: string | null;
  readonly reason: string | null;
  /** JSON: figures, bills, differences. */
  readonly statement: string;
  readonly sha256: Buffer;
}

/** `bank`: a statement of the account into which the channel settles. */
export type ReconciledKind = BillKind | "bank";

export interface StoredBill extends DayKey {
  readonly id: string;
  readonly number: bigint;
  readonly kind: ReconciledKind;
  readonly version: number;
  readonly status: "current" | "replaced";
  readonly source: "fetched" | "uploaded" | "empty";
  readonly uploaded_by: string | null;
  readonly files: readonly BillFileRecord[];
  readonly sha256: Buffer | null;
  readonly lines: bigint;
  readonly rejected: bigint;
  readonly totals: readonly LineSum[];
  readonly created_at: number;
}

/** A file of a bill, in object storage. */
export interface BillFileRecord {
  readonly name: string | null;
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What lines of a kind come to; amounts as decimal text of minor units, so that JSON carries them. */
export interface LineSum {
  readonly entry: string;
  readonly status: string;
  readonly currency: string;
  readonly count: number;
  readonly amount: string;
  readonly fee: string;
}

/** Money of a day in one currency. Amounts as decimal text of minor units. */
export interface DayFigures {
  readonly currency: string;
  /** What the channel says: payments in, refunds out (negative), what it took. */
  readonly channel: SideFigures;
  /** What the books say. */
  readonly ours: SideFigures;
}

export interface SideFigures {
  readonly payments: { readonly count: number; readonly amount: string };
  readonly refunds: { readonly count: number; readonly amount: string };
  readonly fee: string;
}

export interface DayTotals {
  readonly figures: readonly DayFigures[];
  /** Lines that agree with the books in everything. */
  readonly matched: number;
  /** Lines of trade bills that are neither payments nor refunds, and that nothing of ours stands against. */
  readonly other_lines: number;
  readonly rejected_lines: number;
}

export interface Difference extends DayKey {
  readonly id: string;
  readonly subject: string;
  readonly layer: number;
  readonly side: "ours" | "channel" | "both";
  readonly type: DifferenceType;
  readonly state: DifferenceState;
  readonly resolution: Resolution | null;
  readonly merchant_id: string | null;
  readonly livemode: boolean;
  readonly entry: string;
  readonly our_id: string | null;
  readonly our_no: string | null;
  readonly original_id: string | null;
  readonly channel_trade_no: string | null;
  readonly file_no: number | null;
  readonly line_no: number | null;
  readonly currency: string;
  readonly channel_currency: string | null;
  readonly our_amount: bigint | null;
  readonly channel_amount: bigint | null;
  readonly our_fee: bigint | null;
  readonly channel_fee: bigint | null;
  readonly our_status: string | null;
  readonly channel_status: string | null;
  readonly at_risk: bigint;
  readonly occurred_at: number;
  readonly created_at: number;
  readonly asked_at: number | null;
  readonly asked_result: string | null;
  readonly resolved_at: number | null;
  readonly resolved_day: string | null;
  readonly pair_id: string | null;
  readonly case_id: string | null;
  /** What of it lies in suspense in the merchant's book. */
  readonly suspended: bigint;
}
