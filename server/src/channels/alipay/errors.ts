/**
 * What Alipay's codes tell about a trade or a refund, per operation: business sub_codes of 40004, which are signed, and
 * the gateway's 4000x, which may not be. A code that is missing here tells nothing certain.
 */
import { interpretRefusal, type RefusalMeaning, type RefusalTable } from "../refusal.ts";

/**
 * The gateway did not carry the call out. It is the account's affair when a token, a permission, a key or a certificate is
 * wrong; a parameter that is missing or bad may be the order's.
 */
const gatewayRefusals = {
  "20001": "failed_here",
  "40001": "failed",
  "40002": "failed",
  "40003": "failed_here",
  "40006": "failed_here",
  "isv.invalid-app-id": "failed_here",
  "isv.not-online-app": "failed_here",
  "isv.forbidden-api": "failed_here",
  "isv.invalid-signature": "failed_here",
  "isv.missing-signature-key": "failed_here",
  "isv.missing-signature-config": "failed_here",
  "isv.missing-app-cert-sn": "failed_here",
  "isv.missing-alipay-root-cert-sn": "failed_here",
  "isv.app-cert-not-exist": "failed_here",
  "isv.app-cert-expired": "failed_here",
  "isv.invalid-alipay-root-cert-sn": "failed_here",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Creating (precreate): a refusal means that there is no trade and no money will move. */
export const payRefusals = {
  ...gatewayRefusals,
  "ACQ.INVALID_PARAMETER": "failed",
  "ACQ.ACCESS_FORBIDDEN": "failed_here",
  "ACQ.EXIST_FORBIDDEN_WORD": "failed",
  "ACQ.PARTNER_ERROR": "failed_here",
  "ACQ.TOTAL_FEE_EXCEED": "failed",
  "ACQ.BUYER_SELLER_EQUAL": "failed",
  "ACQ.TRADE_BUYER_NOT_MATCH": "failed",
  "ACQ.BUYER_ENABLE_STATUS_FORBID": "failed",
  "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH": "failed",
  "ACQ.BUYER_BALANCE_NOT_ENOUGH": "failed",
  "ACQ.SELLER_BEEN_BLOCKED": "failed_here",
  "ACQ.SELLER_NOT_EXIST": "failed_here",
  "ACQ.MERCHANT_STATUS_NOT_NORMAL": "failed_here",
  "ACQ.MERCHANT_PERM_RECEIPT_SUSPEND_LIMIT": "failed_here",
  "ACQ.MERCHANT_PERM_RECEIPT_SINGLE_LIMIT": "failed_here",
  "ACQ.MERCHANT_PERM_RECEIPT_DAY_LIMIT": "failed_here",
  "ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT": "failed",
  "ACQ.ERROR_SELLER_CERTIFY_LEVEL_LIMIT": "failed_here",
  "ACQ.PAYMENT_REQUEST_HAS_RISK": "failed",
  "ACQ.BEYOND_PER_RECEIPT_RESTRICTION": "failed_here",
  "ACQ.BEYOND_PER_RECEIPT_DAY_RESTRICTION": "failed_here",
  "ACQ.BEYOND_PER_RECEIPT_SINGLE_RESTRICTION": "failed_here",
  "ACQ.INVALID_RECEIVE_ACCOUNT": "failed_here",
  "ACQ.DEFAULT_SETTLE_RULE_NOT_EXIST": "failed_here",
  "ACQ.INVALID_STORE_ID": "failed",
  "ACQ.CURRENCY_NOT_SUPPORT": "failed",
  "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR": "failed",
  "ACQ.NOT_SUPPORT_PAYMENT_INST": "failed",
  // The number is already at Alipay: created by an earlier call whose answer was lost, perhaps paid or closed by now.
  "ACQ.CONTEXT_INCONSISTENT": "duplicate",
  "ACQ.TRADE_HAS_SUCCESS": "duplicate",
  "ACQ.TRADE_HAS_CLOSE": "duplicate",
  "ACQ.TRADE_HAS_FINISHED": "duplicate",
  "ACQ.APPLY_PC_MERCHANT_CODE_ERROR": "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Paying by the payer's code: a refusal means that the code was not charged. */
export const barcodeRefusals = {
  ...payRefusals,
  "ACQ.PAYMENT_AUTH_CODE_INVALID": "failed",
  "ACQ.PAYMENT_FAIL": "failed",
  "ACQ.PULL_MOBILE_CASHIER_FAIL": "failed",
  "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": "failed",
  "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": "failed",
  "ACQ.ERROR_BALANCE_PAYMENT_DISABLE": "failed",
  "ACQ.MOBILE_PAYMENT_SWITCH_OFF": "failed",
  "ACQ.BEYOND_PAY_RESTRICTION": "failed_here",
} as const satisfies RefusalTable<RefusalMeaning>;

export const queryRefusals = { "ACQ.TRADE_NOT_EXIST": "not_found" } as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Closing. TRADE_STATUS_ERROR says only that the trade is not waiting for its buyer any more: paid, or closed before. It
 * is read as `already_paid`, whose consequence is to ask.
 */
export const closeRefusals = {
  "ACQ.TRADE_NOT_EXIST": "not_found",
  "ACQ.TRADE_HAS_CLOSE": "closed",
  "ACQ.TRADE_HAS_SUCCESS": "already_paid",
  "ACQ.TRADE_HAS_FINISHED": "already_paid",
  "ACQ.TRADE_STATUS_ERROR": "already_paid",
  "ACQ.REASON_TRADE_STATUS_INVALID": "already_paid",
  "ACQ.REASON_ILLEGAL_STATUS": "already_paid",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Cancelling. What can no longer be cancelled, or never, may be paid and stand: the query tells. */
export const cancelRefusals = {
  "ACQ.TRADE_NOT_EXIST": "not_found",
  "ACQ.TRADE_HAS_CLOSE": "closed",
  "ACQ.TRADE_HAS_FINISHED": "already_paid",
  "ACQ.TRADE_CANCEL_TIME_OUT": "already_paid",
  "ACQ.CANCEL_NOT_ALLOWED": "already_paid",
} as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Refunding. The gateway's 4000x are not listed: they tell that this request was not read, and nothing about an earlier
 * one with the same number.
 */
export const refundRefusals = {
  "ACQ.INVALID_PARAMETER": "failed",
  "ACQ.SELLER_BALANCE_NOT_ENOUGH": "failed",
  "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "failed",
  "ACQ.REASON_TRADE_BEEN_FREEZEN": "failed",
  "ACQ.TRADE_NOT_EXIST": "failed",
  "ACQ.TRADE_HAS_FINISHED": "failed",
  "ACQ.TRADE_HAS_CLOSE": "failed",
  "ACQ.TRADE_STATUS_ERROR": "failed",
  "ACQ.REASON_TRADE_REFUND_FEE_ERR": "failed",
  "ACQ.TRADE_NOT_ALLOW_REFUND": "failed",
  "ACQ.REASON_TRADE_STATUS_INVALID": "failed",
  "ACQ.NOT_ALLOW_PARTIAL_REFUND": "failed",
  "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": "failed",
  "ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST": "failed",
  "ACQ.REFUNDALLOC_UNAUTH_LIMIT": "failed",
  "ACQ.REFUND_FEE_ERROR": "failed",
  "ACQ.REFUND_ACCOUNT_NOT_EXIST": "failed",
  "ACQ.BUYER_NOT_EXIST": "failed",
  "ACQ.BUYER_ERROR": "failed",
  "ACQ.BUYER_ENABLE_STATUS_FORBID": "failed",
  "ACQ.CUSTOMER_VALIDATE_ERROR": "failed",
  "ACQ.USER_NOT_MATCH_ERR": "failed",
  "ACQ.CURRENCY_NOT_SUPPORT": "failed",
  "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND": "failed",
  "ACQ.ENTERPRISE_PAY_BIZ_ERROR": "failed",
  "ACQ.REFUND_TIME_OUT": "failed",
  // This refund number was used with other particulars.
  "ACQ.DISCORDANT_REPEAT_REQUEST": "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

export const refundQueryRefusals = {
  "ACQ.TRADE_NOT_EXIST": "not_found",
  // So the documents spell it in one place.
  TRADE_NOT_EXIST: "not_found",
  "ACQ.REFUND_NOT_EXIST": "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Binding and unbinding receivers of a sharing. */
export const relationRefusals = {
  ...gatewayRefusals,
  "ACQ.INVALID_PARAMETER": "failed",
  "ACQ.PRODUCT_UNSIGN": "failed_here",
  "ACQ.ACCESS_FORBIDDEN": "failed_here",
  "ACQ.USER_NOT_EXIST": "failed",
  "ACQ.RECEIVER_LIST_EMPTY": "failed",
  "ACQ.INVALID_RECEIVER_TYPE": "failed",
  "ACQ.RELATION_QUANTITY_LIMIT": "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Sharing. The gateway's 4000x tell nothing about an earlier request with the same number, and after TRADE_SETTLE_ERROR
 * the money may have moved or not: the same request again tells.
 */
export const shareRefusals = {
  "ACQ.INVALID_PARAMETER": "failed",
  "ACQ.PRODUCT_UNSIGN": "failed",
  "ACQ.ACCESS_FORBIDDEN": "failed",
  "ACQ.TRADE_NOT_EXIST": "failed",
  "ACQ.TRADE_STATUS_ERROR": "failed",
  "ACQ.TRADE_HAS_FINISHED": "failed",
  "ACQ.TRADE_HAS_CLOSE": "failed",
  "ACQ.ILLEGAL_SETTLE_STATE": "failed",
  "ACQ.USER_NOT_EXIST": "failed",
  "ACQ.ROYALTY_RECEIVER_INVALID": "failed",
  "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": "failed",
  "ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH": "failed",
  "ACQ.DISCORDANT_REPEAT_REQUEST": "duplicate",
  "ACQ.TRADE_SETTLE_ERROR": "system_error",
} as const satisfies RefusalTable<RefusalMeaning>;

export const shareQueryRefusals = {
  "ACQ.TRADE_NOT_EXIST": "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Transferring. A refusal that is listed means that no money moved; SYSTEM_ERROR means that nobody can tell. A number that
 * was used with other particulars is not known either: the first request may have moved money.
 */
export const transferRefusals = {
  INVALID_PARAMETER: "failed",
  PRODUCT_NOT_SIGN: "failed",
  NO_PERMISSION_ACCOUNT: "failed",
  NO_ACCOUNT_PAYMENT_PERMISSION: "failed",
  NO_ACCOUNT_RECEIVE_PERMISSION: "failed",
  INVALID_PAYER_ACCOUNT: "failed",
  PAYER_NOT_EXIST: "failed",
  PAYER_STATUS_ERROR: "failed",
  PAYER_BALANCE_NOT_ENOUGH: "failed",
  BALANCE_IS_NOT_ENOUGH: "failed",
  PAYER_CERTIFY_CHECK_FAIL: "failed",
  PAYER_USER_INFO_ERROR: "failed",
  PAYER_PERMLIMIT_CHECK_FAILURE: "failed",
  PAYER_PAYEE_CANNOT_SAME: "failed",
  PAYCARD_UNABLE_PAYMENT: "failed",
  MONEY_PAY_CLOSED: "failed",
  NO_AVAILABLE_PAYMENT_TOOLS: "failed",
  PAYEE_NOT_EXIST: "failed",
  PAYEE_ACCOUNT_NOT_EXSIT: "failed",
  PAYEE_ACCOUNT_STATUS_ERROR: "failed",
  PAYEE_USERINFO_STATUS_ERROR: "failed",
  PAYEE_USER_INFO_ERROR: "failed",
  PAYEE_USER_TYPE_ERROR: "failed",
  PAYEE_NOT_RELNAME_CERTIFY: "failed",
  PAYEE_ACC_OCUPIED: "failed",
  PERMIT_NON_BANK_LIMIT_PAYEE: "failed",
  PERMIT_CHECK_PERM_LIMITED: "failed",
  PERMIT_CHECK_PERM_IDENTITY_THEFT: "failed",
  PERMIT_CHECK_RECEIVE_LIMIT: "failed",
  PERM_AML_NOT_REALNAME_REV: "failed",
  RELEASE_USER_FORBBIDEN_RECIEVE: "failed",
  EXCEED_LIMIT_SM_AMOUNT: "failed",
  EXCEED_LIMIT_SM_MIN_AMOUNT: "failed",
  EXCEED_LIMIT_DM_AMOUNT: "failed",
  EXCEED_LIMIT_DM_MAX_AMOUNT: "failed",
  EXCEED_LIMIT_MM_AMOUNT: "failed",
  EXCEED_LIMIT_DC_RECEIVED: "failed",
  EXCEED_LIMIT_PERSONAL_SM_AMOUNT: "failed",
  EXCEED_LIMIT_ENT_SM_AMOUNT: "failed",
  EXCEED_LIMIT_UNRN_DM_AMOUNT: "failed",
  MEMO_REQUIRED_IN_TRANSFER_ERROR: "failed",
  REMARK_HAS_SENSITIVE_WORD: "failed",
  SECURITY_CHECK_FAILED: "failed",
  PAYMENT_TIME_EXPIRE: "failed",
  RESOURCE_LIMIT_EXCEED: "system_error",
  PAYMENT_INFO_INCONSISTENCY: "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

export const transferQueryRefusals = {
  ORDER_NOT_EXIST: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Bills. The documents write BILL_NOT_EXIST and INVAILID_ARGUMENTS; what was seen to come is isp.bill_not_exist and
 * isv.invalid_arguments.
 */
export const billRefusals = {
  "isp.bill_not_exist": "not_found",
  BILL_NOT_EXIST: "not_found",
  NO_BILL_DATA: "not_found",
  "isv.invalid_arguments": "failed",
  invalid_arguments: "failed",
  INVAILID_ARGUMENTS: "failed",
  BILL_DATE_BEFORE_REGISTRATION: "failed",
  TYPE_NOT_SUPPORTED: "failed",
  "20001": "failed",
  "40006": "failed",
  UNKNOWN_ERROR: "system_error",
  SYSTEM_RATE_LIMIT: "system_error",
  USER_RATE_LIMIT: "system_error",
} as const satisfies RefusalTable<RefusalMeaning>;

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly lookup: string;
}

/** The outcome of a refusal by the operation's table: a sub_code of the gateway's that it lists goes before its code. */
export function interpretAlipayRefusal<Meaning extends RefusalMeaning>(table: RefusalTable<Meaning>, refusal: Refusal) {
  const lookup = Object.hasOwn(table, refusal.code) ? refusal.code : refusal.lookup;
  return interpretRefusal(table, { code: refusal.code, message: refusal.message }, lookup);
}
