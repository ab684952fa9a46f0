/** Records statements whose signature is good. Every confirmation, typed or posted, comes through here. */
import type { Channel, ChannelAccount, ChannelPayment, ChannelRefund, RefundOutcome } from "../../channels/contract.ts";
import { decodeUuid } from "../../kit/id.ts";
import { type Money, toDecimal } from "../../kit/money.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { type Attempt, receivePaymentNotice } from "../payment/index.ts";
import { loadRefunds, type Refund, receiveRefundNotice } from "../refund/index.ts";
import { bankTransferErrors } from "./errors.ts";
import type { BankTransferServices } from "./services.ts";
import { type BankTransfer, claimReference, releaseReference } from "./store.ts";

type NoticeOutcome = Awaited<ReturnType<typeof receivePaymentNotice>>;

/**
 * A transfer has arrived. The bank's number is taken first, on disk; the same statement again, also after a crash between
 * the two, records what is missing and nothing twice.
 * @throws bank_transfer.amount_differs, bank_transfer.reference_used, bank_transfer.already_confirmed
 */
export async function recordTransfer(
  { payment }: BankTransferServices,
  merchant_id: string,
  opened: { channel: Channel; account: ChannelAccount },
  facts: ChannelPayment,
): Promise<NoticeOutcome> {
  const id = decodeUuid(facts.serial_no);
  const key = id && { merchant_id, id };
  const attempt = key && (await payment.groups.loadAttempt(key));
  if (!attempt || attempt.channel_account_id !== opened.account.id) return "unknown_number";
  refuseOtherAmount(attempt, facts.amount);
  refuseSecond(attempt, facts.channel_trade_no);
  const transfer: BankTransfer = {
    ...{ channel_account_id: opened.account.id, direction: "in", merchant_id, number: attempt.serial_no },
    ...{ bank_reference: facts.channel_trade_no, ...facts.amount },
    ...{ booked_at: facts.paid_at, created_at: payment.clock.now() },
  };
  await takeReference(payment.db, transfer);
  const outcome = await receivePaymentNotice(payment, merchant_id, opened, facts);
  const after = await payment.groups.loadAttempt({ merchant_id, id: attempt.id });
  // Somebody else was faster with another number, or something else differed.
  if (after?.channel_trade_no !== facts.channel_trade_no) await releaseReference(payment.db, transfer);
  if (after) refuseSecond(after, facts.channel_trade_no);
  return outcome;
}

/** @throws bank_transfer.reference_used */
async function takeReference(sql: Sql, transfer: BankTransfer): Promise<void> {
  const holder = await claimReference(sql, transfer);
  if (holder?.merchant_id === transfer.merchant_id && holder.number === transfer.number) return;
  const values = { bank_reference: transfer.bank_reference, number: holder?.number ?? "another transfer" };
  throw bankTransferErrors["bank_transfer.reference_used"]({ param: "bank_reference", values });
}

function refuseSecond(attempt: Attempt, bank_reference: string): void {
  if (attempt.status !== "succeeded" || attempt.channel_trade_no === bank_reference) return;
  const values = { number: attempt.serial_no, bank_reference: attempt.channel_trade_no ?? "" };
  throw bankTransferErrors["bank_transfer.already_confirmed"]({ values });
}

/** @throws bank_transfer.amount_differs */
export function refuseOtherAmount(attempt: Pick<Attempt, "amount" | "currency">, given: Money): void {
  const { amount, currency } = attempt;
  if (given.amount === amount && given.currency === currency) return;
  const show = (money: Money) => `${money.currency} ${toDecimal(money)}`;
  const short = amount - given.amount;
  const by = show({ amount: short < 0n ? -short : short, currency });
  const difference =
    given.currency !== currency ? "in another currency" : `${by} too ${short > 0n ? "little" : "much"}`;
  const values = { expected: show({ amount, currency }), given: show(given), difference };
  throw bankTransferErrors["bank_transfer.amount_differs"]({ param: "amount", values });
}

/**
 * A refund was sent, or will not be.
 * @throws bank_transfer.reference_used, bank_transfer.already_confirmed, bank_transfer.already_ended
 */
export async function recordRefundTransfer(
  { payment, refund: refunds }: BankTransferServices,
  merchant_id: string,
  channel_account_id: string,
  facts: ChannelRefund,
  outcome: RefundOutcome,
): Promise<NoticeOutcome> {
  const id = facts.refund_no && decodeUuid(facts.refund_no);
  if (!id || !facts.amount) return "unknown_number";
  const load = async () => (await loadRefunds(payment.db, [{ merchant_id, id }])).get(id);
  const transfer: BankTransfer = {
    ...{ channel_account_id, direction: "out", merchant_id, number: facts.refund_no! },
    ...{ bank_reference: facts.channel_refund_no ?? "", ...facts.amount },
    ...{ booked_at: facts.refunded_at, created_at: payment.clock.now() },
  };
  const isSent = outcome.kind === "succeeded";
  if (isSent && (await load())) await takeReference(payment.db, transfer);
  const recorded = await receiveRefundNotice(refunds, merchant_id, channel_account_id, facts, outcome);
  const after = await load();
  const agrees = isSent && after?.status === "succeeded" && after.channel_refund_no === facts.channel_refund_no;
  if (isSent && !agrees) await releaseReference(payment.db, transfer);
  if (recorded === "recorded" && after) refuseContradiction(after, facts, isSent);
  return recorded;
}

/** The refund had ended before, in another way than is said now. */
function refuseContradiction(refund: Refund, facts: ChannelRefund, is_sent: boolean): void {
  const { refund_no: number, status, channel_refund_no } = refund;
  if (status !== (is_sent ? "succeeded" : "failed")) {
    throw bankTransferErrors["bank_transfer.already_ended"]({ values: { number, status } });
  }
  if (!is_sent || channel_refund_no === facts.channel_refund_no) return;
  const values = { number, bank_reference: channel_refund_no ?? "" };
  throw bankTransferErrors["bank_transfer.already_confirmed"]({ values });
}
