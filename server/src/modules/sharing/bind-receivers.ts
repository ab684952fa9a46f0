/** Has a channel account know receivers before it shares with them, and forget those that were disabled. */
import type { ChannelFailure } from "../../channels/contract.ts";
import { queryDelay_ms } from "../payment/index.ts";
import { openReceiver } from "./create-receiver.ts";
import { type OpenedChannel, openSharingChannel } from "./open-channel.ts";
import type { Binding, Receiver } from "./receiver.ts";
import { beginBinding, loadBindings, loadReceivers, updateBinding } from "./receiver-store.ts";
import type { SharingServices } from "./services.ts";

export interface BoundReceivers {
  /** Why it is not known whether all are bound; undefined when it is known of each. */
  unknown_reason: string | undefined;
  /** Whom the channel refused, by the receiver's id. */
  refused: ReadonlyMap<string, ChannelFailure>;
}

/** Adds those that the account does not know yet. Adding one that it knows changes nothing, so it may be done again. */
export async function bindReceivers(
  services: SharingServices,
  opened: OpenedChannel,
  { merchant_id, channel_account_id, channel }: { merchant_id: string; channel_account_id: string; channel: string },
  receivers: readonly Receiver[],
): Promise<BoundReceivers> {
  const ids = receivers.map(({ id }) => id);
  const known = await loadBindings(services.db, { merchant_id, channel_account_id }, ids);
  const refused = new Map<string, ChannelFailure>();
  let unknown_reason: string | undefined;
  for (const receiver of receivers) {
    const earlier = known.get(receiver.id);
    if (earlier?.status === "bound") continue;
    const place = { merchant_id, receiver_id: receiver.id, channel_account_id, channel };
    await beginBinding(services.db, place, services.clock.now());
    const binding: Binding = {
      ...{ ...place, status: "created", failure_code: null, failure_message: null },
      query_count: (earlier?.query_count ?? 0) + 1,
    };
    const failure = await addReceiver(services, opened, receiver, binding);
    if (failure === "unknown") unknown_reason = "receiver_unknown";
    else if (failure) refused.set(receiver.id, failure);
  }
  return { unknown_reason, refused };
}

async function addReceiver(
  services: SharingServices,
  { channel, sharing, account }: OpenedChannel,
  receiver: Receiver,
  binding: Binding,
): Promise<ChannelFailure | "unknown" | undefined> {
  const particulars = openReceiver(services, receiver);
  const name = `${channel.id}.receivers`;
  const outcome = await services.channels.run(name, account, sharing.addReceiver, particulars);
  const now = services.clock.now();
  if (outcome.kind === "succeeded") {
    await updateBinding(services.db, { ...binding, status: "bound", query_count: 0 }, null, now);
    return undefined;
  }
  if (outcome.kind !== "failed") return "unknown";
  const { code: failure_code, message: failure_message } = outcome.failure;
  await updateBinding(services.db, { ...binding, status: "failed", failure_code, failure_message }, null, now);
  return outcome.failure;
}

/** Takes a disabled receiver away from an account. A refusal says that the account does not know it, which is as good. */
export async function removeBinding(services: SharingServices, binding: Binding): Promise<void> {
  const { channel, sharing, account } = await openSharingChannel(services, binding);
  const receivers = await loadReceivers(services.db, binding.merchant_id, [binding.receiver_id]);
  const receiver = openReceiver(services, receivers.get(binding.receiver_id)!);
  const outcome = await services.channels.run(`${channel.id}.receivers`, account, sharing.removeReceiver, receiver);
  const now = services.clock.now();
  if (outcome.kind !== "succeeded" && outcome.kind !== "failed") {
    const again = { ...binding, query_count: binding.query_count + 1 };
    return updateBinding(services.db, again, now + queryDelay_ms(binding.query_count), now);
  }
  const failure = outcome.kind === "failed" ? outcome.failure : undefined;
  const removed: Binding = {
    ...{ ...binding, status: "removed", query_count: 0 },
    ...{ failure_code: failure?.code ?? null, failure_message: failure?.message ?? null },
  };
  await updateBinding(services.db, removed, null, now);
}
