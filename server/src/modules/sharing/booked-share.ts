import type { SharingOrder, SharingPart, SharingReturn } from "./sharing.ts";

type Where = Pick<SharingOrder, "channel_account_id" | "funding_mode">;

/** A part as the ledger's templates take it. */
export function bookedShare({ channel_account_id, funding_mode }: Where, part: SharingPart, occurred_at: number) {
  const { merchant_id, livemode, id: part_id, mode, currency, from_available } = part;
  const amount = { amount: part.amount, currency };
  return {
    merchant_id,
    livemode,
    part_id,
    channel_account_id,
    funding_mode,
    mode,
    amount,
    from_available,
    occurred_at,
  };
}

/** A return as the ledger's templates take it. */
export function bookedReturn(
  { channel_account_id, funding_mode }: Where,
  { mode }: SharingPart,
  made: SharingReturn,
  occurred_at: number,
) {
  const { merchant_id, livemode, id: return_id, currency } = made;
  const amount = { amount: made.amount, currency };
  return { merchant_id, livemode, return_id, channel_account_id, funding_mode, mode, amount, occurred_at };
}
