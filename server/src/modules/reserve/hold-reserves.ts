/** Holding back, in the transaction that posts settlements, whose books it has locked. */
import type { IdSource } from "../../kit/id.ts";
import { addDays, dayOf, localDay } from "../../kit/local-day.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { loadTimeZones } from "../merchant/index.ts";
import { type Reserve, type ReserveKey, type ReserveKind, type ReserveSettings, splitSettlement } from "./reserve.ts";
import { insertReserves, loadNextChanges, loadSettingsAt, sumFixedHeld } from "./store.ts";

/** A settlement that is about to be posted. */
export interface SettledAmount extends ReserveKey {
  readonly id: string;
  readonly amount: bigint;
  readonly cut_off_at: number;
}

/** What it leaves behind. */
export interface ReservePlan extends Record<ReserveKind, bigint> {
  readonly settlement: SettledAmount;
  /** When the rolling part is released; null where there is none. */
  readonly release_at: number | null;
}

/** Says what each settlement leaves behind, by the settings in force at its cut-off, in the order of the settlements. */
export async function planReserves(sql: Sql, settlements: readonly SettledAmount[]): Promise<ReservePlan[]> {
  const settings = await loadSettingsAt(
    sql,
    settlements.map((settlement) => ({ ...settlement, at: settlement.cut_off_at })),
  );
  const places = settings.flatMap((one, place) => (one === undefined ? [] : [place]));
  const plans = settlements.map(
    (settlement): ReservePlan => ({ settlement, rolling: 0n, fixed: 0n, release_at: null }),
  );
  if (places.length === 0) return plans;
  const concerned = places.map((place) => settlements[place]!);
  const [held, time_zones] = [
    await sumFixedHeld(sql, concerned),
    await loadTimeZones(sql, [...new Set(concerned.map(({ merchant_id }) => merchant_id))]),
  ];
  for (const [index, place] of places.entries()) {
    const settlement = settlements[place]!;
    const parts = splitSettlement(settings[place]!, settlement.amount, held[index]!);
    const time_zone = time_zones.get(settlement.merchant_id)!;
    const release_at = parts.rolling > 0n ? releaseTime(settings[place]!, settlement.cut_off_at, time_zone) : null;
    plans[place] = { settlement, ...parts, release_at };
  }
  return plans;
}

/** Days count from the day of the cut-off, so that a run that an outage has delayed holds nothing for longer. */
function releaseTime({ rolling_days }: ReserveSettings, cut_off_at: number, time_zone: string): number {
  return dayOf(addDays(localDay(cut_off_at, time_zone), rolling_days), time_zone)!.from;
}

/** Writes what settlements left behind, after they were posted. */
export async function holdReserves(
  tx: Transaction,
  ids: IdSource,
  plans: readonly ReservePlan[],
  now: number,
): Promise<void> {
  const reserves = plans.flatMap(({ settlement, release_at, rolling, fixed }): Reserve[] => {
    const { merchant_id, livemode, currency, id: settlement_id } = settlement;
    const head = { merchant_id, livemode, currency, settlement_id, released_amount: 0n, drawn_amount: 0n };
    const parts = [
      { kind: "rolling", amount: rolling, release_at },
      { kind: "fixed", amount: fixed, release_at: null },
    ] as const;
    const kept = parts.filter(({ amount }) => amount > 0n);
    return kept.map((part) => ({ ...head, ...part, id: ids.uuid(), created_at: now }));
  });
  if (reserves.length === 0) return;
  const changes = await loadNextChanges(tx, reserves, now);
  const due = reserves.map(({ kind, release_at }, place) => (kind === "rolling" ? release_at : changes[place]!));
  await insertReserves(tx, reserves, due);
}
