/**
 * Hostility on request. A fault is asked for through the control plane and used up by the next matching calls; the
 * tables below say which faults exist and where each makes sense, so that a test cannot ask for one that would
 * silently never happen.
 */
import { ControlError } from "./input.ts";

/** The simulated channels. */
export const channels = ["wechat", "alipay", "unionpay", "stripe", "paypal"] as const;
export type Channel = (typeof channels)[number];

/** What a call does. `notice` is each delivery of a notice; the others are requests of the merchant. */
export const operations = [
  "pay",
  "query",
  "capture", // Taking the money that the payer has approved.
  "close",
  "cancel",
  "refund",
  "refund_query",
  "receivers", // Who may be shared with.
  "share",
  "share_query",
  "transfer",
  "transfer_query",
  "bill",
  "bill_file", // The file that a bill's answer leads to.
  "certificates",
  "oauth",
  "notice",
] as const;
export type Operation = (typeof operations)[number];

/** Faults of any request: what happens to the exchange. */
const exchange_faults = [
  "timeout_before", // The channel does nothing, hangs, then drops the connection.
  "timeout_after", // The channel does its work, then hangs and drops the connection.
  "slow", // The work is done and answered late.
  "http_500", // Nothing is done; a bare HTTP 500.
  "system_error", // Nothing is done; the channel's own "system error".
  "service_unavailable", // Alipay's code 20000, UnionPay's 03; nothing is done.
  "rate_limit", // Nothing is done; the channel's own "too often".
  "bad_signature", // The work is done; the answer's signature is wrong.
  "no_signature", // The work is done; the answer is unsigned.
  "invalid_token", // PayPal: nothing is done; the token is not, or no longer, taken.
  "html", // The work is done; an HTML page comes back with status 200.
  "empty", // The work is done; an empty body comes back with status 200.
  "gbk", // The work is done; a page in GBK comes back with status 200.
  "huge", // The work is done; 100 MB come back with status 200.
  "cut", // The work is done; the answer breaks off in the middle.
] as const;

/** Faults of a code payment's reversal. */
const cancel_faults = [
  "user_paying", // Nothing is done: the payer is entering the password, and the reversal must be tried again.
] as const;

/** Faults of an answer's content: well signed and untrue. */
const content_faults = ["wrong_amount", "wrong_currency", "wrong_number", "wrong_merchant"] as const;

/** Faults of a capture's result. */
const capture_faults = [
  "capture_pending", // The money comes later, or not: by `POST /control/pay`, or after `delay_ms`.
  "capture_declined", // The payer's instrument is declined: the payer must choose another one.
] as const;

/** Faults of a refund's result. */
const refund_faults = ["refund_processing", "refund_abnormal", "refund_closed", "not_enough"] as const;

/** Faults of what becomes of a sharing's last part, or of a transfer. */
const payout_faults = ["payout_failed", "payout_processing"] as const;

/** Faults of a bill's file. */
const file_faults = [
  "file_redirected", // The answer leads to another host.
  "file_tampered", // The file's bytes are not those that were published.
] as const;

/** Faults of a notice's delivery. */
const notice_faults = [
  "notice_lost",
  "notice_late",
  "notice_duplicate",
  "notice_reordered",
  "notice_tampered",
  "notice_bad_signature",
  "notice_rewritten",
  "notice_stale_timestamp",
  "notice_signtest",
  "notice_wrong_amount",
  "notice_wrong_merchant",
] as const;

export const faultNames = [
  ...exchange_faults,
  ...content_faults,
  ...cancel_faults,
  ...capture_faults,
  ...refund_faults,
  ...payout_faults,
  ...file_faults,
  ...notice_faults,
] as const;
export type FaultName = (typeof faultNames)[number];

/** A fault that waits to be used. `merchant` is a mchid, an app_id, a mer_id, a Stripe account or a PayPal client id. */
export type Fault = {
  id: number;
  channel: Channel;
  operation: Operation | "*";
  fault: FaultName;
  times: number;
  merchant?: string;
  delay_ms?: number;
};

const content_operations: Record<Channel, Record<(typeof content_faults)[number], readonly Operation[]>> = {
  wechat: {
    wrong_amount: ["query", "refund", "refund_query", "share", "share_query", "transfer_query"],
    wrong_currency: ["query", "refund", "refund_query"],
    wrong_number: ["query", "refund", "refund_query", "share", "share_query", "transfer", "transfer_query"],
    wrong_merchant: ["query"],
  },
  alipay: {
    wrong_amount: ["query", "refund", "refund_query", "transfer_query"],
    wrong_currency: ["query"],
    wrong_number: [
      ...(["pay", "query", "close", "cancel", "refund", "refund_query"] as const),
      ...(["share_query", "transfer", "transfer_query"] as const),
    ],
    wrong_merchant: [],
  },
  unionpay: {
    wrong_amount: ["query", "refund_query"],
    wrong_currency: ["query", "refund_query"],
    wrong_number: ["pay", "query", "cancel", "refund", "refund_query"],
    wrong_merchant: ["pay", "query", "cancel", "refund", "refund_query", "bill"],
  },
  stripe: {
    wrong_amount: ["pay", "query", "refund", "refund_query"],
    wrong_currency: ["pay", "query", "refund", "refund_query"],
    wrong_number: ["pay", "query", "close"],
    wrong_merchant: [],
  },
  paypal: {
    wrong_amount: ["pay", "query", "capture", "refund", "refund_query"],
    wrong_currency: ["pay", "query", "capture", "refund", "refund_query"],
    wrong_number: ["pay", "query", "capture", "refund", "refund_query"],
    wrong_merchant: ["pay", "query", "capture", "refund", "refund_query"],
  },
};

