/** Reading days, differences and cases, for the operator's API. */
import { parsePublicId } from "../../kit/id.ts";
import { dayOf } from "../../kit/local-day.ts";
import { loadBills } from "./bill-store.ts";
import type { ReconciliationCase } from "./case.ts";
import { listComments } from "./case-store.ts";
import { findCase } from "./cases.ts";
import { findObstacle } from "./close-day.ts";
import { countDifferences } from "./difference-store.ts";
import { reconciliationErrors } from "./errors.ts";
import { presentBill, presentCase, presentComment, presentDay } from "./present.ts";
import type { DayKey, ReconciliationDay } from "./reconciliation.ts";
import { rulesOf } from "./rules.ts";
import type { ReconciliationServices } from "./services.ts";
import { loadClosing, loadDay } from "./store.ts";

const COMMENTS_MAX = 1_000;

/** The key of a day that somebody names. Throws reconciliation.day_not_found. */
export function readDayKey({ account, day }: { account: string; day: string }): DayKey {
  const channel_account_id = parsePublicId("channel_account", account);
  if (channel_account_id === undefined || !dayOf(day, "UTC"))
    throw reconciliationErrors["reconciliation.day_not_found"]();
  return { channel_account_id, day };
}

/** A day that was opened. Throws reconciliation.day_not_found. */
export async function findDay({ db }: Pick<ReconciliationServices, "db">, key: DayKey): Promise<ReconciliationDay> {
  const day = await loadDay(db, key);
  if (!day) throw reconciliationErrors["reconciliation.day_not_found"]();
  return day;
}

/** A day with its figures, bills, and why it cannot close. */
export async function showDay(services: ReconciliationServices, day: ReconciliationDay) {
  const { db } = services;
  const rules = await rulesOf(services, day.channel_account_id);
  const obstacle = await findObstacle(services, day, rules, day.agreed_by !== null);
  const bills = (await loadBills(db, day)).map(presentBill);
  return {
    ...presentDay(day, await countDifferences(db, day), await loadClosing(db, day)),
    obstacle: obstacle ?? null,
    bills,
  };
}

/** The UUID of a case's public id. Throws reconciliation.case_not_found. */
export function readCaseId(text: string): string {
  const id = parsePublicId("reconciliation_case", text);
  if (id === undefined) throw reconciliationErrors["reconciliation.case_not_found"]();
  return id;
}

/** A case with what people have said to it. */
export async function showCase(services: ReconciliationServices, found: ReconciliationCase) {
  const comments = await listComments(services.db, found.id, COMMENTS_MAX);
  return { ...presentCase(found), comments: comments.map(presentComment) };
}

/** The same, by its id. Throws reconciliation.case_not_found. */
export async function showCaseOf(services: ReconciliationServices, id: string) {
  return showCase(services, await findCase(services, id));
}
