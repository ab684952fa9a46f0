/**
 * Why a posting could not be written. These are faults of the program that posts, never of a caller of the API: an
 * expected shortfall is a value (`on_shortfall: "refuse"`).
 */
export type LedgerFault =
  /** Its lines do not sum to zero, or one is not above zero. */
  | "unbalanced"
  /** Its natural key is taken by a transaction with another content. */
  | "conflict"
  /** What it reverses does not exist, or its lines are not that transaction's with sides exchanged. */
  | "no_reversal"
  /** A balance would fall below its minimum although the posting had to succeed. */
  | "shortfall";

/** A posting that cannot be written; the transaction that tried must be given up. */
export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly fault: LedgerFault;

  constructor(fault: LedgerFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
