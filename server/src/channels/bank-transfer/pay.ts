/**
 * Orders and refunds of a bank account: nothing is called. The payer is shown where to transfer to, and a person who sees
 * the account's statement says what arrived (`statement.ts`).
 */
import { toDecimal } from "../../kit/money.ts";
import type {
  AttemptReference,
  CloseOutcome,
  ConnectionOutcome,
  Conversation,
  LocalOperation,
  PayInput,
  PayOutcome,
  QueryOutcome,
  RefundInput,
  RefundOutcome,
} from "../contract.ts";
import type { BankTransferConfig } from "./config.ts";
import { referenceOf } from "./reference.ts";

export const pay: LocalOperation<PayInput, PayOutcome> = {
  async perform({ account }, { serial_no, amount }) {
    const { bank_name, bank_code, account_name, account_number, currency } = account.config as BankTransferConfig;
    if (amount.currency !== currency) {
      const message = `the bank account takes ${currency} only`;
      return { kind: "failed", failure: { code: "CURRENCY_NOT_OF_ACCOUNT", message, elsewhere: true } };
    }
    const reference = referenceOf(serial_no);
    const bank = { bank_name, ...(bank_code !== undefined && { bank_code }), account_name, account_number };
    return {
      kind: "pending",
      action: { type: "bank_transfer", ...bank, reference, amount: toDecimal(amount), currency },
      channel_order_no: reference,
    };
  },
};

/** An answer that needs nobody to be asked. */
function answer<Input, Outcome>(make: (input: Input) => Outcome): Conversation<Input, Outcome> {
  return { converse: async (_context, input) => make(input) };
}

/** Nobody can be asked. An order whose making was cut short learns its reference here. */
export const query = answer<AttemptReference, QueryOutcome>(({ serial_no }) => ({
  kind: "pending",
  channel_order_no: referenceOf(serial_no),
}));

/** We stop waiting; the payer may still transfer, and what arrives late succeeds late. */
export const close = answer<AttemptReference, CloseOutcome>(() => ({ kind: "closed" }));

const waiting = answer<RefundInput, RefundOutcome>(() => ({
  kind: "pending",
  detail: "waits for the operator, who sends the money back at the bank and confirms it",
}));
export const refund = waiting;
export const queryRefund = waiting;

/** There is no line to the bank: all that can be checked was checked when the account was saved. */
export const checkConnection = answer<Record<string, never>, ConnectionOutcome>(() => ({ kind: "connected" }));
