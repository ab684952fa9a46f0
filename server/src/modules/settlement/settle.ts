/** Settles: what became pending up to a cut-off becomes available, once. By cycle, and on request. */
import type { Transaction } from "../../kit/sql/database.ts";
import { workInHalves } from "../../kit/worker/in-halves.ts";
import { settlementErrors } from "./errors.ts";
import type { SettlementServices } from "./services.ts";
import { planRuns, type RunPlan } from "./settings.ts";
import { type Settling, settleTurns, type TurnResult } from "./settle-group.ts";
import type { Settlement, SettlementKey, SettlementSettings } from "./settlement.ts";
import { lockSettings, type NextRun, noteRuns, type RunNote, scheduleRuns } from "./store.ts";

/**
 * Settles everything up to now, whatever the cycle. Undefined when there is nothing, or less than the minimum.
 * @throws settlement.settings_missing, settlement.in_review
 */
export async function runSettlement(services: Settling, key: SettlementKey): Promise<Settlement | undefined> {
  const result = await services.db.transaction((tx) => settleNow(services, tx, key));
  services.kick.webhooks();
  return "settlement" in result ? result.settlement : undefined;
}

/**
 * The same in the caller's transaction.
 * @throws settlement.settings_missing, settlement.in_review
 */
export async function settleNow(services: Settling, tx: Transaction, key: SettlementKey): Promise<TurnResult> {
  const [settings] = await lockSettings(tx, [key]);
  if (!settings) throw settlementErrors["settlement.settings_missing"]({ values: { currency: key.currency } });
  const [result] = await settleTurns(services, tx, [{ settings, cut_off_at: services.clock.now() }]);
  if (result!.outcome === "waits") throw settlementErrors["settlement.in_review"]();
  return result!;
}

/**
 * Does the runs that are due, unless somebody has, and plans the next of each. A day that an outage has left out is a run of
 * its own, with the cut-off that it would have had. If a group fails, its halves are tried, so that one merchant whose
 * run cannot be done holds up nobody else.
 */
export async function runDueSettlements(services: SettlementServices, keys: readonly SettlementKey[]): Promise<void> {
  await workInHalves(keys, (some) => services.db.transaction((tx) => runGroup(services, tx, some)));
  services.kick.webhooks();
}

async function runGroup(services: SettlementServices, tx: Transaction, keys: readonly SettlementKey[]): Promise<void> {
  const group = await lockSettings(tx, keys);
  if (group.length === 0) return;
  const plans = await planRuns(tx, group);
  const now = services.clock.now();
  // A run that is not due (the calendar or the settings have changed, or somebody was faster) is only planned anew.
  const isNow = plans.map(({ due }, index) => due?.run.day === group[index]!.next_day && due!.times.at <= now);
  const places = group.map((_, index) => index).filter((index) => isNow[index]);
  warnOfYears(services, group, plans, places);
  const turns = places.map((index) => ({ settings: group[index]!, cut_off_at: plans[index]!.due!.times.cut_off_at }));
  const results = turns.length === 0 ? [] : await settleTurns(services, tx, turns);
  const resultAt = new Map(places.map((place, index) => [place, results[index]!]));
  await scheduleRuns(
    tx,
    group.map((settings, index) => nextRunOf(settings, plans[index]!, resultAt.get(index))),
  );
  await noteRuns(
    tx,
    [...resultAt].flatMap(([place, result]) => noteOf(group[place]!, result, now)),
  );
}

function nextRunOf(settings: SettlementSettings, plan: RunPlan, result: TurnResult | undefined): NextRun {
  const { merchant_id, livemode, currency } = settings;
  const key = { merchant_id, livemode, currency };
  // It stays due; whoever decides on the batch that it waits for plans it again.
  if (result?.outcome === "waits") return { ...key, next_day: settings.next_day, due_at: null };
  const next = result === undefined ? plan.due : plan.following;
  return { ...key, next_day: next?.run.day ?? null, due_at: next?.times.at ?? null };
}

function noteOf(settings: SettlementSettings, result: TurnResult, last_ran_at: number): RunNote[] {
  if (result.outcome === "waits") return [];
  const { merchant_id, livemode, currency, next_day } = settings;
  return [{ merchant_id, livemode, currency, last_day: next_day!, last_ran_at, last_outcome: result.outcome }];
}

function warnOfYears(
  { log }: SettlementServices,
  group: readonly SettlementSettings[],
  plans: readonly RunPlan[],
  places: readonly number[],
): void {
  const unknown = places.filter((place) => !plans[place]!.is_known).map((place) => group[place]!);
  for (const { calendar, next_day: day } of new Map(unknown.map((one) => [one.calendar, one])).values()) {
    log.warn({ calendar, day }, "the calendar's year is not known: only weekends are taken as days off");
  }
}
