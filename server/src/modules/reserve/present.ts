/** The wire shape of reserves. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { heldOf, type Reserve, type ReserveHistory } from "./reserve.ts";

/** A part as the API and events show it; what is held, released and drawn sums to its amount. */
export function presentReserve(reserve: Reserve) {
  const held = heldOf(reserve);
  return {
    id: publicId("reserve", reserve.id),
    object: "reserve" as const,
    livemode: reserve.livemode,
    status: held > 0n ? ("held" as const) : ("released" as const),
    kind: reserve.kind,
    currency: reserve.currency,
    amount: Number(reserve.amount),
    held: Number(held),
    released: Number(reserve.released_amount),
    drawn: Number(reserve.drawn_amount),
    settlement: publicId("settlement", reserve.settlement_id),
    release_at: reserve.release_at === null ? null : toRfc3339(reserve.release_at),
    created_at: toRfc3339(reserve.created_at),
  };
}

/** The same with what became of it. */
export function presentReserveWithHistory(reserve: Reserve, { releases, draws }: ReserveHistory) {
  return {
    ...presentReserve(reserve),
    releases: releases.map(({ id, amount, reason, created_at }) => ({
      ...{ id: publicId("reserve_release", id), amount: Number(amount), reason, created_at: toRfc3339(created_at) },
    })),
    draws: draws.map(({ refund_id, amount, returned_at }) => ({
      ...{ refund: publicId("refund", refund_id), amount: Number(amount) },
      returned_at: returned_at === null ? null : toRfc3339(returned_at),
    })),
  };
}
