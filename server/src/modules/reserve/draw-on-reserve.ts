/** Refunds draw on the reserve last. Whoever calls has locked the book. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { heldOf, type ReserveKey, takeFrom } from "./reserve.ts";
import { insertDraws, loadSettingsAt, lockHeldReserves, returnDraws } from "./store.ts";

/** What refunds may draw on the reserve; 0 where its settings do not allow it. */
export async function readReserveCover(tx: Transaction, key: ReserveKey, now: number): Promise<bigint> {
  const [settings] = await loadSettingsAt(tx, [{ ...key, at: now }]);
  if (!settings?.covers_refunds) return 0n;
  return (await lockHeldReserves(tx, key)).reduce((sum, reserve) => sum + heldOf(reserve), 0n);
}

export interface ReserveDraw extends ReserveKey {
  readonly refund_id: string;
  readonly amount: bigint;
}

/** Takes what a refund was posted with from the parts that are released soonest, and from the fixed sum last. */
export async function drawOnReserve(tx: Transaction, draw: ReserveDraw): Promise<void> {
  const taken = takeFrom(await lockHeldReserves(tx, draw), draw.amount);
  invariant(taken, "a refund draws no more than the reserve holds");
  await insertDraws(
    tx,
    taken.map(({ reserve, amount }) => ({ ...draw, reserve_id: reserve.id, amount })),
  );
}

/** Gives back what refunds drew that have failed. A part whose time has come meanwhile is released at once. */
export async function returnToReserve(
  tx: Transaction,
  refunds: readonly { readonly merchant_id: string; readonly refund_id: string }[],
  now: number,
): Promise<void> {
  if (refunds.length > 0) await returnDraws(tx, refunds, now);
}
