/** Whether money may enter and leave a merchant's account. Pure. */

/** A merchant's account: one of its books and a currency. */
export interface AccountKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

export interface Controls {
  readonly status: "open" | "closed";
  /** 止收: nothing begins to come in. */
  readonly credit_frozen: boolean;
  /** 止付: nothing begins to go out. */
  readonly debit_frozen: boolean;
  /** Whether frozen debits are refunds too. */
  readonly refunds_frozen: boolean;
}

/** Of an account that nobody has done anything to. */
export const NO_CONTROLS: Controls = {
  ...{ status: "open", credit_frozen: false, debit_frozen: false, refunds_frozen: false },
};

/** What stands against money that comes in, goes out, or goes back to payers. */
export type Stop = "account.closed" | "account.credit_frozen" | "account.debit_frozen";
export type Way = "credit" | "debit" | "refund";

/** Why money may not go that way, or undefined. */
export function stopOf(controls: Controls, way: Way): Stop | undefined {
  // What was paid into a closed account can still be refunded: late payments are booked there.
  if (controls.status === "closed" && way !== "refund") return "account.closed";
  if (way === "credit") return controls.credit_frozen ? "account.credit_frozen" : undefined;
  const isFrozen = way === "debit" ? controls.debit_frozen : controls.refunds_frozen;
  return isFrozen ? "account.debit_frozen" : undefined;
}
