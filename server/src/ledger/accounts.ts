/**
 * The chart of accounts, as data. Every merchant's book has its own set, opened when first posted to; platform-side
 * accounts are kept per merchant too and summed on reading, so that no account is shared between merchants.
 */
import { createHash } from "node:crypto";
import { currencyExponent } from "../kit/money.ts";

export type Side = "debit" | "credit";

interface AccountDefinition {
  /** The side on which the balance grows. */
  readonly side: Side;
  /** The lowest balance, enforced by the database; null is none. */
  readonly minimum: bigint | null;
  /** What there is one account for each of; null is one for the book. */
  readonly per: "channel_account" | "agent" | null;
  /** Whether the booking of a succeeded payment moves it; the entries of others are found by an index. */
  readonly moved_by_payments: boolean;
}

/** Every kind of account, with what its balance means. */
export const accountKinds = {
  /** Pooled: what a channel has collected and owes the platform. Negative when refunds exceed what it still holds. */
  channel_receivable: { side: "debit", minimum: null, per: "channel_account", moved_by_payments: true },
  /** Pooled: what the platform owes the merchant and has not settled. Below zero only by an agreed credit line. */
  merchant_pending: { side: "credit", minimum: 0n, per: null, moved_by_payments: true },
  /** Pooled: settled, and the merchant's to draw. Refunds that `merchant_pending` cannot pay draw on it. */
  merchant_available: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Pooled: settled, but held back against refunds and chargebacks until it is released. */
  merchant_reserve: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Pooled: frozen by an operator; the merchant's, and not to be drawn. */
  merchant_frozen: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Pooled: taken from the merchant for payouts whose result is not known yet. */
  payout_in_transit: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Pooled: taken from the merchant for receivers of shares whose result is not known yet. */
  sharing_payable: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Pooled: taken from the merchant for refunds whose result is not known yet. */
  refund_in_transit: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Pooled: owed back to payers who paid twice. */
  duplicate_payable: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** What the platform earns from this merchant, in both modes. */
  fee_income: { side: "credit", minimum: null, per: null, moved_by_payments: true },
  /** Pooled: what channels have charged the platform for this merchant's payments. */
  channel_cost: { side: "debit", minimum: null, per: null, moved_by_payments: true },
  /** What the platform's own bank accounts hold of this book's money: pooled money, and service fees that were paid. */
  bank: { side: "debit", minimum: null, per: null, moved_by_payments: false },
  /** What this book owes to other books of the platform; over all books the sum is zero. */
  interbook: { side: "credit", minimum: null, per: null, moved_by_payments: false },
  /** What agents earn of the platform's fees from this merchant. */
  commission_expense: { side: "debit", minimum: null, per: null, moved_by_payments: true },
  /** By agent: commission owed and not settled. Negative when refunds took back what was settled. */
  commission_payable: { side: "credit", minimum: null, per: "agent", moved_by_payments: true },
  /** What operators gave the merchant by hand, less what they took. */
  adjustment_expense: { side: "debit", minimum: null, per: null, moved_by_payments: false },
  /** Differences with a channel or a bank that are being looked into: what we miss, less what we have too much. */
  reconciliation_suspense: { side: "debit", minimum: null, per: null, moved_by_payments: false },
  /** Differences that were given up. */
  reconciliation_loss: { side: "debit", minimum: null, per: null, moved_by_payments: false },
  /** Direct: paid in advance for fees. */
  service_fee_prepaid: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Direct: fees the merchant owes. Negative when fees of paid bills came back with refunds. */
  service_fee_receivable: { side: "debit", minimum: null, per: null, moved_by_payments: true },
  /** Direct, a memo (the money never passes the platform): what a channel collected for the merchant, less refunds. */
  direct_collected: { side: "debit", minimum: null, per: "channel_account", moved_by_payments: true },
  /** Direct, a memo: turnover, the other side of what was collected. */
  direct_turnover: { side: "credit", minimum: null, per: null, moved_by_payments: true },
  /** Direct, a memo: refunds whose result is not known yet. */
  direct_refund_in_transit: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
  /** Direct, a memo: what the merchant's channel account holds of payers who paid twice. */
  direct_duplicate_payable: { side: "credit", minimum: 0n, per: null, moved_by_payments: false },
} as const satisfies Record<string, AccountDefinition>;

export type AccountKind = keyof typeof accountKinds;

/** The scope of accounts of which a book has one. */
export const NO_SCOPE = "00000000-0000-0000-0000-000000000000";

/** One account of a book. There is one object for each, so accounts may be compared with `===`. */
export interface Account {
  /** Decimal text of the bigint by which books and entries name it; negative for a credit account. */
  readonly id: string;
  readonly kind: AccountKind;
  readonly currency: string;
  /** The uuid of the channel account or agent that it is kept for, or `NO_SCOPE`. */
  readonly scope: string;
  readonly side: Side;
  readonly minimum: bigint | null;
}

/** By scope, currency and kind: three look-ups cost less than making a joint key, and this runs for every line. */
const known = new Map<string, Map<string, Map<AccountKind, Account>>>();

/**
 * The account of a kind and currency; `scope` where the kind has one for each channel account or agent, and only there.
 * Throws for a missing or superfluous scope and for an unknown currency.
 */
export function accountOf(kind: AccountKind, currency: string, scope: string = NO_SCOPE): Account {
  const account = known.get(scope)?.get(currency)?.get(kind);
  return account ?? makeAccount(kind, currency, scope);
}

function makeAccount(kind: AccountKind, currency: string, scope: string): Account {
  currencyExponent(currency);
  const { side, minimum, per } = accountKinds[kind];
  if ((per === null) !== (scope === NO_SCOPE)) {
    throw new Error(per === null ? `${kind} is one for the book` : `${kind} is one for each ${per}`);
  }
  const id = accountId(`${kind}:${currency}:${scope}`, side);
  const account: Account = { id, kind, currency, scope, side, minimum };
  const ofScope = known.get(scope) ?? new Map<string, Map<AccountKind, Account>>();
  const ofCurrency = ofScope.get(currency) ?? new Map<AccountKind, Account>();
  known.set(scope, ofScope.set(currency, ofCurrency.set(kind, account)));
  return account;
}

/** The first 63 bits of SHA-256, signed by the side. Pure, so no book needs to be asked for an account's id. */
function accountId(key: string, side: Side): string {
  const digits = createHash("sha256").update(key).digest().readBigUInt64BE() >> 1n;
  return String(side === "debit" ? digits : -digits);
}

/** Whether a text read from the database names a kind of account. */
export function isAccountKind(kind: string): kind is AccountKind {
  return Object.hasOwn(accountKinds, kind);
}
