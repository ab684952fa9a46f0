/** Disputes: opened by the payer (the control plane, or a card that always disputes), answered and decided. */
import type { Sandbox } from "../context.ts";
import { ControlError, type Fields } from "../kit/input.ts";
import { refuseMissing, type StripeCall } from "./answer.ts";
import { announce } from "./notice.ts";
import { showDispute } from "./objects.ts";
import type { DisputeStatus, StripeDispute, StripeTrade } from "./state.ts";

const answer_ms_max = 9 * 86_400_000;

/** Opens a dispute and tells of it. Throws ControlError 409 when nothing was paid. */
export function openDispute(
  sandbox: Sandbox,
  trade: StripeTrade,
  { reason, amount }: { reason: string; amount: bigint },
): StripeDispute {
  if (trade.paid_at_ms === undefined) throw new ControlError(409, "Only a paid session can be disputed.");
  if (amount < 1n || amount > trade.total) throw new ControlError(400, `"amount" must be from 1 to ${trade.total}.`);
  const now_ms = sandbox.clock.now();
  const dispute: StripeDispute = {
    id: `du_${sandbox.random.token(24)}`,
    amount: amount.toString(),
    reason,
    status: "needs_response",
    created_at_ms: now_ms,
    due_at_ms: now_ms + answer_ms_max,
  };
  trade.disputes.push(dispute);
  tell(sandbox, trade, dispute, "charge.dispute.created");
  return dispute;
}

/** Moves an open dispute on: evidence was given, or the bank has decided. Throws ControlError 404 or 409. */
export function moveDispute(sandbox: Sandbox, trade: StripeTrade, status: DisputeStatus): StripeDispute {
  const dispute = trade.disputes.at(-1);
  if (dispute === undefined) throw new ControlError(404, "This session has no dispute.");
  if (dispute.status === "won" || dispute.status === "lost") {
    throw new ControlError(409, `The dispute is ${dispute.status} already.`);
  }
  dispute.status = status;
  const ended = status === "won" || status === "lost";
  tell(sandbox, trade, dispute, ended ? "charge.dispute.closed" : "charge.dispute.updated");
  return dispute;
}

function tell(sandbox: Sandbox, trade: StripeTrade, dispute: StripeDispute, event: string): void {
  announce(sandbox, trade, event, { object: showDispute(trade, dispute) });
  sandbox.changed();
}

export function readDispute(sandbox: Sandbox, { account }: StripeCall, id: string): Fields {
  for (const trade of sandbox.stripe.trades.values()) {
    const dispute = trade.disputes.find((item) => item.id === id);
    if (dispute !== undefined && trade.account_id === account.account_id) return showDispute(trade, dispute);
  }
  return refuseMissing("dispute", id);
}
