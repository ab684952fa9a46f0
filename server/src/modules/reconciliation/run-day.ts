/** One go at a day: match, ask, match again, open cases, close. Each step can be repeated, by any worker, after any crash. */
import { keepCases } from "./cases.ts";
import { closeDay, findObstacle } from "./close-day.ts";
import { askChannel } from "./heal.ts";
import { matchDay } from "./match-day.ts";
import type { DayKey, ReconciliationDay } from "./reconciliation.ts";
import { rulesOf } from "./rules.ts";
import type { ReconciliationServices } from "./services.ts";
import { loadDay, nothingDue } from "./store.ts";

/** What is confirmed in one round may show more in the next. */
const ROUNDS_MAX = 4;

/**
 * Does what can be done at a day that has a bill. Gives the day as it is then; undefined for one that was never opened.
 * `closes`: whether it closes when it can.
 */
export async function runDay(
  services: ReconciliationServices,
  key: DayKey,
  { closes }: { closes: boolean },
): Promise<ReconciliationDay | undefined> {
  const rules = await rulesOf(services, key.channel_account_id);
  for (let round = 1; ; round += 1) {
    const day = await matchDay(services, key, rules);
    if (!day || (day.state !== "matched" && day.state !== "open")) return day;
    if (round === ROUNDS_MAX || (await askChannel(services, key)) === 0) break;
  }
  await keepCases(services, key.channel_account_id);
  const day = await loadDay(services.db, key);
  if (!closes || !day) return day;
  const obstacle = await findObstacle(services, day, rules, day.agreed_by !== null);
  if (obstacle === undefined) await closeDay(services, key);
  else await nothingDue(services.db, key);
  return loadDay(services.db, key);
}
