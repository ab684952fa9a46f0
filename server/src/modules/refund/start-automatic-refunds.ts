import { encodeUuid, type IdSource } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { Attempt } from "../payment/index.ts";
import { insertRefunds } from "./store.ts";

/**
 * The payer paid twice: each duplicate's money goes back whole. Written in the transaction that records the duplicate,
 * or that its last refund has failed; the worker sends it.
 * @param due_at when; at once unless given.
 */
export async function startAutomaticRefunds(
  ids: IdSource,
  tx: Transaction,
  duplicates: readonly Attempt[],
  at: number,
  due_at = at,
): Promise<void> {
  const refunds = duplicates.map((attempt) => {
    const id = ids.uuid();
    return {
      merchant_id: attempt.merchant_id,
      id,
      app_id: attempt.app_id,
      livemode: attempt.livemode,
      payment_id: attempt.payment_id,
      attempt_id: attempt.id,
      channel: attempt.channel,
      out_refund_no: null,
      request_hash: null,
      refund_no: encodeUuid(id),
      status: "created" as const,
      amount: attempt.amount,
      currency: attempt.currency,
      reason: "duplicate payment",
      fee_amount: 0n,
      cost_amount: attempt.cost_returns ? attempt.cost_amount : 0n,
      from_available: 0n,
      from_reserve: 0n,
      commissions: null,
      held: true,
      from_receivers: 0n,
      channel_refund_no: null,
      failure_code: null,
      failure_message: null,
      unknown_reason: null,
      created_at: at,
      sent_at: null,
      finished_at: null,
      query_count: 0,
    };
  });
  await insertRefunds(tx, refunds, due_at);
}
