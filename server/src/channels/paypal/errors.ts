/** What PayPal's refusals mean, by operation. Codes are the `issue` of a refusal, or its `name` where it has none. */
import type { RefusalTable } from "../refusal.ts";

/** The credentials or the account itself are refused: nothing was done, and another account may take the order. */
const refusedHere = {
  invalid_client: "failed_here",
  NOT_AUTHORIZED: "failed_here",
  PERMISSION_DENIED: "failed_here",
  PAYEE_ACCOUNT_INVALID: "failed_here",
  PAYEE_ACCOUNT_LOCKED_OR_CLOSED: "failed_here",
  PAYEE_ACCOUNT_NOT_SUPPORTED: "failed_here",
  PAYEE_ACCOUNT_NOT_VERIFIED: "failed_here",
  PAYEE_ACCOUNT_RESTRICTED: "failed_here",
  PAYEE_NOT_CONSENTED: "failed_here",
  CURRENCY_NOT_SUPPORTED_FOR_COUNTRY: "failed_here",
} as const;

/** Creating an order: what is refused was not created. */
export const payRefusals: RefusalTable<"failed" | "failed_here"> = {
  ...refusedHere,
  AMOUNT_MISMATCH: "failed",
  CANNOT_BE_NEGATIVE: "failed",
  CANNOT_BE_ZERO_OR_NEGATIVE: "failed",
  CURRENCY_NOT_SUPPORTED: "failed",
  DECIMALS_NOT_SUPPORTED: "failed",
  DECIMAL_PRECISION: "failed",
  INVALID_CURRENCY_CODE: "failed",
  INVALID_PARAMETER_SYNTAX: "failed",
  INVALID_PARAMETER_VALUE: "failed",
  INVALID_STRING_LENGTH: "failed",
  INVALID_STRING_MAX_LENGTH: "failed",
  MAX_VALUE_EXCEEDED: "failed",
  MISSING_REQUIRED_PARAMETER: "failed",
};

/** Reading an order, by PayPal's own number of it. */
export const queryRefusals: RefusalTable<"not_found"> = {
  INVALID_RESOURCE_ID: "not_found",
  RESOURCE_NOT_FOUND: "not_found",
};

/**
 * Capturing: `waiting` means that no money moved and that the payer may approve again, by another instrument.
 * `captured` means that somebody was faster: the order tells.
 */
export const captureRefusals: Readonly<Record<string, "waiting" | "captured" | "duplicate" | "not_found">> = {
  INSTRUMENT_DECLINED: "waiting",
  MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED: "waiting",
  ORDER_NOT_APPROVED: "waiting",
  PAYER_ACCOUNT_LOCKED_OR_CLOSED: "waiting",
  PAYER_ACCOUNT_RESTRICTED: "waiting",
  PAYER_ACTION_REQUIRED: "waiting",
  PAYER_CANNOT_PAY: "waiting",
  REDIRECT_PAYER_FOR_ALTERNATE_FUNDING: "waiting",
  TRANSACTION_BLOCKED_BY_PAYEE: "waiting",
  TRANSACTION_LIMIT_EXCEEDED: "waiting",
  TRANSACTION_REFUSED: "waiting",
  ORDER_ALREADY_CAPTURED: "captured",
  // Another order of the same number has been captured.
  DUPLICATE_INVOICE_ID: "duplicate",
  INVALID_RESOURCE_ID: "not_found",
  RESOURCE_NOT_FOUND: "not_found",
};

/** Refunding: what is refused moved nothing. A capture that is not found may not be PayPal's last word. */
export const refundRefusals: RefusalTable<"failed"> = {
  CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED: "failed",
  CAPTURE_FULLY_REFUNDED: "failed",
  CAPTURE_STATUS_NOT_VALID: "failed",
  DECIMALS_NOT_SUPPORTED: "failed",
  DECIMAL_PRECISION: "failed",
  MAX_NUMBER_OF_REFUNDS_EXCEEDED: "failed",
  PARTIAL_REFUND_NOT_ALLOWED: "failed",
  REFUND_AMOUNT_EXCEEDED: "failed",
  REFUND_AMOUNT_TOO_LOW: "failed",
  REFUND_CAPTURE_CURRENCY_MISMATCH: "failed",
  REFUND_FAILED_INSUFFICIENT_FUNDS: "failed",
  REFUND_IS_RESTRICTED: "failed",
  REFUND_NOT_ALLOWED: "failed",
  REFUND_TIME_LIMIT_EXCEEDED: "failed",
};

/** Trying an account: no such order is what a good one hears. */
export const connectionRefusals: RefusalTable<"not_found" | "failed"> = {
  ...queryRefusals,
  invalid_client: "failed",
  NOT_AUTHORIZED: "failed",
  PERMISSION_DENIED: "failed",
};

/** Listing transactions. A token of before the app was given the permission for it lacks it for some hours. */
export const billRefusals: Readonly<Record<string, "too_many" | "failed">> = {
  RESULTSET_TOO_LARGE: "too_many",
  invalid_client: "failed",
  NOT_AUTHORIZED: "failed",
  PERMISSION_DENIED: "failed",
};
