/** A case: differences that people look into. Pure. */
import type { Transitions } from "../../kit/state-machine.ts";
import type { ReconciliationPostingKind } from "../../ledger/index.ts";
import type { DayKey, DifferenceType } from "./reconciliation.ts";

export const caseTransitions = {
  open: ["proposed", "resolved"],
  // A second person decides; what is rejected is open again.
  proposed: ["open", "resolved"],
  resolved: ["open"],
} as const satisfies Transitions<CaseState>;
export type CaseState = "open" | "proposed" | "resolved";

/** What can be done with a case, and what it books of what lies in suspense. */
export const caseActions = {
  /** It is the merchant's: their pending balance pays, or gets it. */
  adjust: "difference_adjusted",
  /** The channel had too much, and the payer was paid back. */
  refund_payer: "difference_recovered",
  /** The channel owed it, and has paid. */
  claim: "difference_recovered",
  /** It is the platform's loss, or gain. */
  write_off: "difference_written_off",
  /** Nothing is to be done: it is explained, and what lies in suspense goes back where it was. */
  explain: null,
} as const satisfies Record<string, ReconciliationPostingKind | null>;
export type CaseAction = keyof typeof caseActions;

/** Whether a text names something that can be done with a case. */
export function isCaseAction(text: string): text is CaseAction {
  return Object.hasOwn(caseActions, text);
}

export interface ReconciliationCase extends DayKey {
  readonly id: string;
  readonly type: DifferenceType;
  readonly currency: string;
  readonly at_risk: bigint;
  /** How many it is about. */
  readonly differences: bigint;
  readonly state: CaseState;
  /** UUID of the operator who looks into it. */
  readonly owner_id: string | null;
  readonly action: CaseAction | null;
  readonly approval_id: string | null;
  readonly opened_at: number;
  readonly resolved_at: number | null;
  readonly outcome: "decided" | "gone" | null;
  readonly reopened: number;
}

export interface CaseComment {
  readonly case_id: string;
  readonly id: string;
  readonly author: string;
  readonly text: string;
  readonly attachment_name: string | null;
  readonly attachment_key: string | null;
  readonly created_at: number;
}
