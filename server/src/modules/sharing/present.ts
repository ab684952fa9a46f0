/** Wire shapes of this module, as the API and events show them. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Payment, PlannedShare } from "../payment/index.ts";
import type { Binding, Receiver, ReceiverGroup } from "./receiver.ts";
import {
  heldByReceiver,
  type SharingOrder,
  type SharingPart,
  type SharingRelease,
  type SharingReturn,
} from "./sharing.ts";

const time = (at: number | null) => (at === null ? null : toRfc3339(at));
const failureOf = ({
  failure_code,
  failure_message,
}: {
  failure_code: string | null;
  failure_message: string | null;
}) => (failure_code === null ? null : { code: failure_code, message: failure_message ?? "" });

/** A receiver; accounts and names are shown masked. */
export function presentReceiver(receiver: Receiver, bindings: readonly Binding[] = []) {
  return {
    id: publicId("receiver", receiver.id),
    object: "receiver" as const,
    livemode: receiver.livemode,
    kind: receiver.kind,
    merchant: receiver.receiver_merchant_id === null ? null : publicId("merchant", receiver.receiver_merchant_id),
    channel: receiver.channel,
    account: receiver.account_mask,
    name: receiver.name_mask,
    label: receiver.label,
    status: receiver.status,
    channel_accounts: bindings.map((binding) => ({
      channel_account: publicId("channel_account", binding.channel_account_id),
      status: binding.status,
      failure: failureOf(binding),
    })),
    created_at: toRfc3339(receiver.created_at),
  };
}

/** One receiver of a group or a plan. */
export function presentShare({ receiver_id, amount, ratio_ppm, description }: PlannedShare) {
  return {
    receiver: publicId("receiver", receiver_id),
    amount: amount === undefined ? null : Number(amount),
    ratio_ppm: ratio_ppm ?? null,
    description: description ?? null,
  };
}

export function presentGroup(group: ReceiverGroup) {
  return {
    id: publicId("receiver_group", group.id),
    object: "receiver_group" as const,
    livemode: group.livemode,
    name: group.name,
    members: group.members.map(presentShare),
    status: group.status,
    created_at: toRfc3339(group.created_at),
  };
}

export function presentPart(part: SharingPart) {
  return {
    id: publicId("sharing_part", part.id),
    receiver: publicId("receiver", part.receiver_id),
    mode: part.mode,
    status: part.status,
    amount: Number(part.amount),
    amount_returned: Number(part.returned_amount),
    amount_returning: Number(part.returning_amount + part.refunding_amount),
    description: part.description,
    retried: part.retried,
    failure: failureOf(part),
    finished_at: time(part.finished_at),
  };
}

/** @param parts all of the order's. */
export function presentOrder(
  order: SharingOrder,
  parts: readonly SharingPart[],
  payment: Pick<Payment, "out_trade_no">,
) {
  const standing = parts.filter(({ status }) => status !== "failed");
  return {
    id: publicId("sharing_order", order.id),
    object: "sharing_order" as const,
    livemode: order.livemode,
    status: order.status,
    payment: publicId("payment", order.payment_id),
    out_trade_no: payment.out_trade_no,
    out_sharing_no: order.out_sharing_no,
    sharing_no: order.sharing_no,
    channel_sharing_no: order.channel_sharing_no,
    channel: order.channel,
    currency: order.currency,
    amount: Number(standing.reduce((sum, { amount }) => sum + amount, 0n)),
    amount_returned: Number(parts.reduce((sum, { returned_amount }) => sum + returned_amount, 0n)),
    receivers: parts.map(presentPart),
    automatic: order.out_sharing_no === null,
    release: order.release_rest,
    refund_policy: order.refund_policy,
    failure: failureOf(order),
    unknown_reason: order.unknown_reason,
    created_at: toRfc3339(order.created_at),
    finished_at: time(order.finished_at),
  };
}

export function presentReturn(made: SharingReturn, part: Pick<SharingPart, "receiver_id">) {
  return {
    id: publicId("sharing_return", made.id),
    object: "sharing_return" as const,
    livemode: made.livemode,
    status: made.status,
    amount: Number(made.amount),
    currency: made.currency,
    sharing_order: publicId("sharing_order", made.order_id),
    payment: publicId("payment", made.payment_id),
    receiver: publicId("receiver", part.receiver_id),
    out_return_no: made.out_return_no,
    return_no: made.return_no,
    refund: made.refund_id === null ? null : publicId("refund", made.refund_id),
    with_refund: made.carried,
    failure: failureOf(made),
    unknown_reason: made.unknown_reason,
    created_at: toRfc3339(made.created_at),
    finished_at: time(made.finished_at),
  };
}

export function presentRelease(release: SharingRelease) {
  return {
    id: publicId("sharing_release", release.id),
    object: "sharing_release" as const,
    livemode: release.livemode,
    status: release.status,
    payment: publicId("payment", release.payment_id),
    release_no: release.release_no,
    failure: failureOf(release),
    unknown_reason: release.unknown_reason,
    created_at: toRfc3339(release.created_at),
    finished_at: time(release.finished_at),
  };
}

/** Where the sharing of a payment stands. */
export function presentPaymentSharing(
  payment: Payment,
  facts: { left: bigint; parts: readonly SharingPart[]; release: SharingRelease | undefined },
) {
  return {
    object: "payment_sharing" as const,
    payment: publicId("payment", payment.id),
    currency: payment.currency,
    amount: Number(payment.amount),
    shared: Number(facts.parts.reduce((sum, part) => sum + heldByReceiver(part), 0n)),
    left: Number(facts.left > 0n ? facts.left : 0n),
    held: payment.sharing?.hold ?? false,
    release: facts.release ? presentRelease(facts.release) : null,
  };
}
