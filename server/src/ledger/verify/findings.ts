/** What a verification looked at and what it found wrong. */

export type DifferenceCode =
  /** A transaction's number is missing in its book, or comes after the book's last. */
  | "number_gap"
  /** A transaction's entries do not sum to zero in a currency. */
  | "unbalanced"
  /** An entry's balance after is not the balance before plus its amount. */
  | "broken_chain"
  /** A book's balance is not that of its entries. */
  | "wrong_balance"
  /** A balance is below its minimum. */
  | "below_minimum"
  /** An entry or book names an account that is not described, or described as another. */
  | "wrong_account"
  /** A transaction has no book. */
  | "no_book"
  /** A payment or refund lacks a transaction. */
  | "missing_posting"
  /** A transaction has no payment or refund that calls for it. */
  | "unexpected_posting"
  /** A transaction is not what its payment or refund calls for. */
  | "wrong_posting"
  /** A payment's refunded or refunding amount is not that of its refunds. */
  | "wrong_refund_total"
  /** A payment's shared amount is not that of its parts. */
  | "wrong_share_total"
  /** A succeeded payment does not name a succeeded attempt of its own amount. */
  | "wrong_winner"
  /** Settlements of a merchant leave transactions out or overlap, or what one left over is not taken up by the next. */
  | "wrong_range"
  /** A settlement is not what the books say was pending. */
  | "wrong_settlement"
  /** A promotion has counted other attempts than hold places in its quota. */
  | "wrong_quota"
  /** Reserves do not explain what is held back, or their settlements, releases and refunds say otherwise. */
  | "wrong_reserve"
  /** Of a frozen amount another sum is said to be released than its releases make. */
  | "wrong_release"
  /** A settlement of commission is not what the books say was earned, or its two sides differ. */
  | "wrong_commission"
  /** A service fee invoice is not what the books say became due, or not paid as its payments say. */
  | "wrong_invoice"
  /** A transaction is not the one that it takes back with sides exchanged. */
  | "wrong_reversal";

export interface Difference {
  code: DifferenceCode;
  merchant_id: string;
  /** One sentence that says what is wrong and where. */
  sentence: string;
}

/** What findings count. */
const nothing = {
  books: 0,
  accounts: 0,
  transactions: 0,
  entries: 0,
  payments: 0,
  attempts: 0,
  refunds: 0,
  settlements: 0,
  reserve_releases: 0,
  account_operations: 0,
  payouts: 0,
  commission_parts: 0,
  commission_settlements: 0,
  shares: 0,
  reconciliation_postings: 0,
  service_fee_invoices: 0,
  service_fee_payments: 0,
  service_fee_deposits: 0,
};

export type Counted = keyof typeof nothing;

export interface Findings extends Record<Counted, number> {
  /** All differences; `differences` shows the first of them. */
  difference_count: number;
  differences: Difference[];
}

const DIFFERENCES_SHOWN_MAX = 1_000;

/** Nothing looked at and nothing found yet. */
export function createFindings(): Findings {
  return { ...nothing, difference_count: 0, differences: [] };
}

/** Adds a difference. */
export function report(findings: Findings, code: DifferenceCode, merchant_id: string, sentence: string): void {
  findings.difference_count += 1;
  if (findings.differences.length < DIFFERENCES_SHOWN_MAX) findings.differences.push({ code, merchant_id, sentence });
}
