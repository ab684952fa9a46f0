/** When and how a merchant is settled: set by the operator, for each of its books and currencies. */
import { invariant, type TributaryError } from "../../kit/error.ts";
import { addDays, localDay } from "../../kit/local-day.ts";
import { currencyExponent } from "../../kit/money.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { getMerchant, loadTimeZones } from "../merchant/index.ts";
import { type Calendar, EVERY_DAY, WEEKENDS } from "./calendar.ts";
import { findCalendar } from "./calendars.ts";
import { type Cycle, formatCycle, nextRun, parseCycle, type Run, type RunTimes, timesOf } from "./cycle.ts";
import { settlementErrors } from "./errors.ts";
import type { SettlementServices } from "./services.ts";
import type { SettlementKey, SettlementSettings } from "./settlement.ts";
import { lockSettings, type NewSettings, saveSettings } from "./store.ts";

export interface SettingsInput extends SettlementKey {
  readonly cycle: string;
  /** Unless given: every day for D+n, China's for T+n, weekly and monthly in CNY, weekends for other currencies. */
  readonly calendar?: string | undefined;
  /** `HH:MM` by the merchant's clock; 02:00 unless given, and 23:00 for T+0 and D+0. */
  readonly run_at?: string | undefined;
  /** In minor units; 0 unless given. */
  readonly minimum_amount?: bigint | undefined;
  /** More than this waits for a review, in minor units; never unless given. */
  readonly review_above?: bigint | undefined;
}

/**
 * Sets how a merchant is settled. The first run is the next that the cycle names from now on; what is pending already is
 * in it.
 * @throws settlement.settings_invalid, merchant.not_found
 */
export async function setSettlementSettings(
  { db, clock }: Pick<SettlementServices, "db" | "clock">,
  input: SettingsInput,
): Promise<NewSettings> {
  const { merchant_id, livemode, currency, minimum_amount = 0n, review_above = null } = input;
  const { time_zone } = await getMerchant(db, merchant_id);
  const cycle = parseCycle(input.cycle);
  if (!cycle) throw invalid(`"${input.cycle}" is no cycle: give T+1, D+3, weekly:1,4, monthly:15,31 or on_request.`);
  if (minimum_amount < 0n) throw invalid("The minimum amount must not be below zero.");
  if (review_above !== null && review_above < 0n) throw invalid("The limit for reviews must not be below zero.");
  const run_minute = minuteOf(input.run_at ?? (isSameDay(cycle) ? "23:00" : "02:00"));
  if (run_minute === undefined) throw invalid(`"${input.run_at}" is no time of day: give one such as 02:00.`);
  const name = input.calendar ?? defaultCalendar(cycle, checkCurrency(currency));
  const calendar = await findCalendar(db, name);
  if (!calendar) throw invalid(`There is no calendar "${name}": load one of its years first.`);
  const now = clock.now();
  const next = runAfterNow(cycle, calendar, run_minute, time_zone, now);
  const settings: NewSettings = {
    ...{ merchant_id, livemode, currency, cycle: formatCycle(cycle), calendar: name, run_minute, minimum_amount },
    ...{ review_above, next_day: next?.run.day ?? null, due_at: next?.times.at ?? null, updated_at: now },
  };
  await db.transaction(async (tx) => {
    await lockSettings(tx, [settings]);
    await saveSettings(tx, settings);
  });
  return settings;
}

function invalid(problem: string): TributaryError {
  return settlementErrors["settlement.settings_invalid"]({ values: { problem } });
}

function checkCurrency(currency: string): string {
  try {
    currencyExponent(currency);
    return currency;
  } catch (cause) {
    const problem = `"${currency}" is no currency: give an ISO 4217 code such as CNY.`;
    throw settlementErrors["settlement.settings_invalid"]({ values: { problem }, cause });
  }
}

/** Minutes since midnight of `HH:MM`, or undefined. */
function minuteOf(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}

function isSameDay(cycle: Cycle): boolean {
  return (cycle.kind === "workdays" || cycle.kind === "days") && cycle.count === 0;
}

function defaultCalendar(cycle: Cycle, currency: string): string {
  if (cycle.kind === "days") return EVERY_DAY;
  return currency === "CNY" ? "china" : WEEKENDS;
}

interface PlannedRun {
  readonly run: Run;
  readonly times: RunTimes;
}

function runAfterNow(
  cycle: Cycle,
  calendar: Calendar,
  run_minute: number,
  time_zone: string,
  now: number,
): PlannedRun | undefined {
  for (let after = addDays(localDay(now, time_zone), -1); ; ) {
    const run = nextRun(cycle, calendar, after);
    if (run === undefined) return undefined;
    const times = timesOf(run, run_minute, time_zone);
    if (times.at > now) return { run, times };
    after = run.day;
  }
}

/** The runs of settings as their calendar has them now. */
export interface RunPlan {
  /** Whether the calendar knows the year of the run that is due. */
  readonly is_known: boolean;
  readonly due: PlannedRun | undefined;
  /** The run after that one. */
  readonly following: PlannedRun | undefined;
}

/** Plans the run that is due and the one after it, for each of a group; most of a group share cycle, place and day. */
export async function planRuns(sql: Sql, group: readonly SettlementSettings[]): Promise<RunPlan[]> {
  const time_zones = await loadTimeZones(sql, [...new Set(group.map(({ merchant_id }) => merchant_id))]);
  const calendars = new Map<string, Calendar | undefined>();
  for (const name of new Set(group.map(({ calendar }) => calendar))) calendars.set(name, await findCalendar(sql, name));
  const plans = new Map<string, RunPlan>();
  return group.map((settings) => {
    const time_zone = time_zones.get(settings.merchant_id);
    const calendar = calendars.get(settings.calendar);
    invariant(time_zone && calendar, "settings are checked before they are written");
    const { cycle, run_minute, next_day } = settings;
    const name = [cycle, calendar.name, run_minute, next_day, time_zone].join(" ");
    const plan = plans.get(name) ?? planRun(settings, calendar, time_zone);
    plans.set(name, plan);
    return plan;
  });
}

function planRun(settings: SettlementSettings, calendar: Calendar, time_zone: string): RunPlan {
  const cycle = parseCycle(settings.cycle);
  invariant(cycle, "settings are checked before they are written");
  const plan = (after: string | null): PlannedRun | undefined => {
    const run = after === null ? undefined : nextRun(cycle, calendar, after);
    return run && { run, times: timesOf(run, settings.run_minute, time_zone) };
  };
  const due = plan(settings.next_day && addDays(settings.next_day, -1));
  const is_known = due === undefined || calendar.knows(Number(due.run.day.slice(0, 4)));
  return { is_known, due, following: plan(due?.run.day ?? null) };
}
