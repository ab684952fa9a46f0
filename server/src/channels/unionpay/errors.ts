/**
 * What UnionPay's codes tell about an order (平台接入接口规范, 应答码), per operation. A code that is missing here tells
 * nothing certain: 01 and 60 among them, which UnionPay asks to query first, and 42, 74 and 75, by which money has moved.
 */
import type { UnknownReason } from "../contract.ts";
import type { RefusalMeaning, RefusalTable } from "../refusal.ts";

/** The request was accepted; in a query, as `origRespCode`, the transaction went through. */
export const ACCEPTED = "00";

/** Taken, and not yet done. */
export const UNDER_WAY = "05";

/** A transaction that went through: 00, and A6, a success with a flaw that does not concern the merchant. */
export const paidCodes: ReadonlySet<string> = new Set([ACCEPTED, "A6"]);

/** Of any request: UnionPay does not know, or does not serve now. */
export const unknownCodes: Readonly<Record<string, UnknownReason>> = {
  "02": "system_error",
  "03": "system_error",
  "04": "system_error",
  "05": "system_error",
  "06": "system_error",
  "37": "rate_limited",
  "83": "system_error",
};

/** A request that was not carried out, whatever was asked. It tells nothing about an earlier one with its number. */
const malformed = { "10": "failed", "13": "failed" } as const;

/** Likewise, for a reason of the account: its signature, its state at UnionPay, its permissions. */
const accountRefused = { "11": "failed_here", "31": "failed_here", "32": "failed_here", "43": "failed_here" } as const;

/** The payer's bank, or UnionPay's risk control, said no. */
const declined = {
  "30": "failed",
  "33": "failed",
  "38": "failed",
  "39": "failed",
  "44": "failed",
  "61": "failed",
  "62": "failed",
  "63": "failed",
  "64": "failed",
  "65": "failed",
  "66": "failed",
  "67": "failed",
  "68": "failed",
  "69": "failed",
  "71": "failed",
  "72": "failed",
  "73": "failed",
  "76": "failed",
  "77": "failed",
  "78": "failed",
  "80": "failed",
  "81": "failed",
  "82": "failed",
  "85": "failed",
  "86": "failed",
  "87": "failed",
  "88": "failed",
} as const;

/** Starting a payment. */
export const payRefusals = {
  ...malformed,
  ...accountRefused,
  ...declined,
  // The number is already at UnionPay, by an earlier call whose answer was lost, or with other particulars.
  "12": "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

/** A query that was refused. */
export const queryRefusals = { "34": "not_found" } as const satisfies RefusalTable<RefusalMeaning>;

/** Trying the account by a query for an order that cannot exist: 34 is the good answer. */
export const connectionRefusals = {
  ...queryRefusals,
  ...malformed,
  ...accountRefused,
} as const satisfies RefusalTable<RefusalMeaning>;

/** There is no file of that day: too early, or nothing went through. */
export const NO_FILE = "98";

/** Asking for a bill. */
export const billRefusals = { ...malformed, ...accountRefused } as const satisfies RefusalTable<RefusalMeaning>;

/** Exchanging a payer's code: nothing moves, so that any refusal is one. */
export const identityRefusals = {
  ...malformed,
  ...accountRefused,
  "01": "failed",
  "12": "failed",
  "34": "failed",
  "35": "failed",
  "36": "failed",
  "39": "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

/** How the transaction that a query found has ended, where it did not go through. */
export const endings = {
  ...declined,
  "01": "failed",
  "60": "failed",
  "46": "closed",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Reversing a code payment. 35 and 39 say that it cannot be reversed (any more), not what became of it: the query tells. */
export const reversalRefusals = {
  "34": "not_found",
  "35": "already_paid",
  "39": "already_paid",
  "45": "closed",
  "46": "closed",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Refunds and undos: what was not carried out tells nothing about an earlier request, and is not listed. */
export const refundRefusals = {
  "12": "duplicate",
  "30": "failed",
  "33": "failed",
  "35": "failed",
  "36": "failed",
  "38": "failed",
  "39": "failed",
  "45": "failed",
  "46": "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

/** How a refund that a query found has ended, where it did not go through. */
export const refundEndings = {
  ...declined,
  "01": "failed",
  "35": "failed",
  "36": "failed",
  "45": "failed",
  "46": "failed",
  "60": "failed",
} as const satisfies RefusalTable<RefusalMeaning>;
