import { defineErrors, type ErrorDefinition } from "../../kit/error.ts";

const nothing = { retryable: false, outcome: "none" } as const;
const conflict = { type: "conflict_error", status: 409, ...nothing } as const;
const invalid = { type: "invalid_request_error", status: 400, ...nothing } as const;
const notFound = { type: "not_found_error", status: 404, ...nothing } as const;

export const payoutErrors = defineErrors({
  "payout.not_found": {
    ...notFound,
    message: "There is no such payout. Check the id, and that the key is of the payout's mode (test or live).",
  },
  "payout.out_payout_no_conflict": {
    ...conflict,
    message:
      "out_payout_no {out_payout_no} was used for another payout with other content. Use a new number, or repeat the same request.",
  },
  "payout.beneficiary_not_payable": {
    ...conflict,
    message: "The beneficiary is {status}, so that nothing is paid to it. Have it verified, or choose another one.",
  },
  "payout.insufficient_balance": {
    ...conflict,
    message: "What is available does not cover this payout and its fee. Ask for less, or wait for the next settlement.",
    retryable: true,
  },
  "payout.amount_out_of_range": {
    ...invalid,
    message: "One payout is from {minimum} to {maximum} in minor units. Ask for an amount in between.",
  },
  "payout.fee_above_amount": {
    ...invalid,
    message: "The fee of {fee} leaves nothing of this amount to pay. Ask for more.",
  },
  "payout.limit_reached": {
    ...conflict,
    message: "This payout would pass the limit of {limit} for one {period}. Ask for less, or wait for the next one.",
    retryable: true,
  },
  "payout.refused": {
    ...conflict,
    message: "Nothing is paid out of this account now: {reason}. Ask the platform's operator.",
    retryable: true,
  },
  "payout.no_channel": {
    ...conflict,
    message:
      "No channel account of the platform pays to this kind of beneficiary in {currency}. Choose another beneficiary, or ask the platform's operator.",
  },
  "payout.not_cancellable": {
    ...conflict,
    message: "The payout is {status}: somebody was told to pay, or it has ended. Wait for its result.",
  },
  "payout.not_of_bank": {
    ...conflict,
    message: "The payout is {status} and paid by {payer}: only what our bank was told to pay is recorded by hand.",
  },
  "payout.settings_invalid": { ...invalid, message: "{problem}" },
  "payout_batch.not_found": {
    ...notFound,
    message: "There is no such batch. Check the id, and that the key belongs to the app that uploaded it.",
  },
  "payout_batch.unreadable": {
    ...invalid,
    message: "The file cannot be read: {problem}",
  },
  "payout_batch.wrong_status": {
    ...conflict,
    message: "The batch is {status}, so that this cannot be done with it. Read it again, or upload the file anew.",
  },
  "payout_bank_file.nothing": {
    ...conflict,
    message:
      "Nothing in {currency} waits for the bank that may be paid now. Try again when payouts to bank cards wait.",
    retryable: true,
  },
  "payout_bank_file.not_found": {
    ...notFound,
    message: "There is no such file for the bank. Check the id.",
  },
} satisfies Record<string, ErrorDefinition>);
