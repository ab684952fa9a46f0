/** Disputes as PayPal's webhooks tell of them (Customer Disputes API v1). */
import type { ChannelContext, ChannelDispute, NoticeResult } from "../contract.ts";
import { asObject, type JsonObject, textOf } from "../wire-json.ts";
import { fromPaypalMoney } from "./amounts.ts";
import { openPaypalAccount } from "./config.ts";
import { timeOf } from "./order.ts";

/** Waiting for the seller or just begun: the merchant may answer. Waiting for anybody else: it may not. */
const openStates: Readonly<Record<string, ChannelDispute["status"]>> = {
  OPEN: "needs_response",
  WAITING_FOR_SELLER_RESPONSE: "needs_response",
  WAITING_FOR_BUYER_RESPONSE: "under_review",
  UNDER_REVIEW: "under_review",
  OTHER: "under_review",
};

/** Who got the money. An outcome that is not listed (taken back by the buyer, borne by PayPal) costs the merchant nothing. */
const outcomes: Readonly<Record<string, ChannelDispute["status"]>> = {
  RESOLVED_SELLER_FAVOUR: "won",
  DENIED: "won",
  RESOLVED_BUYER_FAVOUR: "lost",
  ACCEPTED: "lost",
};

function statusOf(resource: JsonObject): ChannelDispute["status"] {
  const status = textOf(resource, "status") ?? "OTHER";
  if (status !== "RESOLVED") return Object.hasOwn(openStates, status) ? openStates[status]! : "under_review";
  const outcome = textOf(asObject(resource.dispute_outcome), "outcome_code") ?? "";
  return Object.hasOwn(outcomes, outcome) ? outcomes[outcome]! : "closed";
}

/** Reads the resource of a dispute's event. A dispute of several payments is told of the first; PayPal has no others. */
export function readDispute({ account, clock }: ChannelContext, resource: JsonObject): NoticeResult {
  const [first] = Array.isArray(resource.disputed_transactions) ? resource.disputed_transactions : [];
  const transaction = asObject(first);
  const seller = textOf(asObject(transaction?.seller), "merchant_id");
  if (seller !== undefined && seller !== openPaypalAccount(account).merchant_id) {
    return { kind: "rejected", detail: "the dispute is of another merchant" };
  }
  const number = textOf(resource, "dispute_id");
  const asked = asObject(resource.dispute_amount);
  const [currencyCode, value] = [textOf(asked, "currency_code"), textOf(asked, "value")];
  const amount = currencyCode && value ? fromPaypalMoney({ currencyCode, value }) : undefined;
  if (!number || !amount || !transaction) return { kind: "rejected", detail: "a dispute lacks its particulars" };
  return {
    kind: "dispute",
    owner: textOf(transaction, "custom"),
    dispute: {
      channel_dispute_no: number,
      serial_no: textOf(transaction, "invoice_number"),
      channel_trade_no: textOf(transaction, "seller_transaction_id"),
      amount,
      reason: textOf(resource, "reason") ?? "OTHER",
      status: statusOf(resource),
      respond_by: timeOf(textOf(resource, "seller_response_due_date")),
      stated_at: timeOf(textOf(resource, "update_time")) ?? clock.now(),
    },
  };
}
