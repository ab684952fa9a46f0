/**
 * Closes a day. It closes by itself when nothing above the limit is open; otherwise a person asks for it, says why, and a
 * second one agrees. What the channel's bill says is then booked as settled, and the day never changes again.
 */
import { createHash } from "node:crypto";
import { publicId } from "../../kit/id.ts";
import { addDays, dayOf } from "../../kit/local-day.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { ApprovalHandler } from "../approval/index.ts";
import { requestApproval } from "../approval/index.ts";
import { type AccountRecord, getChannelAccount } from "../channel-account/index.ts";
import { loadBills } from "./bill-store.ts";
import { bookDay } from "./book.ts";
import { countDifferences, countHolding } from "./difference-store.ts";
import { reconciliationErrors } from "./errors.ts";
import { tellOwner } from "./events.ts";
import { dropPositionsBefore, saveFloors, sumBooks, sumOthers } from "./match-lines-store.ts";
import { type BookAmount, sumFees, sumSettledChanges } from "./posting-store.ts";
import { presentDay } from "./present.ts";
import type { Closing, DayKey, ReconciliationDay, Rules } from "./reconciliation.ts";
import { rulesOf } from "./rules.ts";
import type { ReconciliationServices } from "./services.ts";
import {
  agreeToClose,
  findLastClosedDay,
  insertClosing,
  loadDay,
  lockDay,
  matchLaterDaysAgain,
  moveDay,
} from "./store.ts";

/** Kinds of approvals. */
export const CLOSE_APPROVAL = "reconciliation_close";

/** Why a day cannot close, as a sentence; undefined when it can. `agreed`: two people have said so. */
export async function findObstacle(
  { db }: Pick<ReconciliationServices, "db">,
  day: ReconciliationDay,
  rules: Rules,
  agreed: boolean,
): Promise<string | undefined> {
  if (day.state === "closed") return undefined;
  if (day.state !== "matched" && day.state !== "open") return `${day.day} is ${day.state}: it has not been matched.`;
  if (day.day < rules.first_day) return `${day.day} is before the first day, ${rules.first_day}.`;
  if (day.day > rules.first_day) {
    const before = { channel_account_id: day.channel_account_id, day: addDays(day.day, -1) };
    const state = (await loadDay(db, before))?.state ?? "not opened";
    if (state !== "closed") return `${before.day} is ${state}, and days close one after the other.`;
  }
  if (agreed) return undefined;
  const unread = day.totals?.rejected_lines ?? 0;
  if (unread > 0) return `${unread} lines of the bill could not be read: nobody knows what they say.`;
  const holding = await countHolding(db, day, rules.case_limit);
  return holding === 0n ? undefined : `${holding} open differences are above the limit of ${rules.case_limit}.`;
}

/**
 * Closes a day, if nothing stands against it. Everything but the last step can be done again.
 * @throws reconciliation.cannot_close
 */
export async function closeDay(services: ReconciliationServices, key: DayKey): Promise<void> {
  const { db, clock } = services;
  const rules = await rulesOf(services, key.channel_account_id);
  const account = await getChannelAccount(db, key.channel_account_id);
  const day = await loadDay(db, key);
  if (!day || day.state === "closed") return;
  const problem = await findObstacle(services, day, rules, day.agreed_by !== null);
  if (problem !== undefined) throw reconciliationErrors["reconciliation.cannot_close"]({ values: { problem } });
  const closed_day = (await findLastClosedDay(db, key.channel_account_id)) ?? null;
  const takes_late = closed_day !== null && addDays(closed_day, 1) === key.day;
  const range = { ...key, ...dayOf(key.day, rules.time_zone)!, closed_day, takes_late };
  if (account.funding_mode === "pooled") {
    const settled = await db.bulk(async (tx) =>
      addUp([...(await sumBooks(tx, range)), ...(await sumOthers(tx, range))], await sumSettledChanges(tx, day)),
    );
    await bookDay(services, { ...key, livemode: account.livemode }, "channel_settled", settled);
    await bookDay(services, { ...key, livemode: account.livemode }, "channel_fee_adjusted", await sumFees(db, day));
  }
  await db.bulk(async (tx) => {
    const now = await lockDay(tx, key);
    // It was matched again meanwhile, or closed: whoever did that looks to it.
    if (now?.run !== day.run || now?.state !== day.state) return;
    await saveFloors(tx, range);
    await dropPositionsBefore(tx, key);
    const closing = await makeClosing(services, tx, account, now);
    await insertClosing(tx, closing);
    await moveDay(tx, now, { to: "closed", due_at: null });
    // The next day is the first that is open now: what comes late is of it.
    await matchLaterDaysAgain(tx, key, closing.closed_at);
    const shown = presentDay({ ...day, state: "closed" }, await countDifferences(tx, key), closing);
    await tellOwner(services, tx, account, "reconciliation.day_closed", account.id, shown);
  });
  services.kick.webhooks();
  const { channel_account_id } = key;
  services.log.info(
    { channel_account: channel_account_id, day: key.day, at: clock.now() },
    "a day of reconciliation is closed",
  );
}

