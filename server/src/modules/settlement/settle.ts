/**
 * Settles: what became pending up to a cut-off becomes available, once. Everything is one transaction under the lock of
 * the merchant's settings; its book is locked only at the end, when what is to be posted has been added up.
 */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { accountOf, findNumberAt, lockBalance, post, settlementPosting, sumRange } from "../../ledger/index.ts";
import { loadApps } from "../merchant/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { settlementErrors } from "./errors.ts";
import { presentSettlement } from "./present.ts";
import type { SettlementServices } from "./services.ts";
import { planRuns } from "./settings.ts";
import { addUp, netOf, type Settlement, type SettlementKey, type SettlementSettings } from "./settlement.ts";
import { insertSettlement, loadLastSettlement, lockSettings, scheduleRun } from "./store.ts";

/** Settling on request logs nothing. */
type Settling = Omit<SettlementServices, "log">;

/** A merchant has a few apps; each is told. */
const APPS_MAX = 100;

/**
 * Settles everything up to now, whatever the cycle. Undefined when there is nothing, or less than the minimum.
 * @throws settlement.settings_missing
 */
export async function runSettlement(services: Settling, key: SettlementKey): Promise<Settlement | undefined> {
  const settlement = await services.db.transaction(async (tx) => {
    const settings = await lockSettings(tx, key);
    if (!settings) throw settlementErrors["settlement.settings_missing"]({ values: { currency: key.currency } });
    return settleUpTo(services, tx, settings, services.clock.now());
  });
  services.kick.webhooks();
  return settlement;
}

/**
 * Does the run that is due, if nobody has done it, and plans the next. A day that an outage has left out is a run of its
 * own, with the cut-off that it would have had.
 */
export async function runDueSettlement(services: SettlementServices, key: SettlementKey): Promise<void> {
  await services.db.transaction(async (tx) => {
    const settings = await lockSettings(tx, key);
    if (!settings) return;
    const { due, following, is_known } = await planRuns(tx, settings);
    const isNow = due !== undefined && due.run.day === settings.next_day && due.times.at <= services.clock.now();
    if (isNow) {
      if (!is_known) warnOfYear(services, settings);
      await settleUpTo(services, tx, settings, due.times.cut_off_at);
    }
    // A run that is not due (the calendar or the settings have changed, or somebody was faster) is only planned anew.
    const next = isNow ? following : due;
    await scheduleRun(tx, key, { next_day: next?.run.day ?? null, due_at: next?.times.at ?? null });
  });
  services.kick.webhooks();
}

function warnOfYear({ log }: SettlementServices, { calendar, next_day }: SettlementSettings): void {
  log.warn({ calendar, day: next_day }, "the calendar's year is not known: only weekends are taken as days off");
}

async function settleUpTo(
  services: Settling,
  tx: Transaction,
  settings: SettlementSettings,
  cut_off_at: number,
): Promise<Settlement | undefined> {
  const { merchant_id, livemode, currency, cycle } = settings;
  const key = { merchant_id, livemode, currency };
  const last = await loadLastSettlement(tx, key);
  if (last && last.cut_off_at >= cut_off_at) return undefined;
  const first_number = (last?.last_number ?? 0n) + 1n;
  const last_number = await findNumberAt(tx, key, cut_off_at - 1);
  if (last_number < first_number) return undefined;
  const figures = addUp(await sumRange(tx, { ...key, first_number, last_number }));
  const brought_forward = last?.carried_forward ?? 0n;
  const total = brought_forward + netOf(figures);
  const minimum = settings.minimum_amount > 0n ? settings.minimum_amount : 1n;
  if (total < minimum) return undefined;
  // From here on nobody else posts to this book until the commit.
  const pending = await lockBalance(tx, key, accountOf("merchant_pending", currency));
  const amount = pending < total ? pending : total;
  if (amount < minimum) return undefined;
  const settlement = await writeSettlement(services, tx, {
    ...{ ...key, ...figures, id: services.ids.uuid(), cycle, cut_off_at, first_number, last_number },
    ...{ brought_forward, amount, carried_forward: total - amount, created_at: services.clock.now() },
  });
  await tellApps(services, tx, settlement);
  return settlement;
}

async function writeSettlement(
  { clock }: Settling,
  tx: Transaction,
  facts: Omit<Settlement, "number">,
): Promise<Settlement> {
  const { merchant_id, livemode, id: settlement_id, created_at: occurred_at } = facts;
  const amount = { amount: facts.amount, currency: facts.currency };
  const posting = settlementPosting({ merchant_id, livemode, settlement_id, amount, occurred_at });
  const [posted] = await post(tx, [posting], clock.now());
  invariant(posted?.kind === "posted", "a new settlement posts what is pending");
  const settlement = { ...facts, number: posted.number };
  await insertSettlement(tx, settlement);
  return settlement;
}

async function tellApps({ ids }: Settling, tx: Transaction, settlement: Settlement): Promise<void> {
  const { merchant_id, livemode, created_at } = settlement;
  const apps = await loadApps(tx, merchant_id, APPS_MAX);
  const events = apps
    .filter(({ status }) => status === "active")
    .map((app) => ({
      ...{ id: ids.uuid(), merchant_id, app_id: app.id, livemode, type: "settlement.created" as const },
      ...{ object_id: settlement.id, data: presentSettlement(settlement), created_at },
    }));
  await recordEvents(tx, events);
}
