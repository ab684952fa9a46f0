import { defineErrors } from "../../kit/error.ts";

const invalid = { type: "invalid_request_error", status: 400, retryable: false, outcome: "none" } as const;
const missing = { type: "not_found_error", status: 404, retryable: false, outcome: "none" } as const;
const conflict = { type: "conflict_error", status: 409, retryable: false, outcome: "none" } as const;
const later = { type: "conflict_error", status: 409, retryable: true, outcome: "none" } as const;

export const sharingErrors = defineErrors({
  "receiver.not_found": {
    ...missing,
    message: "There is no receiver {receiver}. Check the id, and that the key is of the mode in which it was made.",
  },
  "receiver.invalid": { ...invalid, message: "The receiver cannot be made: {problem}." },
  "receiver.conflict": {
    ...conflict,
    message: "This account is the receiver {receiver} already, under another name. Disable that one first.",
  },
  "receiver.disabled": {
    ...conflict,
    message: "The receiver {receiver} is disabled. Make it again, or leave it out.",
  },
  "receiver.in_use": {
    ...later,
    message: "A sharing with this receiver is under way. Disable it when that has ended.",
  },
  "receiver_group.not_found": {
    ...missing,
    message:
      "There is no active group {group} of receivers. Check the id, and that the key is of the mode in which it was made.",
  },
  "receiver_group.name_taken": {
    ...conflict,
    message: "There is another active group named {name}. Choose another name, or disable that one.",
  },
  "sharing_order.not_found": {
    ...missing,
    message: "There is no such sharing order. Check the id, and that the key belongs to the app that created it.",
  },
  "sharing_return.not_found": {
    ...missing,
    message: "There is no such return. Check the id, and that the key belongs to the app that created it.",
  },
  "sharing.shares_invalid": { ...invalid, message: "What is to be shared is not clear: {problem}." },
  "sharing.receiver_twice": {
    ...invalid,
    message: "The receiver {receiver} would get two parts of one sharing, by itself or through a group. Name it once.",
  },
  "sharing.part_too_small": {
    ...invalid,
    message: "The part of {receiver} is less than one minor unit of the currency. Leave it out, or raise its ratio.",
  },
  "sharing.out_sharing_no_conflict": {
    ...conflict,
    message:
      "out_sharing_no {out_sharing_no} was used for another sharing with other content. Use a new number, or repeat the same request.",
  },
  "sharing.out_return_no_conflict": {
    ...conflict,
    message:
      "out_return_no {out_return_no} was used for another return with other content. Use a new number, or repeat the same request.",
  },
  "sharing.payment_not_succeeded": {
    ...conflict,
    message: "The payment is {status}; only a payment that has succeeded can be shared.",
  },
  "sharing.amount_exceeds_left": {
    ...invalid,
    message:
      "At most {left} can be shared now: what was paid, less fee, refunds, refunds under way and what is shared already. Share that or less.",
  },
  "sharing.above_channel_limit": {
    ...invalid,
    message:
      "Through this channel account at most {limit} of this payment may be shared, and {shared} is already. Share less, or have the channel agree to more.",
  },
  "sharing.too_many_receivers": {
    ...invalid,
    message: "The channel takes at most {count} receivers at once. Share with fewer, or with the others afterwards.",
  },
  "sharing.not_held": {
    ...conflict,
    message:
      "The channel shares only payments that were created with `sharing`. Create payments that are to be shared with it.",
  },
  "sharing.finished": {
    ...conflict,
    message:
      "Sharing of this payment at its channel was ended, and the rest is the merchant's. Pay receivers another way.",
  },
  "sharing.window_passed": {
    ...conflict,
    message:
      "The channel shares within {days} days of the payment, and that time has passed. Pay receivers another way.",
  },
  "sharing.channel_cannot": {
    ...conflict,
    message:
      "The payment came through {channel}, which cannot pass a part on to {receiver}. Name a receiver of that channel.",
  },
  "sharing.books_need_pooled": {
    ...conflict,
    message:
      "The channel settles this payment to the merchant itself, so the platform cannot pass a part on to {receiver}. Name a receiver of the channel.",
  },
  "sharing.insufficient_balance": {
    ...later,
    message: "The merchant's balance does not cover these parts. Collect first, then ask again.",
  },
  "sharing.under_way": {
    ...later,
    message: "A sharing or a refund of this payment is under way. Ask again when it has ended.",
  },
  "sharing.nothing_to_retry": {
    ...conflict,
    message: "The sharing order is {status}: no part of it has failed and can be tried again.",
  },
  "sharing.return_exceeds_part": {
    ...invalid,
    message: "{receiver} can give back at most {returnable}: its part, less what came back or is about to.",
  },
  "sharing.cannot_return": {
    ...conflict,
    message: "{receiver} cannot give back by itself: {reason}.",
  },
  "refund.shared_money": {
    ...conflict,
    message:
      "At most {left} of this payment is left with the merchant: the rest was shared, and by its rule is not taken back. Refund that or less, or have receivers give back first.",
  },
  "refund.shares_under_way": {
    ...later,
    message:
      "A sharing of this payment is under way, so what can be taken back is not known. Ask again when it has ended.",
  },
});