/** What the channel settles in each book: what the books say, and what its bill says differently. */
function addUp(
  ours: readonly { merchant_id: string; currency: string; net: string }[],
  changes: readonly BookAmount[],
): BookAmount[] {
  const sums = new Map<string, BookAmount>();
  const all = [...ours.map(({ net: amount, ...book }) => ({ ...book, amount })), ...changes];
  for (const { merchant_id, currency, amount } of all) {
    const before = sums.get(`${merchant_id} ${currency}`)?.amount ?? "0";
    sums.set(`${merchant_id} ${currency}`, { merchant_id, currency, amount: String(BigInt(before) + BigInt(amount)) });
  }
  return [...sums.values()];
}

async function makeClosing(
  { clock }: ReconciliationServices,
  tx: Transaction,
  account: AccountRecord,
  day: ReconciliationDay,
): Promise<Closing> {
  const bills = (await loadBills(tx, day)).filter(({ status }) => status === "current");
  const counts = await countDifferences(tx, day);
  const who = { closed_by: day.agreed_by, approved_by: day.approved_by, reason: day.agreed_reason };
  const statement = JSON.stringify({
    ...{ channel_account: publicId("channel_account", account.id), day: day.day, totals: day.totals },
    bills: bills.map(({ kind, version, sha256, lines }) => ({
      kind,
      version,
      sha256: sha256?.toString("hex") ?? null,
      lines: String(lines),
    })),
    differences: counts.map((one) => ({ ...one, count: String(one.count) })),
    ...who,
  });
  const sha256 = createHash("sha256").update(statement).digest();
  return { channel_account_id: account.id, day: day.day, closed_at: clock.now(), ...who, statement, sha256 };
}

/**
 * Asks that a day be closed although something is open; a second operator decides.
 * @throws reconciliation.cannot_close, and what requesting an approval throws
 */
export async function proposeClose(
  services: ReconciliationServices,
  key: DayKey,
  { maker_id, reason }: { maker_id: string; reason: string },
): Promise<string> {
  const rules = await rulesOf(services, key.channel_account_id);
  const day = await loadDay(services.db, key);
  const problem = day ? await findObstacle(services, day, rules, true) : `${key.day} has no bill.`;
  if (problem !== undefined) throw reconciliationErrors["reconciliation.cannot_close"]({ values: { problem } });
  const { livemode } = await getChannelAccount(services.db, key.channel_account_id);
  const asked = await services.db.transaction((tx) =>
    requestApproval(tx, services.approval, {
      ...{ kind: CLOSE_APPROVAL, merchant_id: null, livemode, subject_id: key.channel_account_id, check: "always" },
      ...{ payload: { day: key.day }, reason, maker: { type: "user", id: maker_id } },
    }),
  );
  asked.committed();
  return asked.approval.id;
}

/** Writes down what was agreed; the worker closes the day. */
export function closeApprovalHandler(services: ReconciliationServices): ApprovalHandler {
  return {
    subject: "channel_account",
    async approve(tx, { subject_id, payload, maker, checker_id, reason }) {
      const key = { channel_account_id: subject_id ?? "", day: (payload as { day: string }).day };
      const by = { agreed_by: maker.id ?? "", approved_by: checker_id ?? "", agreed_reason: reason };
      if (await agreeToClose(tx, key, by, services.clock.now())) return;
      const problem = `${key.day} has changed since: look at it again.`;
      throw reconciliationErrors["reconciliation.cannot_close"]({ values: { problem } });
    },
  };
}
