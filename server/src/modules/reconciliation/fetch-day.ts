/** Asks a channel for a day's bills, at its time and by its rules, until they are here or cannot be had any more. */
import type { BillKind } from "../../channels/contract.ts";
import { TributaryError } from "../../kit/error.ts";
import { publicId } from "../../kit/id.ts";
import { addDays, dayOf, instantAt, localDay } from "../../kit/local-day.ts";
import { type AccountRecord, getChannelAccount, listChannelAccounts } from "../channel-account/index.ts";
import { loadCurrentBills } from "./bill-store.ts";
import { fetchBill } from "./receive-bill.ts";
import type { DayKey, ReconciliationDay, Rules } from "./reconciliation.ts";
import { rulesOf } from "./rules.ts";
import type { ReconciliationServices } from "./services.ts";
import { insertDay, rememberTry } from "./store.ts";

const HOUR_MS = 3_600_000;
/** After trouble that no rule of the channel's names. Doubled each time. */
const RETRY_MS = 10 * 60_000;
const RETRY_MS_MAX = 2 * HOUR_MS;
const ACCOUNTS_IN_PAGE = 200;

/** Opens the days that are over, of every account whose bills are fetched. Gives how many accounts it looked at. */
export async function openDays(services: ReconciliationServices): Promise<number> {
  let count = 0;
  for (let last: string | null = null; ; ) {
    const page: AccountRecord[] = await listChannelAccounts(services.db, last, ACCOUNTS_IN_PAGE);
    for (const account of page) {
      if (services.getChannel(account.channel)?.bills === undefined) continue;
      await openDaysOf(services, account);
      count += 1;
    }
    if (page.length < ACCOUNTS_IN_PAGE) return count;
    last = page.at(-1)!.id;
  }
}

/** No more at once: bills of long ago are not kept by any channel. */
const DAYS_OPENED_MAX = 120;

async function openDaysOf(services: ReconciliationServices, account: AccountRecord): Promise<void> {
  const rules = await rulesOf(services, account.id);
  if (!rules.fetches) return;
  const yesterday = addDays(localDay(services.clock.now(), rules.time_zone), -1);
  const [, first = ""] = [addDays(yesterday, -DAYS_OPENED_MAX), rules.first_day].sort();
  for (let day = first; day <= yesterday; day = addDays(day, 1)) {
    await insertDay(services.db, { channel_account_id: account.id, day }, readyAt(services, account, rules, day));
  }
}

function readyAt(services: ReconciliationServices, account: AccountRecord, rules: Rules, day: string): number {
  const [hour = "0", minute = "0"] = (services.getChannel(account.channel)?.bills?.ready_at ?? "00:00").split(":");
  return instantAt(addDays(day, 1), Number(hour) * 60 + Number(minute), rules.time_zone);
}

/** The day's own record last: when it is there, the day is matched. */
const ORDER: readonly BillKind[] = ["fund_flow", "trade"];

/** Fetches what is missing of a day that waits for it; what came of it stands in the day. */
export async function fetchDay(services: ReconciliationServices, day: ReconciliationDay): Promise<void> {
  const account = await getChannelAccount(services.db, day.channel_account_id);
  const bills = services.getChannel(account.channel)?.bills;
  if (!bills)
    return rememberTry(services.db, day, { due_at: null, problem: "The channel gives no bills.", late_since: null });
  const current = await loadCurrentBills(services.db, day);
  const wanted = ORDER.filter((kind) => bills.kinds.includes(kind) && bills.formats?.[kind] && !current[kind]);
  const main = wanted.at(-1);
  for (const kind of wanted) {
    const fetched = await tryFetch(services, day, kind);
    if (fetched.kind === "loaded") continue;
    // Without its fund flow a day can be matched all the same; later it is there, and the day is matched again.
    if (fetched.kind === "trouble" && kind !== main) {
      services.log.warn({ day: day.day, kind, problem: fetched.problem }, "a bill could not be fetched");
      continue;
    }
    return postpone(services, account, day, fetched);
  }
}

async function tryFetch(services: ReconciliationServices, key: DayKey, kind: BillKind) {
  try {
    return await fetchBill(services, key, kind);
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    return { kind: "trouble", problem: error.message } as const;
  }
}

async function postpone(
  services: ReconciliationServices,
  account: AccountRecord,
  day: ReconciliationDay,
  fetched: { kind: "not_ready"; retry_after_ms: number } | { kind: "trouble"; problem: string },
): Promise<void> {
  const { db, clock, log } = services;
  const rules = await rulesOf(services, account.id);
  const { to: end } = dayOf(day.day, rules.time_zone)!;
  const now = clock.now();
  const wait_ms =
    fetched.kind === "not_ready" ? fetched.retry_after_ms : Math.min(RETRY_MS * 2 ** day.tries, RETRY_MS_MAX);
  const kept_until = end + (services.getChannel(account.channel)?.bills?.kept_ms ?? 0);
  const problem = fetched.kind === "not_ready" ? "The channel has not made the bill yet." : fetched.problem;
  const late = now > end + rules.late_hours * HOUR_MS;
  const facts = { channel_account: publicId("channel_account", account.id), day: day.day, problem };
  if (late && day.late_since === null) log.error(facts, "a channel's bill is late");
  if (now + wait_ms > kept_until) log.error(facts, "a channel's bill cannot be fetched any more: upload it");
  const due_at = now + wait_ms > kept_until ? null : now + wait_ms;
  await rememberTry(db, day, { due_at, problem, late_since: late ? now : null });
}
