/** Notices about attempts whose signature is good. */
import { barcodeRulesOf } from "../../channels/auth-code.ts";
import type { Channel, ChannelAccount, ChannelPayment } from "../../channels/contract.ts";
import { checkIntegrity, expectPayment } from "../../channels/integrity.ts";
import { decodeUuid } from "../../kit/id.ts";
import { findAttemptOfNotice, hurryAttempt } from "./attempt-store.ts";
import { attemptReference } from "./send-attempt.ts";
import type { PaymentServices } from "./services.ts";

export type NoticeOutcome =
  /** Recorded, now or before. To be acknowledged. */
  | "recorded"
  /** We have no such attempt on this account. Not acknowledged, so that the channel tells again. */
  | "unknown_number"
  /** Amount, currency, number or merchant differ from what we asked. Not acknowledged; the channel is asked. */
  | "integrity";

/**
 * A payment notice: checked against what we asked for, then recorded like any other answer. Says whether to acknowledge
 * it; the attempt must be this merchant's and through this account.
 */
export async function receivePaymentNotice(
  services: PaymentServices,
  merchant_id: string,
  opened: { channel: Channel; account: ChannelAccount },
  facts: ChannelPayment,
): Promise<NoticeOutcome> {
  const id = decodeUuid(facts.serial_no);
  const attempt = id && (await services.groups.loadAttempt({ merchant_id, id }));
  if (!attempt || attempt.channel_account_id !== opened.account.id) return "unknown_number";
  const asked = expectPayment(opened.channel, opened.account, attemptReference(attempt));
  const differences = checkIntegrity(asked, facts);
  if (differences.length > 0) {
    services.log.error({ serial_no: attempt.serial_no, differences }, "a signed notice differs from what was asked");
    await hurryAttempt(services.db, attempt, services.clock.now());
    services.kick.attempts();
    return "integrity";
  }
  await services.groups.recordOutcome({
    merchant_id,
    payment_id: attempt.payment_id,
    attempt_id: attempt.id,
    outcome: {
      kind: "succeeded",
      payment: facts,
      // It may be older than the cancellation of a code payment.
      ...(barcodeRulesOf(opened.channel, attempt.method) && { unless_cancelled: true }),
    },
  });
  return "recorded";
}

/** The channel says that something happened to an order: it is asked at once, and the notice need not come again. */
export async function receiveAskNotice(
  services: PaymentServices,
  merchant_id: string,
  channel_account_id: string,
  serial_no: string,
): Promise<"recorded" | "unknown_number"> {
  const named = { serial_no, channel_trade_no: undefined };
  const attempt = await findAttemptOfNotice(services.db, { merchant_id, channel_account_id }, named);
  if (!attempt) return "unknown_number";
  await hurryAttempt(services.db, attempt, services.clock.now());
  services.kick.attempts();
  return "recorded";
}