/** A notice with a time of its own is Stripe's, too. */
const wechat_only: readonly FaultName[] = [
  "notice_stale_timestamp",
  "notice_signtest",
  "refund_abnormal",
  "user_paying",
];

/** What a channel has not, or the sandbox not yet. UnionPay closes nothing, and its certificates travel in its answers. */
const lacks: Record<Channel, readonly Operation[]> = {
  wechat: ["capture"],
  alipay: ["capture"],
  unionpay: [
    ...(["capture", "close", "certificates", "bill_file"] as const),
    ...(["receivers", "share", "share_query", "transfer", "transfer_query"] as const),
  ],
  stripe: [
    ...(["capture", "cancel", "certificates", "oauth"] as const),
    ...(["receivers", "share", "share_query", "transfer", "transfer_query", "bill_file"] as const),
  ],
  paypal: [
    ...(["close", "cancel"] as const),
    ...(["receivers", "share", "share_query", "transfer", "transfer_query", "bill_file"] as const),
  ],
};

/** Stripe signs its webhooks only; its refunds are done, late or failed. */
const stripe_lacks: readonly FaultName[] = ["bad_signature", "no_signature", "user_paying", "notice_rewritten"];

/** PayPal signs its webhooks only, too. */
const paypal_lacks: readonly FaultName[] = ["bad_signature", "no_signature"];

function includes<T extends string>(list: readonly T[], value: string): value is T {
  return (list as readonly string[]).includes(value);
}

/** Faults of answers in a channel's own form: its codes and its signature. */
const formed: readonly FaultName[] = [
  "system_error",
  "service_unavailable",
  "rate_limit",
  "bad_signature",
  "no_signature",
];

/** A file is in nobody's form, and WeChat's authorization is not signed. */
function hasForm(channel: Channel, operation: Operation, fault: FaultName): boolean {
  if (operation === "bill_file") return !formed.includes(fault);
  return !(channel === "wechat" && operation === "oauth" && fault.endsWith("_signature"));
}

/** The operations of `channel` in which `fault` can happen. */
export function operationsOf(channel: Channel, fault: FaultName): readonly Operation[] {
  if (channel === "stripe" && stripe_lacks.includes(fault)) return [];
  if (channel === "paypal" && paypal_lacks.includes(fault)) return [];
  if (channel !== "paypal" && fault === "invalid_token") return [];
  const dated = channel === "stripe" && fault === "notice_stale_timestamp";
  if (channel !== "wechat" && !dated && wechat_only.includes(fault)) return [];
  if (channel === "wechat" && fault === "service_unavailable") return [];
  if (includes(notice_faults, fault)) return ["notice"];
  if (fault === "not_enough" && channel === "wechat") return ["refund", "transfer"];
  if (includes(refund_faults, fault)) return ["refund"];
  if (includes(payout_faults, fault)) {
    return (["share", "transfer"] as const).filter((call) => !lacks[channel].includes(call));
  }
  if (includes(cancel_faults, fault)) return ["cancel"];
  if (includes(file_faults, fault)) return lacks[channel].includes("bill_file") ? [] : ["bill_file"];
  if (includes(capture_faults, fault)) return lacks[channel].includes("capture") ? [] : ["capture"];
  if (includes(content_faults, fault)) return content_operations[channel][fault];
  const calls = operations.filter((operation) => operation !== "notice" && !lacks[channel].includes(operation));
  return calls.filter((operation) => hasForm(channel, operation, fault));
}

/** The faults that wait. */
export type FaultBook = {
  add(fault: Omit<Fault, "id">): Fault;
  /** Uses up one fault for this call, the oldest first. */
  take(channel: Channel, operation: Operation, merchant: string): Fault | undefined;
  list(): readonly Fault[];
  clear(): void;
};

/** Builds an empty book. `add` refuses a fault that could never happen there. */
export function createFaultBook(): FaultBook {
  const waiting: Fault[] = [];
  let last_id = 0;
  return {
    add(fault) {
      const possible = operationsOf(fault.channel, fault.fault);
      if (possible.length === 0) {
        throw new ControlError(400, `"${fault.fault}" does not exist in ${fault.channel}.`);
      }
      if (fault.operation !== "*" && !possible.includes(fault.operation)) {
        const places = possible.join(", ");
        throw new ControlError(
          400,
          `"${fault.fault}" of ${fault.channel} happens in ${places}, not in ${fault.operation}.`,
        );
      }
      last_id += 1;
      const added: Fault = { ...fault, id: last_id };
      waiting.push(added);
      return added;
    },
    take(channel, operation, merchant) {
      if (waiting.length === 0) return undefined;
      const index = waiting.findIndex(
        (fault) =>
          fault.channel === channel &&
          (fault.operation === operation || fault.operation === "*") &&
          (fault.merchant === undefined || fault.merchant === merchant) &&
          operationsOf(channel, fault.fault).includes(operation),
      );
      const fault = waiting[index];
      if (fault === undefined) return undefined;
      fault.times -= 1;
      if (fault.times === 0) waiting.splice(index, 1);
      return fault;
    },
    list: () => waiting,
    clear() {
      waiting.length = 0;
    },
  };
}
