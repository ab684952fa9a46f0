/** How far settling is: what is due, late or waits for a person, and what was done, for the people who run the platform. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { instantAt } from "../../kit/local-day.ts";
import { loadTimeZones } from "../merchant/index.ts";
import { countDone, countRuns, loadNearRuns } from "./runs-store.ts";
import type { SettlementServices } from "./services.ts";
import { type RunOutcome, runOutcomes, type SettlementSettings } from "./settlement.ts";

/** A run that is not done so long after its time is late. */
const LATE_MS = 15 * 60_000;
/** Longer than a worker's lease: a run that is being done has its `due_at` so far ahead at most. */
const UNDER_WAY_MS = 10 * 60_000;
const DONE_SINCE_MS = 24 * 3_600_000;
const RUNS_MAX = 20_000;

export const runStates = ["due", "late", "waits_for_review"] as const;
export type RunState = (typeof runStates)[number];

export interface RunsFilter {
  /** Null is all. */
  readonly merchant_id: string | null;
  /** So many runs are shown at most; counts are of all. */
  readonly limit: number;
}

/** A run that somebody may have to look after. */
interface OpenRun {
  readonly settings: SettlementSettings;
  readonly run_at: number;
  readonly state: RunState;
}

/** What is open now, and what the last day's runs came to. */
export async function readRuns({ db, clock }: Pick<SettlementServices, "db" | "clock">, filter: RunsFilter) {
  const { merchant_id, limit } = filter;
  const now = clock.now();
  const near = await loadNearRuns(db, now + UNDER_WAY_MS, merchant_id, RUNS_MAX);
  const time_zones = await loadTimeZones(db, [...new Set(near.map((one) => one.merchant_id))]);
  const open = near.flatMap((settings) => {
    const run_at = instantAt(settings.next_day!, settings.run_minute, time_zones.get(settings.merchant_id)!);
    return run_at > now ? [] : [{ settings, run_at, state: stateOf(settings, run_at, now) }];
  });
  const { with_cycle, on_request } = await countRuns(db, merchant_id);
  const done = await countDone(db, now - DONE_SINCE_MS, merchant_id);
  const countOf = (state: RunState) => open.filter((run) => run.state === state).length;
  const outcomes = runOutcomes.map((outcome) => [
    outcome,
    Number(done.find((one) => one.outcome === outcome)?.count ?? 0n),
  ]);
  return {
    object: "settlement_runs" as const,
    at: toRfc3339(now),
    planned: Number(with_cycle) - open.length,
    on_request: Number(on_request),
    ...{ due: countOf("due"), late: countOf("late"), waits_for_review: countOf("waits_for_review") },
    done_in_24_hours: Object.fromEntries(outcomes) as Record<RunOutcome, number>,
    open: open.slice(0, limit).map((run) => presentRun(run, now)),
  };
}

function stateOf({ due_at }: SettlementSettings, run_at: number, now: number): RunState {
  if (due_at === null) return "waits_for_review";
  return now - run_at > LATE_MS ? "late" : "due";
}

function presentRun({ settings, run_at, state }: OpenRun, now: number) {
  return {
    merchant: publicId("merchant", settings.merchant_id),
    ...{ livemode: settings.livemode, currency: settings.currency, cycle: settings.cycle },
    ...{ day: settings.next_day!, run_at: toRfc3339(run_at), state, overdue_s: Math.floor((now - run_at) / 1000) },
  };
}
