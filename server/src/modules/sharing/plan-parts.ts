/** What is asked to be shared, made into one amount for each receiver. Pure. */
import { publicId } from "../../kit/id.ts";
import { applyRate } from "../../kit/money.ts";
import type { PlannedShare } from "../payment/index.ts";
import { sharingErrors } from "./errors.ts";

/** A receiver's part, before it is written. */
export interface PlannedPart {
  receiver_id: string;
  amount: bigint;
  description: string;
}

export const DESCRIPTION = "分账";

/**
 * Throws sharing.receiver_twice when somebody stands in it twice, also through a group and by itself, since two receivers of
 * one merchant are never the same person.
 */
export function refuseTwice(shares: readonly PlannedShare[]): void {
  const seen = new Set<string>();
  for (const { receiver_id } of shares) {
    if (seen.has(receiver_id)) {
      const receiver = publicId("receiver", receiver_id);
      throw sharingErrors["sharing.receiver_twice"]({ param: "receivers", values: { receiver } });
    }
    seen.add(receiver_id);
  }
}

/**
 * The parts of a payment of `amount`. Ratios are of the whole payment, each rounded down.
 * @param automatic leaves out who would get nothing, as a rule meets payments of any size; else that is refused.
 * Throws sharing.part_too_small.
 */
export function planParts(amount: bigint, shares: readonly PlannedShare[], automatic: boolean): PlannedPart[] {
  return shares.flatMap(({ receiver_id, ratio_ppm, amount: fixed, description = DESCRIPTION }) => {
    const part = fixed === undefined ? applyRate(amount, BigInt(ratio_ppm ?? 0), "down") : BigInt(fixed);
    if (part > 0n) return [{ receiver_id, amount: part, description }];
    if (automatic) return [];
    const receiver = publicId("receiver", receiver_id);
    throw sharingErrors["sharing.part_too_small"]({ param: "receivers", values: { receiver } });
  });
}
