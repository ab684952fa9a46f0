/** A transfer has arrived, somebody says: above a limit a second person looks at the bank's statement too. */
import type { Money } from "../../kit/money.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  type Approval,
  type ApprovalHandler,
  type ApprovalServices,
  type RequestedApproval,
  requestApproval,
} from "../approval/index.ts";
import { type BankTransferServices, checkTransfer, confirmTransfer } from "../bank-transfer/index.ts";

export const CONFIRM_TRANSFER = "bank_transfer.confirm";

/** What approvals of this kind carry. */
interface Payload {
  readonly serial_no: string;
  readonly amount: string;
  readonly currency: string;
  readonly bank_reference: string;
  /** Epoch milliseconds. */
  readonly booked_at: number;
}

export interface Confirmation {
  /** The reference that the payer wrote, or the serial_no. */
  readonly number: string;
  /** In major units, as on the bank's statement, or as money. */
  readonly amount: string | Money;
  readonly bank_reference: string;
  readonly booked_at: number;
  readonly reason: string;
}

/**
 * Asks for a confirmation in the caller's transaction. Where no checker is needed the caller has it carried out after the
 * commit, by `carryOutApproval`.
 * @throws bank_transfer.not_found, bank_transfer.ambiguous, bank_transfer.amount_differs, approval.invalid, and MoneyError
 */
export async function requestConfirmation(
  tx: Transaction,
  services: BankTransferServices & { readonly approval: ApprovalServices },
  given: Confirmation,
  maker_id: string,
): Promise<RequestedApproval> {
  const { attempt, amount } = await checkTransfer(services, given);
  const { merchant_id, livemode, id, serial_no } = attempt;
  const payload: Payload = {
    ...{ serial_no, amount: String(amount.amount), currency: amount.currency },
    ...{ bank_reference: given.bank_reference.trim(), booked_at: given.booked_at },
  };
  return requestApproval(tx, services.approval, {
    ...{ kind: CONFIRM_TRANSFER, merchant_id, livemode, subject_id: id, payload, ...amount, reason: given.reason },
    maker: { type: "user", id: maker_id },
  });
}

const amountOf = ({ amount, currency }: Payload): Money => ({ amount: BigInt(amount), currency });

/** Confirms what was approved. The same confirmation again, after a crash, changes nothing. */
export function createConfirmationHandlers(services: BankTransferServices): Record<string, ApprovalHandler> {
  const payloadOf = ({ payload }: Approval) => payload as Payload;
  return {
    [CONFIRM_TRANSFER]: {
      subject: "attempt",
      async approve(_tx, approval) {
        const payload = payloadOf(approval);
        await checkTransfer(services, { number: payload.serial_no, amount: amountOf(payload) });
      },
      async carryOut(approval) {
        const { serial_no: number, bank_reference, booked_at, ...rest } = payloadOf(approval);
        const amount: Money = { amount: BigInt(rest.amount), currency: rest.currency };
        await confirmTransfer(services, { number, amount, bank_reference, booked_at });
      },
    },
  };
}
