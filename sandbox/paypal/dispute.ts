/** Disputes: the payer asks PayPal for the money back; opened and moved by the control plane. */
import type { Sandbox } from "../context.ts";
import { ControlError } from "../kit/input.ts";
import { describeDispute } from "./describe.ts";
import { announce } from "./notice.ts";
import { makePaypalId } from "./provision.ts";
import type { PaypalDispute, PaypalTrade } from "./state.ts";

const response_time_ms = 10 * 86_400_000;

/** What the control plane may make of a dispute, and how PayPal says it. */
const moves = {
  answer: { status: "UNDER_REVIEW" },
  win: { status: "RESOLVED", outcome: "RESOLVED_SELLER_FAVOUR" },
  lose: { status: "RESOLVED", outcome: "RESOLVED_BUYER_FAVOUR" },
  withdraw: { status: "RESOLVED", outcome: "CANCELED_BY_BUYER" },
} as const;

function tell(sandbox: Sandbox, trade: PaypalTrade, dispute: PaypalDispute, type: string): void {
  const resource = describeDispute(sandbox, trade, dispute);
  const summary = `Dispute with Case # ${dispute.id}`;
  announce(sandbox, trade, { type, resource_type: "dispute", summary, resource });
  sandbox.changed();
}

/** Opens a dispute about a paid order, of its whole amount. */
export function openDispute(sandbox: Sandbox, trade: PaypalTrade, reason: string): PaypalDispute {
  if (trade.paid_at_ms === undefined) throw new ControlError(409, "Only a paid order can be disputed. 订单未支付");
  const now_ms = sandbox.clock.now();
  const dispute: PaypalDispute = {
    id: `PP-D-${makePaypalId(sandbox, 8)}`,
    reason,
    status: "OPEN",
    created_at_ms: now_ms,
    updated_at_ms: now_ms,
    respond_by_ms: now_ms + response_time_ms,
  };
  trade.disputes.push(dispute);
  sandbox.paypal.by_dispute.set(dispute.id, trade);
  tell(sandbox, trade, dispute, "CUSTOMER.DISPUTE.CREATED");
  return dispute;
}

/** Moves the open dispute of an order on. Throws ControlError 409 when it has none. */
export function moveDispute(sandbox: Sandbox, trade: PaypalTrade, move: keyof typeof moves): PaypalDispute {
  const dispute = trade.disputes.find(({ status }) => status !== "RESOLVED");
  if (dispute === undefined) throw new ControlError(409, "The order has no open dispute. 没有进行中的争议");
  const to: { status: PaypalDispute["status"]; outcome?: string } = moves[move];
  dispute.status = to.status;
  if (to.outcome !== undefined) dispute.outcome = to.outcome;
  delete dispute.respond_by_ms;
  // PayPal tells times to the second: two moves must not share one.
  dispute.updated_at_ms = Math.max(sandbox.clock.now(), dispute.updated_at_ms + 1_000);
  const event = to.outcome === undefined ? "CUSTOMER.DISPUTE.UPDATED" : "CUSTOMER.DISPUTE.RESOLVED";
  tell(sandbox, trade, dispute, event);
  return dispute;
}
