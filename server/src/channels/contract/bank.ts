/** Lines of a bank's statement, whatever the bank: what the third side of a reconciliation is made of. */

/** Amounts are minor units, signed: in is above zero. */
export interface BankLine {
  /** From 1, in its file. */
  readonly line_no: number;
  /** Epoch milliseconds; a day without a time is its beginning in the mapping's time zone. */
  readonly booked_at: number;
  readonly amount: bigint;
  readonly currency: string;
  /** The bank's own number of the movement. */
  readonly bank_no: string | null;
  readonly counterparty_name: string | null;
  readonly counterparty_account: string | null;
  /** What the payer or we wrote into it: where our numbers and the channels' are looked for. */
  readonly reference: string | null;
  readonly balance_after: bigint | null;
}
