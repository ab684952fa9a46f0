/** The accounts that a merchant sees, and the names they have outside. */
import type { AccountKind } from "../../ledger/index.ts";

export const shownAccounts = {
  /** Pooled: what the platform owes the merchant and has not settled. */
  merchant_pending: "pending",
  /** Pooled: settled, and the merchant's to draw. */
  merchant_available: "available",
  /** Pooled: held back against refunds and chargebacks until it is released. */
  merchant_reserve: "reserve",
  /** Pooled: frozen by the platform's operator. */
  merchant_frozen: "frozen",
  /** Pooled: set aside for payouts whose result is not known yet. */
  payout_in_transit: "payout_in_transit",
  /** Pooled: set aside for receivers of shares whose result is not known yet. */
  sharing_payable: "sharing_in_transit",
  /** Pooled: set aside for refunds whose result is not known yet. */
  refund_in_transit: "refund_in_transit",
  /** Direct: fees the merchant owes; negative when refunds gave back more. */
  service_fee_receivable: "service_fee_due",
  /** Direct: paid in advance for fees. */
  service_fee_prepaid: "service_fee_prepaid",
  /** Direct: what channels collected for the merchant's own accounts, less refunds. */
  direct_collected: "collected_directly",
} as const satisfies Partial<Record<AccountKind, string>>;

export type ShownKind = keyof typeof shownAccounts;
export type ShownName = (typeof shownAccounts)[ShownKind];

export const shownKinds = Object.keys(shownAccounts) as ShownKind[];
export const shownNames = Object.values(shownAccounts) as ShownName[];

/** The ledger's kinds behind a name, or behind all. */
export function kindsOf(name: ShownName | undefined): ShownKind[] {
  return name === undefined ? shownKinds : shownKinds.filter((kind) => shownAccounts[kind] === name);
}

/** Whether a merchant sees an account of this kind. */
export function isShown(kind: AccountKind): kind is ShownKind {
  return Object.hasOwn(shownAccounts, kind);
}
