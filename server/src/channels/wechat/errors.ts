/**
 * What WeChat Pay's error codes tell about an order or a refund, per operation. Codes are spelled without underscores
 * (`codeSpelling`). A code that is missing here tells nothing certain.
 */
import type { PayOutcome, Unknown } from "../contract.ts";
import { interpretRefusal, type RefusalMeaning, type RefusalTable, unknown } from "../refusal.ts";
import { codeSpelling } from "./verify.ts";

/** Creating an order (native, jsapi, h5): a refusal means that no order exists and no money will move. */
export const payRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  OPENIDMISMATCH: "failed",
  ACCOUNTERROR: "failed",
  NOTENOUGH: "failed",
  TRADEERROR: "failed",
  ORDERCLOSED: "failed",
  // The merchant's own affair: its numbers, its key, its contract, its limits.
  APPIDMCHIDNOTMATCH: "failed_here",
  MCHNOTEXISTS: "failed_here",
  SIGNERROR: "failed_here",
  NOAUTH: "failed_here",
  RULELIMIT: "failed_here",
  // The number is already at the channel: created by an earlier call whose answer was lost, perhaps paid by now.
  OUTTRADENOUSED: "duplicate",
  ORDERPAID: "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Paying by the payer's code: a refusal means that the code was not charged. */
