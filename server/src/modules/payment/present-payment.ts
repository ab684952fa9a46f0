/** A payment as the API and events show it. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { encodeCashierToken } from "./cashier-token.ts";
import { type Attempt, isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";

/** @param attempt the attempt that stands for the payment: the winner, else the latest; undefined when none was made. */
export function presentPayment(settings: { public_url: string }, payment: Payment, attempt: Attempt | undefined) {
  const actionable = attempt && isOpenPayment(payment) && isOpenAttempt(attempt);
  return {
    id: publicId("payment", payment.id),
    object: "payment" as const,
    livemode: payment.livemode,
    status: payment.status,
    amount: Number(payment.amount),
    currency: payment.currency,
    amount_refunded: Number(payment.refunded_amount),
    amount_refunding: Number(payment.refunding_amount),
    amount_shared: Number(payment.shared_amount),
    out_trade_no: payment.out_trade_no,
    serial_no: attempt?.serial_no ?? null,
    channel_trade_no: payment.channel_trade_no ?? attempt?.channel_trade_no ?? null,
    method: attempt?.method ?? payment.method ?? "cashier",
    channel: attempt?.channel ?? null,
    subject: payment.subject,
    description: payment.description,
    action: (actionable && attempt.action) || { type: "none" as const },
    cashier_url: `${settings.public_url}/c/${encodeCashierToken(payment)}`,
    failure:
      attempt?.failure_code == null ? null : { code: attempt.failure_code, message: attempt.failure_message ?? "" },
    closing: payment.close_requested && isOpenPayment(payment),
    notify_url: payment.notify_url,
    return_url: payment.return_url,
    store: payment.store,
    metadata: payment.metadata,
    app: publicId("app", payment.app_id),
    created_at: toRfc3339(payment.created_at),
    expires_at: toRfc3339(payment.expires_at),
    succeeded_at: payment.succeeded_at === null ? null : toRfc3339(payment.succeeded_at),
    closed_at: payment.closed_at === null ? null : toRfc3339(payment.closed_at),
  };
}

export type PaymentObject = ReturnType<typeof presentPayment>;

/** An attempt as the API shows it in a payment's list of attempts. */
export function presentAttempt(attempt: Attempt) {
  return {
    id: publicId("attempt", attempt.id),
    object: "attempt" as const,
    livemode: attempt.livemode,
    payment: publicId("payment", attempt.payment_id),
    serial_no: attempt.serial_no,
    channel_trade_no: attempt.channel_trade_no,
    channel_order_no: attempt.channel_order_no,
    channel: attempt.channel,
    channel_account: publicId("channel_account", attempt.channel_account_id),
    method: attempt.method,
    status: attempt.status,
    amount: Number(attempt.amount),
    currency: attempt.currency,
    action: attempt.action ?? { type: "none" as const },
    failure:
      attempt.failure_code === null ? null : { code: attempt.failure_code, message: attempt.failure_message ?? "" },
    unknown_reason: attempt.unknown_reason,
    duplicate: attempt.duplicate,
    fee: Number(attempt.fee_amount),
    routing: attempt.routing,
    created_at: toRfc3339(attempt.created_at),
    finished_at: attempt.finished_at === null ? null : toRfc3339(attempt.finished_at),
  };
}
