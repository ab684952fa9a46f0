/**
 * Settles several merchants in one transaction, under the locks of their settings: what became pending up to each one's
 * cut-off. Books are locked only at the end, when what is to be posted has been added up.
 */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  accountOf,
  findNumbersAt,
  lockBalances,
  type NewPosting,
  post,
  settlementPosting,
  sumRanges,
} from "../../ledger/index.ts";
import { loadActiveApps } from "../merchant/index.ts";
import { holdReserves, planReserves } from "../reserve/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { presentSettlement } from "./present.ts";
import { loadPlatformLimits, requestReviews } from "./request-review.ts";
import type { SettlementServices } from "./services.ts";
import { addUp, least, netOf, type RunOutcome, type Settlement, type SettlementSettings } from "./settlement.ts";
import { insertSettlements, loadStandings, type Standing } from "./store.ts";

/** Settling on request logs nothing. */
export type Settling = Omit<SettlementServices, "log">;

/** Whom to settle, and up to when; the settings are locked. */
export interface Turn {
  readonly settings: SettlementSettings;
  readonly cut_off_at: number;
}

/** What a turn came to. */
export type TurnResult =
  | { readonly outcome: "settled" | "in_review"; readonly settlement: Settlement }
  | { readonly outcome: Exclude<RunOutcome, "settled" | "in_review"> }
  /** A batch before waits for a person, and nobody overtakes it. */
  | { readonly outcome: "waits" };

/** A turn with what it is about to settle. */
interface Draft extends Turn, Pick<Standing, "carried_forward"> {
  readonly place: number;
  readonly first_number: bigint;
  readonly last_number: bigint;
}

/** Settles each turn; no two are of the same settings. Results are in the order of the turns. */
export async function settleTurns(services: Settling, tx: Transaction, turns: readonly Turn[]): Promise<TurnResult[]> {
  const results: TurnResult[] = turns.map(() => ({ outcome: "nothing" }));
  const drafts = await findRanges(tx, turns, results);
  const batches = await addUpDrafts(services, tx, drafts, results);
  const posted = await postSettlements(
    services,
    tx,
    batches.filter(({ settlement }) => settlement.status === "posted").map(({ settlement }) => settlement),
  );
  const waiting = batches.map(({ settlement }) => settlement).filter(({ status }) => status === "in_review");
  if (batches.length > 0) await insertSettlements(tx, [...posted, ...waiting]);
  await announce(services, tx, posted);
  await requestReviews(services, tx, waiting);
  const made = new Map([...posted, ...waiting].map((settlement) => [settlement.id, settlement]));
  for (const { place, settlement } of batches) {
    const outcome = settlement.status === "posted" ? "settled" : "in_review";
    results[place] = { outcome, settlement: made.get(settlement.id)! };
  }
  return results;
}

/** Notes the result of turns that have nothing to settle, and gives the others with their ranges. */
async function findRanges(tx: Transaction, turns: readonly Turn[], results: TurnResult[]): Promise<Draft[]> {
  const standings = await loadStandings(
    tx,
    turns.map(({ settings }) => settings),
  );
  const open = turns.flatMap((turn, place) => {
    const standing = standings[place]!;
    const isDone = standing.cut_off_at !== null && standing.cut_off_at >= turn.cut_off_at;
    if (isDone) results[place] = { outcome: "done_before" };
    else if (standing.in_review) results[place] = { outcome: "waits" };
    else return [{ ...turn, ...standing, cut_off_at: turn.cut_off_at, place }];
    return [];
  });
  const numbers = await findNumbersAt(
    tx,
    open.map(({ settings, cut_off_at }) => ({ ...settings, at: cut_off_at - 1 })),
  );
  return open.flatMap(({ last_number: settled, ...turn }, index) => {
    const last_number = numbers[index]!;
    return last_number > settled ? [{ ...turn, first_number: settled + 1n, last_number }] : [];
  });
}

interface Batch {
  readonly place: number;
  readonly settlement: Settlement;
}

