/** A dispute notice whose signature is good: recorded, told of by an event, and acknowledged. */
import type { ChannelDispute } from "../../channels/contract.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { type Attempt, findAttemptOfNotice, lockPayments, type Payment } from "../payment/index.ts";
import { type EventType, recordEvents } from "../webhook/index.ts";
import { type Dispute, isEnded, takeStatement } from "./dispute.ts";
import { presentDispute } from "./present-dispute.ts";
import type { DisputeServices } from "./services.ts";
import { insertDispute, loadDisputeByNumber, updateDispute } from "./store.ts";

/** Records what a channel states of a dispute about a payment of this merchant, and says whether to acknowledge it. */
export async function receiveDisputeNotice(
  services: DisputeServices,
  merchant_id: string,
  channel_account_id: string,
  stated: ChannelDispute,
): Promise<"recorded" | "unknown_number"> {
  const attempt = await findAttemptOfNotice(services.db, { merchant_id, channel_account_id }, stated);
  if (!attempt) return "unknown_number";
  const told = await services.db.transaction(async (tx) => {
    const key = { merchant_id, id: attempt.payment_id };
    const payment = (await lockPayments(tx, [key])).get(attempt.payment_id)!;
    const known = await loadDisputeByNumber(tx, attempt, stated.channel_dispute_no);
    const now = services.clock.now();
    const next = known ? takeStatement(known, stated, now) : newDispute(services, attempt, stated, now);
    if (!next) return false;
    await (known ? updateDispute(tx, next) : insertDispute(tx, next));
    await tellOf(services, tx, { before: known, after: next }, payment, attempt);
    return true;
  });
  if (told) services.kick.webhooks();
  return "recorded";
}

function newDispute(services: DisputeServices, attempt: Attempt, stated: ChannelDispute, now: number): Dispute {
  const { merchant_id, app_id, livemode, payment_id, channel, channel_account_id } = attempt;
  const { channel_dispute_no, status, reason, stated_at } = stated;
  return {
    ...{ merchant_id, app_id, livemode, payment_id, channel, channel_account_id },
    ...{ channel_dispute_no, status, reason, stated_at, ...stated.amount },
    id: services.ids.uuid(),
    attempt_id: attempt.id,
    respond_by: stated.respond_by ?? null,
    created_at: now,
    updated_at: now,
  };
}

async function tellOf(
  services: DisputeServices,
  tx: Transaction,
  { before, after }: { before: Dispute | undefined; after: Dispute },
  payment: Payment,
  attempt: Attempt,
): Promise<void> {
  const ended = isEnded(after) && !(before && isEnded(before));
  const types: EventType[] = before ? [] : ["dispute.created"];
  if (ended) types.push("dispute.closed");
  else if (before) types.push("dispute.updated");
  const { merchant_id, app_id, livemode } = after;
  const data = presentDispute(after, payment, attempt);
  // Events are listed by their ids: the beginning stays before the end.
  const ids = types.map(() => services.ids.uuid()).sort();
  await recordEvents(
    tx,
    types.map((type, index) => ({
      ...{ merchant_id, app_id, livemode, type, data },
      id: ids[index]!,
      object_id: after.id,
      created_at: after.updated_at,
      notify_url: payment.notify_url,
    })),
  );
}
