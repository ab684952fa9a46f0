/** What an operator says of transfers: it is written as a signed statement, read back, and recorded like any notice. */
import type { NoticeResult, Statement } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { fromDecimal, type Money } from "../../kit/money.ts";
import { type Attempt, failAttempt, type Payment } from "../payment/index.ts";
import type { Refund } from "../refund/index.ts";
import { loadRefunds } from "../refund/index.ts";
import { bankTransferErrors } from "./errors.ts";
import { findAttempt, findRefund, openAttempt } from "./find-transfer.ts";
import { recordRefundTransfer, recordTransfer, refuseOtherAmount } from "./record-transfer.ts";
import type { BankTransferServices } from "./services.ts";

/** The longest that a failure's words are kept. */
const REASON_LENGTH_MAX = 256;

/**
 * A transfer has arrived.
 * @param input.number the reference that the payer wrote, or the serial_no
 * @param input.amount in major units, as on the bank's statement, or as money
 * @param input.booked_at epoch milliseconds
 * @throws bank_transfer.not_found, bank_transfer.ambiguous, bank_transfer.amount_differs, bank_transfer.reference_used,
 *   bank_transfer.already_confirmed, and MoneyError for what is no amount
 */
export async function confirmTransfer(
  services: BankTransferServices,
  input: { number: string; amount: string | Money; bank_reference: string; booked_at: number },
): Promise<Attempt> {
  const { attempt, amount } = await checkTransfer(services, input);
  const opened = await openAttempt(services, attempt);
  const { serial_no, merchant_id, id } = attempt;
  const channel_trade_no = input.bank_reference.trim();
  const stated = await state(services, attempt, {
    ...{ kind: "received", serial_no, amount, channel_trade_no, at: input.booked_at },
  });
  invariant(stated.kind === "payment_succeeded", "a statement of a transfer reads as something else");
  const outcome = await recordTransfer(services, merchant_id, opened, stated.payment);
  invariant(outcome === "recorded", `a transfer that was checked is ${outcome}`);
  return (await services.payment.groups.loadAttempt({ merchant_id, id }))!;
}

/**
 * What a transfer would confirm; changes nothing.
 * @throws bank_transfer.not_found, bank_transfer.ambiguous, bank_transfer.amount_differs, and MoneyError for what is no amount
 */
export async function checkTransfer(
  services: BankTransferServices,
  input: { number: string; amount: string | Money },
): Promise<{ attempt: Attempt; amount: Money }> {
  const attempt = await findAttempt(services, input.number);
  const amount = typeof input.amount === "string" ? fromDecimal(input.amount, attempt.currency) : input.amount;
  refuseOtherAmount(attempt, amount);
  return { attempt, amount };
}

/** Writes a statement and reads it back, as if it had been posted: what does not verify is not recorded. */
async function state(services: BankTransferServices, attempt: Attempt, statement: Statement): Promise<NoticeResult> {
  const { clock, random, channels } = services.payment;
  const { channel, account } = await openAttempt(services, attempt);
  invariant(channel.statements, `${channel.id} takes no statements`);
  const result = await channels.readNotice(
    channel,
    account,
    channel.statements.write({ account, clock, random }, statement),
  );
  invariant(result.kind !== "rejected", "a statement of our own does not verify");
  return result;
}

/**
 * A transfer has not arrived, and is not waited for any more. Money that arrives later can still be confirmed.
 * @throws bank_transfer.not_found, bank_transfer.ambiguous, bank_transfer.already_ended
 */
export async function rejectTransfer(
  services: BankTransferServices,
  input: { number: string; reason: string },
): Promise<{ payment: Payment; attempt: Attempt }> {
  const attempt = await findAttempt(services, input.number);
  const message = input.reason.slice(0, REASON_LENGTH_MAX);
  const rejected = await failAttempt(services.payment, attempt, { code: "NOT_RECEIVED", message });
  const { status, serial_no: number } = rejected.attempt;
  if (status === "failed") return rejected;
  throw bankTransferErrors["bank_transfer.already_ended"]({ values: { number, status } });
}

/**
 * A refund was sent at the bank (`bank_reference`), or will not be (`reason`).
 * @throws bank_transfer.not_found, bank_transfer.reference_used, bank_transfer.already_confirmed,
 *   bank_transfer.already_ended
 */
export async function endRefund(
  services: BankTransferServices,
  input: { number: string; booked_at: number } & ({ bank_reference: string } | { reason: string }),
): Promise<Refund> {
  const { refund, attempt } = await findRefund(services, input.number);
  const { refund_no, merchant_id, id, amount, currency } = refund;
  const facts = { refund_no, serial_no: attempt.serial_no, amount: { amount, currency }, at: input.booked_at };
  const statement: Statement =
    "bank_reference" in input
      ? { kind: "refund_sent", ...facts, channel_refund_no: input.bank_reference.trim() }
      : { kind: "refund_failed", ...facts, reason: input.reason.slice(0, REASON_LENGTH_MAX) };
  const stated = await state(services, attempt, statement);
  invariant(stated.kind === "refund", "a statement of a refund reads as something else");
  const { channel_account_id } = attempt;
  const outcome = await recordRefundTransfer(services, merchant_id, channel_account_id, stated.refund, stated.outcome);
  invariant(outcome === "recorded", `a refund that was found is ${outcome}`);
  return (await loadRefunds(services.payment.db, [{ merchant_id, id }])).get(id)!;
}
