/**
 * Refunds of shared payments. What is left with the merchant pays first. What is missing, receivers give back: before the
 * refund, or within it where the channel takes parts back so; unless the rule of their order refuses the refund or has the
 * merchant pay.
 */
import type { Channel, SharingPart as ChannelPart } from "../../channels/contract.ts";
import type { TributaryError } from "../../kit/error.ts";
import { allocate } from "../../kit/money.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { lockPayments } from "../payment/index.ts";
import type { Refund, SharedRefundPlan, SharedRefunds, WantedRefund } from "../refund/index.ts";
import { openReceiver } from "./create-receiver.ts";
import { newReturn } from "./create-return.ts";
import { sharingErrors } from "./errors.ts";
import { leftToShare } from "./left.ts";
import { addToReturns, loadOrdersOfPayment, loadPartsOfOrders, loadPartsOfPayment } from "./order-store.ts";
import type { Receiver } from "./receiver.ts";
import { loadReceivers } from "./receiver-store.ts";
import { endReturn } from "./record-return.ts";
import { insertReturn, loadReturnsOfRefund } from "./return-store.ts";
import type { SharingServices } from "./services.ts";
import { isOpen, returnable, type SharingOrder, type SharingPart } from "./sharing.ts";

/** What the refund module asks. */
export function createSharedRefunds(services: SharingServices): SharedRefunds {
  return {
    plan: (tx, wanted) => planRefund(services, tx, wanted),
    partsOf: (refund) => carriedParts(services, refund),
    end: (tx, refund, succeeded) => endCarried(services, tx, refund, succeeded),
    kick: () => services.kick.sharings(),
  };
}

/** What is asked back of one part. */
interface Claim {
  part: SharingPart;
  amount: bigint;
  /** Within the channel's refund. */
  carried: boolean;
}

async function planRefund(services: SharingServices, tx: Transaction, wanted: WantedRefund): Promise<SharedRefundPlan> {
  const { payment, attempt, refund, earlier } = wanted;
  const [parts, orders] = await Promise.all([loadPartsOfPayment(tx, payment), loadOrdersOfPayment(tx, payment)]);
  const ids = [...new Set(parts.map(({ receiver_id }) => receiver_id))];
  const receivers = await loadReceivers(tx, payment.merchant_id, ids);
  const channel = services.getChannel(attempt.channel);
  const counted = earlier.filter(({ attempt_id }) => attempt_id === attempt.id);
  const left = leftToShare(attempt, counted, parts);
  const owed = refund.amount - refund.fee_amount;
  const spare = left > 0n ? left : 0n;
  const missing = owed > spare ? owed - spare : 0n;
  const proportional = channel?.sharing?.proportionalReturns?.includes(attempt.method) === true;
  // What the channel takes by its own rule depends on what it has passed on by then.
  if (proportional && parts.some((part) => part.mode === "channel" && isOpen(part))) {
    return { kind: "refused", error: sharingErrors["refund.shares_under_way"]() };
  }
  const taken = proportional ? takenByChannel(parts, wanted) : [];
  const decided = decide({ parts, orders, receivers, channel, missing, taken, proportional, left: spare });
  if ("error" in decided) return { kind: "refused", error: decided.error };
  const claims = leaveSomething(decided.claims, refund.amount);
  const from_receivers = sumOf(claims.filter(({ carried }) => carried));
  refund.from_receivers = from_receivers;
  const write = () => writeClaims(services, tx, refund, orders, claims);
  return claims.some(({ carried }) => !carried) ? { kind: "later", write } : { kind: "now", from_receivers, write };
}

function smaller(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}

const sumOf = (claims: readonly Claim[]) => claims.reduce((sum, { amount }) => sum + amount, 0n);

/** What the channel takes from each receiver by its own rule. */
function takenByChannel(parts: readonly SharingPart[], { payment, refund }: WantedRefund): Claim[] {
  return parts
    .filter(({ mode, status }) => mode === "channel" && status === "succeeded")
    .map((part) => {
      const share = (part.amount * refund.amount) / payment.amount;
      const most = returnable(part);
      return { part, amount: smaller(share, most), carried: true };
    })
    .filter(({ amount }) => amount > 0n);
}

interface Facts {
  parts: readonly SharingPart[];
  orders: readonly SharingOrder[];
  receivers: ReadonlyMap<string, Receiver>;
  channel: Channel | undefined;
  /** What the merchant has not got left of the payment. */
  missing: bigint;
  taken: readonly Claim[];
  proportional: boolean;
  left: bigint;
}

