/** Tells the channel of parts whose money is set aside, asks what became of them, and records it. */
import type { SharedPart, ShareInput, ShareOutcome, Sharing } from "../../channels/contract.ts";
import { bindReceivers } from "./bind-receivers.ts";
import { openReceiver } from "./create-receiver.ts";
import { CALL_LEASE_MS } from "./new-order.ts";
import { type OpenedChannel, openSharingChannel, paidAttempt } from "./open-channel.ts";
import { markSent, postponeOrder } from "./order-store.ts";
import type { Receiver } from "./receiver.ts";
import { forgetBindings, loadReceivers } from "./receiver-store.ts";
import { recordShares } from "./record-shares.ts";
import type { SharingServices } from "./services.ts";
import type { SharingOrder, SharingPart } from "./sharing.ts";

/** What the channel was asked, on which depends what its "failed" is worth; as of refunds. */
type Source = "request" | "repetition" | "channel";

/** @param parts those of the order that its channel passes on and that are open. */
export async function shareAtChannel(
  services: SharingServices,
  order: SharingOrder,
  parts: readonly SharingPart[],
): Promise<void> {
  if (services.clock.now() < order.ready_at) return postponeOrder(services.db, order, order.ready_at);
  const opened = await openSharingChannel(services, order);
  const ids = parts.map(({ receiver_id }) => receiver_id);
  const receivers = await loadReceivers(services.db, order.merchant_id, ids);
  if (order.sent_at === null) return sendFirst(services, { order, opened, receivers }, parts);
  const input = await shareInput(services, order, parts, receivers);
  const asked = await run(services, opened, "share_query", opened.sharing.queryShare, input);
  if (asked.kind !== "not_found") return record(services, order, { parts, input }, asked, "channel");
  const again = await run(services, opened, "share", opened.sharing.share, input);
  return record(services, order, { parts, input }, again, "repetition");
}

interface Sending {
  order: SharingOrder;
  opened: OpenedChannel;
  receivers: ReadonlyMap<string, Receiver>;
}

/** The channel must know the receivers first; whom it refuses gets nothing, and the others theirs. */
async function sendFirst(
  services: SharingServices,
  { order, opened, receivers }: Sending,
  parts: readonly SharingPart[],
): Promise<void> {
  const bound = await bindReceivers(services, opened, order, [...receivers.values()]);
  if (bound.unknown_reason !== undefined) {
    const open = { status: "unknown", unknown_reason: bound.unknown_reason } as const;
    return recordShares(services, order, { ended: new Map(), open });
  }
  const refused = parts.filter(({ receiver_id }) => bound.refused.has(receiver_id));
  if (refused.length > 0) {
    const ended = refused.map(({ id, receiver_id }) => {
      return [id, { status: "failed", failure: bound.refused.get(receiver_id)! }] as const;
    });
    await recordShares(services, order, { ended: new Map(ended) });
  }
  const rest = parts.filter((part) => !refused.includes(part));
  if (rest.length === 0) return;
  const now = services.clock.now();
  // From here on the channel may have been told.
  if (!(await markSent(services.db, order, now, now + CALL_LEASE_MS))) return;
  const input = await shareInput(services, order, rest, receivers);
  const outcome = await run(services, opened, "share", opened.sharing.share, input);
  await record(services, order, { parts: rest, input }, outcome, "request");
}

async function shareInput(
  services: SharingServices,
  order: SharingOrder,
  parts: readonly SharingPart[],
  receivers: ReadonlyMap<string, Receiver>,
): Promise<ShareInput> {
  const { reference } = await paidAttempt(services, order);
  return {
    attempt: reference,
    sharing_no: order.sharing_no,
    parts: parts.map(({ receiver_id, amount, currency, description }) => ({
      receiver: openReceiver(services, receivers.get(receiver_id)!),
      amount: { amount, currency },
      description,
    })),
    // The rest is released by a request of its own: what fails here can be tried again.
    final: false,
    created_at: order.created_at,
  };
}

function run(
  services: SharingServices,
  { channel, account }: OpenedChannel,
  name: string,
  operation: Sharing["share"],
  input: ShareInput,
): Promise<ShareOutcome> {
  return services.channels.run(`${channel.id}.${name}`, account, operation, input);
}

interface Told {
  parts: readonly SharingPart[];
  /** In the order of `parts`. */
  input: ShareInput;
}

async function record(
  services: SharingServices,
  order: SharingOrder,
  told: Told,
  outcome: ShareOutcome,
  from: Source,
): Promise<void> {
  switch (outcome.kind) {
    case "pending":
    case "finished": {
      const open = outcome.kind === "pending" ? ({ status: "sent", unknown_reason: null } as const) : undefined;
      const channel_sharing_no = outcome.kind === "finished" ? outcome.channel_sharing_no : undefined;
      return recordShares(services, order, { ended: readEnds(told, outcome.parts), open, channel_sharing_no });
    }
    case "failed": {
      const isFinal = from !== "repetition" || order.failure_code !== null;
      const open = { status: "unknown", unknown_reason: "refused" } as const;
      if (!isFinal) return recordShares(services, order, { ended: new Map(), open, refusal: outcome.failure });
      // It may be that the channel has forgotten a receiver: the next try adds them again.
      const receiver_ids = told.parts.map(({ receiver_id }) => receiver_id);
      await forgetBindings(services.db, order, receiver_ids, services.clock.now());
      const end = { status: "failed", failure: outcome.failure } as const;
      return recordShares(services, order, { ended: new Map(told.parts.map(({ id }) => [id, end])) });
    }
    case "not_found":
      return recordOpen(services, order, "unreadable");
    case "unknown":
      return recordOpen(services, order, outcome.reason);
  }
}

function recordOpen(services: SharingServices, order: SharingOrder, unknown_reason: string): Promise<void> {
  return recordShares(services, order, { ended: new Map(), open: { status: "unknown", unknown_reason } });
}

/** No order names a receiver twice, so an account tells whose part it is. */
function readEnds({ parts, input }: Told, shared: readonly SharedPart[]) {
  const ended = parts.flatMap(({ id }, index) => {
    const { kind, account } = input.parts[index]!.receiver;
    const found = shared.find(({ receiver }) => receiver.kind === kind && receiver.account === account);
    if (!found || found.status === "pending") return [];
    return [[id, { status: found.status, failure: found.failure }] as const];
  });
  return new Map(ended);
}