/** Adds ranges up, and only then locks the books, to see what is still pending of them. */
async function addUpDrafts(
  { ids, clock }: Settling,
  tx: Transaction,
  drafts: readonly Draft[],
  results: TurnResult[],
): Promise<Batch[]> {
  const sums = await sumRanges(
    tx,
    drafts.map(({ settings, first_number, last_number }) => ({ ...settings, first_number, last_number })),
  );
  const wanted = drafts.flatMap((draft, index) => {
    const figures = addUp(sums[index]!);
    const total = draft.carried_forward + netOf(figures);
    if (isEnough(draft, total, results)) return [{ draft, figures, total }];
    return [];
  });
  if (wanted.length === 0) return [];
  const limitOf = await loadPlatformLimits(tx);
  // From here on nobody else posts to these books until the commit.
  const pending = await lockBalances(
    tx,
    wanted.map(({ draft: { settings } }) => ({
      ...settings,
      account: accountOf("merchant_pending", settings.currency),
    })),
  );
  return wanted.flatMap(({ draft, figures, total }, index) => {
    const amount = least(pending[index]!, total);
    if (!isEnough(draft, amount, results)) return [];
    const { settings, cut_off_at, first_number, last_number } = draft;
    const { merchant_id, livemode, currency, cycle } = settings;
    const limit = settings.review_above ?? limitOf(currency);
    const settlement: Settlement = {
      ...{ merchant_id, livemode, currency, ...figures, id: ids.uuid(), cycle, cut_off_at, first_number, last_number },
      status: limit !== null && amount > limit ? "in_review" : "posted",
      ...{ brought_forward: draft.carried_forward, amount, carried_forward: total - amount },
      ...{ number: null, reserved_amount: 0n, created_at: clock.now(), decided_at: null },
    };
    return [{ place: draft.place, settlement }];
  });
}

function isEnough({ settings, place }: Draft, amount: bigint, results: TurnResult[]): boolean {
  if (amount > 0n && amount >= settings.minimum_amount) return true;
  results[place] = { outcome: amount > 0n ? "below_minimum" : "nothing" };
  return false;
}

/** Books settlements whose books are locked and hold what they settle, and gives them with their numbers. */
export async function postSettlements(
  { clock, ids }: Settling,
  tx: Transaction,
  settlements: readonly Settlement[],
): Promise<Settlement[]> {
  if (settlements.length === 0) return [];
  const now = clock.now();
  const reserves = await planReserves(tx, settlements);
  const reserved = settlements.map((settlement, index) => {
    return { ...settlement, reserved_amount: reserves[index]!.rolling + reserves[index]!.fixed };
  });
  const posted = await post(
    tx,
    reserved.map((settlement) => bookSettlement(settlement, now)),
    now,
  );
  await holdReserves(tx, ids, reserves, now);
  return reserved.map((settlement, index) => {
    const result = posted[index];
    invariant(result?.kind === "posted", "a new settlement posts what is pending");
    return { ...settlement, number: result.number };
  });
}

function bookSettlement(settlement: Settlement, occurred_at: number): NewPosting {
  const { merchant_id, livemode, id: settlement_id, currency, reserved_amount: reserved } = settlement;
  const amount = { amount: settlement.amount, currency };
  return settlementPosting({ merchant_id, livemode, settlement_id, amount, reserved, occurred_at });
}

/** Tells every app that works, and whoever else does something when a settlement is posted. */
export async function announce(
  { ids, clock, onSettled }: Settling,
  tx: Transaction,
  settlements: readonly Settlement[],
): Promise<void> {
  if (settlements.length === 0) return;
  await onSettled?.(tx, settlements);
  const merchants = [...new Set(settlements.map(({ merchant_id }) => merchant_id))];
  const apps = Map.groupBy(await loadActiveApps(tx, merchants), ({ merchant_id }) => merchant_id);
  const created_at = clock.now();
  const events = settlements.flatMap((settlement) => {
    const { merchant_id, livemode, id: object_id } = settlement;
    const data = presentSettlement(settlement);
    return (apps.get(merchant_id) ?? []).map((app) => ({
      ...{ id: ids.uuid(), merchant_id, app_id: app.id, livemode, type: "settlement.created" as const },
      ...{ object_id, data, created_at },
    }));
  });
  await recordEvents(tx, events);
}
