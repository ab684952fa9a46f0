/** Finds what a person names by a number: the payment that waits for a transfer, or the refund that is to be sent. */
import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import { decodeUuid, parsePublicId } from "../../kit/id.ts";
import { type Attempt, findAttemptsByOrderNo, isOpenAttempt, loadAttempts } from "../payment/index.ts";
import { listWaitingRefunds, type Refund } from "../refund/index.ts";
import { bankTransferErrors } from "./errors.ts";
import { type BankTransferServices, CHANNEL } from "./services.ts";

/**
 * The attempt with that reference or serial_no, also one that has closed. Where several have the reference, the one that
 * is still open.
 * @throws bank_transfer.not_found, bank_transfer.ambiguous
 */
export async function findAttempt(services: BankTransferServices, number: string): Promise<Attempt> {
  const order_no = services.payment.getChannel(CHANNEL)?.statements?.readOrderNo(number);
  const all = order_no ? await findAttemptsByOrderNo(services.payment.db, CHANNEL, order_no) : [];
  const named = all.filter(({ serial_no }) => serial_no === number.trim().toUpperCase());
  const open = all.filter(isOpenAttempt);
  const [found, ...others] = [named, open, all].find((list) => list.length > 0) ?? [];
  if (!found) throw bankTransferErrors["bank_transfer.not_found"]({ values: { number } });
  if (others.length === 0) return found;
  const serial_nos = [found, ...others].map(({ serial_no }) => serial_no).join(", ");
  throw bankTransferErrors["bank_transfer.ambiguous"]({ values: { number, serial_nos } });
}

/**
 * The open refund of that refund_no or id (`rf_…`), with its attempt.
 * @throws bank_transfer.not_found
 */
export async function findRefund(
  services: BankTransferServices,
  number: string,
): Promise<{ refund: Refund; attempt: Attempt }> {
  const id = parsePublicId("refund", number) ?? decodeUuid(number);
  const [refund] = id ? await listWaitingRefunds(services.payment.db, CHANNEL, { id, limit: 1 }) : [];
  if (!refund) throw bankTransferErrors["bank_transfer.not_found"]({ values: { number } });
  const { merchant_id, attempt_id } = refund;
  const attempts = await loadAttempts(services.payment.db, [{ merchant_id, id: attempt_id }]);
  return { refund, attempt: attempts.get(attempt_id)! };
}

/** The channel and the account that an attempt went through. */
export async function openAttempt(
  { payment }: BankTransferServices,
  attempt: Attempt,
): Promise<{ channel: Channel; account: ChannelAccount }> {
  const channel = payment.getChannel(attempt.channel)!;
  return { channel, account: (await payment.accounts.open(attempt.channel_account_id))! };
}
