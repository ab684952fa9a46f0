/** What waits for a person: transfers that may have arrived, and refunds that are to be sent. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { toDecimal } from "../../kit/money.ts";
import { type Attempt, listWaitingAttempts, loadAttempts, notifyUrl } from "../payment/index.ts";
import { listWaitingRefunds } from "../refund/index.ts";
import { type BankTransferServices, CHANNEL } from "./services.ts";

const LIST_MAX = 1_000;

/** Payments whose transfer has not been confirmed, in no order that matters. `notify_url` takes signed statements. */
export async function listWaitingTransfers(services: BankTransferServices) {
  const attempts = await listWaitingAttempts(services.payment.db, CHANNEL, LIST_MAX);
  return attempts.map((attempt) => ({
    reference: attempt.channel_order_no,
    amount: toDecimal(attempt),
    currency: attempt.currency,
    ...whereOf(services, attempt),
    created_at: toRfc3339(attempt.created_at),
    expires_at: toRfc3339(attempt.expires_at),
  }));
}

/** Refunds that somebody has to send at the bank. */
export async function listWaitingRefundTransfers(services: BankTransferServices) {
  const refunds = await listWaitingRefunds(services.payment.db, CHANNEL, { limit: LIST_MAX });
  const keys = refunds.map(({ merchant_id, attempt_id: id }) => ({ merchant_id, id }));
  const attempts = await loadAttempts(services.payment.db, keys);
  return refunds.map((refund) => {
    const attempt = attempts.get(refund.attempt_id)!;
    return {
      refund: publicId("refund", refund.id),
      refund_no: refund.refund_no,
      amount: toDecimal(refund),
      currency: refund.currency,
      reason: refund.reason,
      // By which the bank's statement shows who transferred, and so to whom it goes back.
      received_under: attempt.channel_trade_no,
      ...whereOf(services, attempt),
      created_at: toRfc3339(refund.created_at),
    };
  });
}

function whereOf({ payment }: BankTransferServices, attempt: Attempt) {
  return {
    payment: publicId("payment", attempt.payment_id),
    serial_no: attempt.serial_no,
    merchant: publicId("merchant", attempt.merchant_id),
    channel_account: publicId("channel_account", attempt.channel_account_id),
    livemode: attempt.livemode,
    notify_url: notifyUrl(payment, attempt),
  };
}
