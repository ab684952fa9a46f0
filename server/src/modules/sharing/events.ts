import type { Payment } from "../payment/index.ts";
import type { EventType, NewEvent } from "../webhook/index.ts";
import { presentOrder, presentReturn } from "./present.ts";
import type { SharingServices } from "./services.ts";
import type { SharingOrder, SharingPart, SharingReturn } from "./sharing.ts";

type Telling = Pick<SharingServices, "ids" | "clock">;
type Told = Pick<Payment, "out_trade_no" | "notify_url">;

/** What the order's app is told of it. */
export function orderEvent(
  { ids, clock }: Telling,
  type: Extract<EventType, `sharing_order.${string}`>,
  payment: Told,
  order: SharingOrder,
  parts: readonly SharingPart[],
): NewEvent {
  const { merchant_id, app_id, livemode, id: object_id } = order;
  const data = presentOrder(order, parts, payment);
  const { notify_url } = payment;
  return { id: ids.uuid(), merchant_id, app_id, livemode, type, object_id, data, created_at: clock.now(), notify_url };
}

/** What the return's app is told of it. */
export function returnEvent({ ids, clock }: Telling, payment: Told, part: SharingPart, made: SharingReturn): NewEvent {
  const { merchant_id, app_id, livemode, id: object_id } = made;
  const type = made.status === "succeeded" ? ("sharing_return.succeeded" as const) : ("sharing_return.failed" as const);
  const data = presentReturn(made, part);
  const { notify_url } = payment;
  return { id: ids.uuid(), merchant_id, app_id, livemode, type, object_id, data, created_at: clock.now(), notify_url };
}
