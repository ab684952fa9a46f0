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
  needs_response: { status: "WAITING_FOR_SELLER_RESPONSE" },
  under_review: { status: "UNDER_REVIEW" },
  won: { status: "RESOLVED", outcome: "RESOLVED_SELLER_FAVOUR" },
  lost: { status: "RESOLVED", outcome: "RESOLVED_BUYER_FAVOUR" },
  closed: { status: "RESOLVED", outcome: "CANCELED_BY_BUYER" },
} as const;
export type DisputeMove = keyof typeof moves;
export const dispute_moves = Object.keys(moves) as DisputeMove[];

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
    amount: trade.total,
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

/** Moves a dispute on. Throws ControlError 409 when it is resolved already. */
export function moveDispute(sandbox: Sandbox, trade: PaypalTrade, dispute: PaypalDispute, to: DisputeMove): void {
  if (dispute.status === "RESOLVED") throw new ControlError(409, `Dispute ${dispute.id} is resolved already.`);
  const move = moves[to];
  dispute.status = move.status;
  if ("outcome" in move) dispute.outcome = move.outcome;
  if (to !== "needs_response") delete dispute.respond_by_ms;
  dispute.updated_at_ms = Math.max(sandbox.clock.now(), dispute.updated_at_ms + 1_000);
  tell(sandbox, trade, dispute, to in moves && "outcome" in move ? "CUSTOMER.DISPUTE.RESOLVED" : "CUSTOMER.DISPUTE.UPDATED");
}
