import { defineErrors } from "../../kit/error.ts";

const refusal = { type: "conflict_error", status: 409, retryable: false, outcome: "none" } as const;

export const bankTransferErrors = defineErrors({
  "bank_transfer.not_found": {
    type: "not_found_error",
    status: 404,
    message:
      "No payment or refund waits under {number}. Check the reference character by character, or look at what is waiting.",
    retryable: false,
    outcome: "none",
  },
  "bank_transfer.ambiguous": {
    ...refusal,
    message: "Several payments have the reference {number}. Give the serial_no of the one that is meant: {serial_nos}.",
  },
  "bank_transfer.amount_differs": {
    ...refusal,
    message:
      "The payment asks for {expected} and the transfer is {given}, which is {difference}. Only the exact amount is taken: send the transfer back at the bank and have the payer transfer the amount asked for.",
  },
  "bank_transfer.reference_used": {
    ...refusal,
    message:
      "The bank's number {bank_reference} has confirmed {number} already. Check the bank's statement: each transfer has a number of its own.",
  },
  "bank_transfer.already_confirmed": {
    ...refusal,
    message:
      "{number} was confirmed before, by the bank's number {bank_reference}. A second transfer is the payer's money: send it back at the bank.",
  },
  "bank_transfer.already_ended": {
    ...refusal,
    message: "{number} has ended as {status}, and what you say now contradicts it. Look at the bank's statement first.",
  },
});