export const barcodeRefusals = {
  ...payRefusals,
  AUTHCODEEXPIRE: "failed",
  AUTHCODEEXPIRED: "failed",
  AUTHCODEINVALID: "failed",
  AUTHCODEERROR: "failed",
  NOTSUPORTCARD: "failed",
  BUYERMISMATCH: "failed",
  APPIDNOTEXIST: "failed_here",
  MCHIDNOTEXIST: "failed_here",
  LACKPARAMS: "failed",
  ORDERCLOSED: "duplicate",
  ORDERREVERSED: "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Reversing a code payment. USERPAYING is not listed: it is tried again. REVERSE_EXPIRE says that it is too late, not
 * what became of the order: the query tells.
 */
export const cancelRefusals = {
  ORDERNOTEXIST: "not_found",
  RESOURCENOTEXISTS: "not_found",
  ORDERREVERSED: "closed",
  ORDERCLOSED: "closed",
  REVERSEEXPIRE: "already_paid",
} as const satisfies RefusalTable<RefusalMeaning>;

export const queryRefusals = {
  ORDERNOTEXIST: "not_found",
  RESOURCENOTEXISTS: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Closing. A payer who is paying right now (USERPAYING) is not listed: the close is tried again. */
export const closeRefusals = {
  ORDERPAID: "already_paid",
  ORDERCLOSED: "closed",
  ORDERNOTEXIST: "not_found",
  RESOURCENOTEXISTS: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/**
 * Refunding. SIGN_ERROR is not listed: it tells that this request was not read, and nothing about an earlier one with
 * the same number.
 */
export const refundRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  MCHNOTEXISTS: "failed",
  NOAUTH: "failed",
  NOTENOUGH: "failed",
  RULELIMIT: "failed",
  USERACCOUNTABNORMAL: "failed",
  TRADEOVERDUE: "failed",
  ORDERNOTEXIST: "failed",
  RESOURCENOTEXISTS: "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

export const refundQueryRefusals = {
  RESOURCENOTEXISTS: "not_found",
  REFUNDNOTEXISTS: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Adding and removing receivers, which may be repeated. */
export const receiverRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  NOAUTH: "failed",
  RULELIMIT: "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Sharing, releasing and giving back: a refusal means that this number did nothing. */
export const shareRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  NOAUTH: "failed",
  RULELIMIT: "failed",
  NOTENOUGH: "failed",
  ORDERNOTEXIST: "failed",
  RESOURCENOTEXISTS: "failed",
  // Paid less than a minute ago.
  ORDERNOTREADY: "system_error",
} as const satisfies RefusalTable<RefusalMeaning>;

export const shareQueryRefusals = {
  RESOURCENOTEXISTS: "not_found",
  ORDERNOTEXIST: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Transferring to a person: a refusal means that this number moves nothing. */
export const transferRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  NOAUTH: "failed",
  NOTENOUGH: "failed",
  RULELIMIT: "failed",
  ALREADYEXISTS: "duplicate",
} as const satisfies RefusalTable<RefusalMeaning>;

export const transferQueryRefusals = {
  NOTFOUND: "not_found",
  RESOURCENOTEXISTS: "not_found",
  ORDERNOTEXIST: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/** A transfer whose person has confirmed cannot be taken back: only asking tells what became of it. */
export const transferCancelRefusals = {
  NOTFOUND: "not_found",
  RESOURCENOTEXISTS: "not_found",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Asking where a bill lies. That there is none, or none yet, is no refusal. */
export const billRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  NOAUTH: "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

/** Sending an abnormal refund another way: a refusal leaves it as it is. */
export const redirectRefusals = {
  PARAMERROR: "failed",
  INVALIDREQUEST: "failed",
  NOAUTH: "failed",
  NOTENOUGH: "failed",
  RULELIMIT: "failed",
} as const satisfies RefusalTable<RefusalMeaning>;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** The outcome of a refusal by the operation's table. */
export function interpretWechatRefusal<Meaning extends RefusalMeaning>(table: RefusalTable<Meaning>, refusal: Refusal) {
  const failure = { code: refusal.code, message: refusal.message };
  return interpretRefusal(table, failure, codeSpelling(refusal.code));
}

/** INVALID_REQUEST is also used for an order number that is taken or paid; only its words tell. */
export function interpretPayRefusal(refusal: Refusal) {
  const taken = isInvalidRequest(refusal) && /订单号重复|已支付/.test(refusal.message);
  return taken ? duplicateOf(refusal) : interpretWechatRefusal(payRefusals, refusal);
}

/** USERPAYING is no refusal: the order stands and waits for its payer. */
export function interpretBarcodeRefusal(refusal: Refusal): PayOutcome {
  if (codeSpelling(refusal.code) === "USERPAYING") return { kind: "pending", action: { type: "none" } };
  const taken = isInvalidRequest(refusal) && /订单号重复|已支付/.test(refusal.message);
  return taken ? duplicateOf(refusal) : interpretWechatRefusal(barcodeRefusals, refusal);
}

/** INVALID_REQUEST is also used for a refund number that was used with other particulars; only its words tell. */
export function interpretRefundRefusal(refusal: Refusal) {
  const taken = isInvalidRequest(refusal) && /退款单号重复|与之前请求不一致/.test(refusal.message);
  return taken ? duplicateOf(refusal) : interpretWechatRefusal(refundRefusals, refusal);
}

/** INVALID_REQUEST is also used for a number that was used otherwise, and for an order that is too young to be shared. */
export function interpretShareRefusal(refusal: Refusal) {
  if (isInvalidRequest(refusal) && /单号重复|单号已存在|与之前请求不一致|参数不一致/.test(refusal.message))
    return duplicateOf(refusal);
  if (isInvalidRequest(refusal) && /处理中|请稍后/.test(refusal.message)) {
    return unknown("system_error", `${refusal.code}: ${refusal.message}`);
  }
  return interpretWechatRefusal(shareRefusals, refusal);
}

/** The same codes also tell that the number was used for another transfer; only their words differ. */
export function interpretTransferRefusal(refusal: Refusal) {
  const taken = /单号重复|单号已存在|参数不一致/.test(refusal.message);
  return taken ? duplicateOf(refusal) : interpretWechatRefusal(transferRefusals, refusal);
}

function isInvalidRequest({ code }: Refusal): boolean {
  return codeSpelling(code) === "INVALIDREQUEST";
}

function duplicateOf({ code, message }: Refusal): Unknown {
  return unknown("duplicate", `${code}: ${message}`);
}