/** Who gives back how much: in proportion to what each could. */
function decide(facts: Facts): { claims: readonly Claim[] } | { error: TributaryError } {
  const { parts, orders, missing, taken, left } = facts;
  const rest = missing - sumOf(taken);
  if (rest <= 0n) return { claims: taken };
  if (parts.some(isOpen)) return { error: sharingErrors["refund.shares_under_way"]() };
  const policyOf = new Map(orders.map(({ id, refund_policy }) => [id, refund_policy]));
  const standing = parts.filter((part) => returnable(part) > 0n);
  if (standing.some(({ order_id }) => policyOf.get(order_id) === "refuse")) {
    return { error: sharingErrors["refund.shared_money"]({ param: "amount", values: { left } }) };
  }
  const asked = standing.filter((part) => policyOf.get(part.order_id) === "return" && gives(facts, part));
  const weights = asked.map(returnable);
  const most = weights.reduce((sum, weight) => sum + weight, 0n);
  if (most === 0n) return { claims: taken };
  const amounts = allocate(smaller(rest, most), weights);
  const carries = facts.channel?.sharing?.returnShare === undefined;
  const claims = asked.map((part, index) => {
    return { part, amount: amounts[index]!, carried: part.mode === "channel" && carries };
  });
  return { claims: [...taken, ...claims.filter(({ amount }) => amount > 0n)] };
}

/** Whether anything can be asked back of a part besides what the channel takes by itself. */
function gives({ receivers, channel, proportional }: Facts, { mode, receiver_id }: SharingPart): boolean {
  if (mode === "books") return true;
  const kinds: readonly string[] = channel?.sharing?.returningKinds ?? [];
  return !proportional && kinds.includes(receivers.get(receiver_id)!.kind);
}

/** The channel refunds something of the merchant's own, if only a minor unit. */
function leaveSomething(claims: readonly Claim[], refunded: bigint): readonly Claim[] {
  const carried = claims.filter((claim) => claim.carried);
  if (sumOf(carried) < refunded) return claims;
  const last = carried.at(-1)!;
  const less = claims.map((claim) => (claim === last ? { ...claim, amount: claim.amount - 1n } : claim));
  return less.filter(({ amount }) => amount > 0n);
}

async function writeClaims(
  services: SharingServices,
  tx: Transaction,
  refund: Refund,
  orders: readonly SharingOrder[],
  claims: readonly Claim[],
): Promise<void> {
  const now = services.clock.now();
  for (const { part, amount, carried } of claims) {
    const order = orders.find(({ id }) => id === part.order_id)!;
    const facts = { id: services.ids.uuid(), order, part, amount, now };
    const made = newReturn(facts, { refund_id: refund.id, carried });
    await insertReturn(tx, made, carried ? null : now);
    const claimed = carried ? { returning: 0n, refunding: amount } : { returning: amount, refunding: 0n };
    await addToReturns(tx, part, { returned: 0n, ...claimed });
  }
}

/** What the refund says to the channel. */
async function carriedParts(services: SharingServices, refund: Refund): Promise<ChannelPart[]> {
  const { merchant_id } = refund;
  const returns = (await loadReturnsOfRefund(services.db, refund)).filter(({ carried }) => carried);
  const orders = [...new Set(returns.map(({ order_id }) => order_id))];
  const parts = new Map((await loadPartsOfOrders(services.db, merchant_id, orders)).map((part) => [part.id, part]));
  const ids = returns.map(({ part_id }) => parts.get(part_id)!.receiver_id);
  const receivers = await loadReceivers(services.db, merchant_id, ids);
  return returns.map(({ part_id, amount, currency }) => {
    const { receiver_id, description } = parts.get(part_id)!;
    const receiver = openReceiver(services, receivers.get(receiver_id)!);
    return { receiver, amount: { amount, currency }, description };
  });
}

const notRefunded = { code: "REFUND_FAILED", message: "The refund that was to take it back has failed." };

async function endCarried(
  services: SharingServices,
  tx: Transaction,
  refund: Refund,
  succeeded: boolean,
): Promise<void> {
  const { merchant_id, payment_id: id } = refund;
  const payment = (await lockPayments(tx, [{ merchant_id, id }])).get(id)!;
  const returns = (await loadReturnsOfRefund(tx, refund)).filter((one) => one.carried && isOpen(one));
  for (const made of returns) {
    const end = succeeded
      ? ({ status: "succeeded", from_available: 0n } as const)
      : ({ status: "failed", failure: notRefunded } as const);
    await endReturn(services, tx, payment, made, end);
  }
}
