/** Cases: opened for what nobody and nothing has mended, looked into by people, decided by two of them. */
import { publicId } from "../../kit/id.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { type ApprovalHandler, requestApproval } from "../approval/index.ts";
import { type AccountRecord, getChannelAccount } from "../channel-account/index.ts";
import { book, bookSuspense } from "./book.ts";
import { type CaseAction, type CaseComment, caseActions, type ReconciliationCase } from "./case.ts";
import {
  attachDifferences,
  countWithoutCase,
  detachDifferences,
  insertCase,
  insertComment,
  listCaseDifferences,
  listDaysWithoutCase,
  listWithoutCase,
  loadCase,
  lockCase,
  lockGoneCases,
  lockOvertaken,
  moveCase,
  reopenDifferences,
  resolveDifferences,
  saveCaseOwner,
  saveMerchantOfCase,
  type WithoutCase,
} from "./case-store.ts";
import { reconciliationErrors } from "./errors.ts";
import { tellOwner } from "./events.ts";
import { sumOfDifferences } from "./posting-store.ts";
import { presentCase } from "./present.ts";
import type { DayKey } from "./reconciliation.ts";
import type { ReconciliationServices } from "./services.ts";
import { loadDay, lockDay, matchLaterDaysAgain } from "./store.ts";

/** More of one type on a day have one cause, and are one case. */
const CASES_OF_TYPE_MAX = 100n;
/** How many differences one case may have for an action on each to be booked. */
const DECIDED_MAX = 100_000;

/** The account is locked, and no day; every day is later. */
const NO_DAY = "0001-01-01";

/** Kinds of approvals. */
export const CASE_APPROVAL = "reconciliation_case";

/**
 * Opens cases for what is open of an account and has none, ends those whose differences are none any more, and books what
 * is looked into, or no longer, into suspense or out of it.
 */
export async function keepCases(services: ReconciliationServices, channel_account_id: string): Promise<void> {
  const account = await getChannelAccount(services.db, channel_account_id);
  await takeBackOvertaken(services, channel_account_id);
  for (const day of await listDaysWithoutCase(services.db, channel_account_id)) {
    await services.db.transaction(async (tx) => {
      await lockDay(tx, { channel_account_id, day });
      for (const group of await countWithoutCase(tx, { channel_account_id, day })) {
        await openCases(services, tx, account, { channel_account_id, day }, group);
      }
    });
  }
  await services.db.transaction(async (tx) => {
    await lockDay(tx, { channel_account_id, day: NO_DAY });
    await endGoneCases(services, tx, channel_account_id);
  });
  if (account.funding_mode === "pooled") await bookSuspense(services, channel_account_id);
  services.kick.webhooks();
}

const OVERTAKEN_AT_ONCE = 100;

/** What was decided of a difference that another bill, or a late answer, made another one is booked back: it is looked at anew. */
async function takeBackOvertaken(services: ReconciliationServices, channel_account_id: string): Promise<void> {
  for (let more = true; more; ) {
    more = await services.db.transaction(async (tx) => {
      await lockDay(tx, { channel_account_id, day: NO_DAY });
      const overtaken = await lockOvertaken(tx, channel_account_id, OVERTAKEN_AT_ONCE);
      const ids = overtaken.map(({ id }) => id);
      const booked = await sumOfDifferences(tx, [...new Set(overtaken.flatMap((one) => one.merchant_id ?? []))], ids);
      const back = booked.map((row) => {
        const { day, livemode } = overtaken.find(({ id }) => id === row.difference_id)!;
        return { ...row, channel_account_id, day, livemode, amount: -row.amount };
      });
      await book(services, tx, back);
      await detachDifferences(tx, ids);
      return overtaken.length === OVERTAKEN_AT_ONCE;
    });
  }
}

async function openCases(
  services: ReconciliationServices,
  tx: Transaction,
  account: AccountRecord,
  key: DayKey,
  group: WithoutCase,
): Promise<void> {
  const one = (at_risk: bigint, differences: bigint): ReconciliationCase => ({
    ...{ ...key, id: services.ids.uuid(), type: group.type, currency: group.currency, at_risk, differences },
    ...{ state: "open", owner_id: null, action: null, approval_id: null, opened_at: services.clock.now() },
    ...{ resolved_at: null, outcome: null, reopened: 0 },
  });
  const each = group.count <= CASES_OF_TYPE_MAX ? await listWithoutCase(tx, key, group) : [];
  const cases =
    each.length > 0
      ? each.map(({ id, at_risk }) => ({ made: one(at_risk, 1n), difference_id: id }))
      : [{ made: one(BigInt(group.at_risk), group.count), difference_id: null }];
  for (const { made, difference_id } of cases) {
    await insertCase(tx, made);
    await attachDifferences(tx, made, difference_id);
    await tellOwner(services, tx, account, "reconciliation.case_opened", made.id, presentCase(made));
    const { day, type, currency, at_risk, differences } = made;
    const facts = {
      case: publicId("reconciliation_case", made.id),
      day,
      type,
      currency,
      differences: Number(differences),
    };
    services.log.warn({ ...facts, at_risk: String(at_risk) }, "a case of reconciliation was opened");
  }
}

async function endGoneCases(
  { clock }: ReconciliationServices,
  tx: Transaction,
  channel_account_id: string,
): Promise<void> {
  for (const gone of await lockGoneCases(tx, channel_account_id)) {
    const { action, approval_id } = gone;
    await moveCase(tx, gone, { to: "resolved", action, approval_id, outcome: "gone", resolved_at: clock.now() });
  }
}

/** @throws reconciliation.case_not_found */
export async function findCase({ db }: Pick<ReconciliationServices, "db">, id: string): Promise<ReconciliationCase> {
  const found = await loadCase(db, id);
  if (!found) throw reconciliationErrors["reconciliation.case_not_found"]();
  return found;
}

/** Says who looks into a case. Throws reconciliation.case_not_found. */
export async function assignCase(services: ReconciliationServices, id: string, owner_id: string | null): Promise<void> {
  await findCase(services, id);
  await saveCaseOwner(services.db, id, owner_id);
}

const TEXT_MAX = 4_000;

/** Adds what somebody says to a case. Throws reconciliation.case_not_found, reconciliation.case_invalid. */
export async function commentOnCase(
  services: ReconciliationServices,
  comment: Pick<CaseComment, "case_id" | "author" | "text" | "attachment_name" | "attachment_key">,
  sql: Sql = services.db,
): Promise<CaseComment> {
  await findCase(services, comment.case_id);
  const text = comment.text.trim();
  if (text.length === 0 || text.length > TEXT_MAX) throw invalid(`A comment has 1 to ${TEXT_MAX} characters.`);
  const made = { ...comment, text, id: services.ids.uuid(), created_at: services.clock.now() };
  await insertComment(sql, made);
  return made;
}

function invalid(problem: string) {
  return reconciliationErrors["reconciliation.case_invalid"]({ values: { problem } });
}

export interface Proposal {
  readonly case_id: string;
  readonly action: CaseAction;
  readonly reason: string;
  /** UUID of the operator who asks. */
  readonly maker_id: string;
  /** Whose money it is, where no merchant's book has it. */
  readonly merchant_id?: string | undefined;
}

/**
 * Asks for an action on an open case; a second operator decides.
 * @throws reconciliation.case_not_found, reconciliation.case_invalid, and what requesting an approval throws
 */
export async function proposeAction(services: ReconciliationServices, proposal: Proposal): Promise<ReconciliationCase> {
  const { case_id, action, reason, maker_id, merchant_id } = proposal;
  const committed = await services.db.transaction(async (tx) => {
    const found = await lockCase(tx, case_id);
    if (!found) throw reconciliationErrors["reconciliation.case_not_found"]();
    if (found.state !== "open") throw invalid("Only an open case can be acted on.");
    const account = await getChannelAccount(tx, found.channel_account_id);
    const asked = await requestApproval(tx, services.approval, {
      ...{ kind: CASE_APPROVAL, merchant_id: merchant_id ?? null, livemode: account.livemode, subject_id: case_id },
      payload: {
        action,
        type: found.type,
        day: found.day,
        merchant: merchant_id ? publicId("merchant", merchant_id) : null,
      },
      ...{
        amount: found.at_risk,
        currency: found.currency,
        reason,
        maker: { type: "user", id: maker_id },
        check: "always",
      },
    });
    await moveCase(tx, found, { to: "proposed", action, approval_id: asked.approval.id });
    return asked.committed;
  });
  committed();
  return findCase(services, case_id);
}

/** Carries out what was decided on cases. */
export function caseApprovalHandler(services: ReconciliationServices): ApprovalHandler {
  return {
    subject: "reconciliation_case",
    async approve(tx, { subject_id, merchant_id }) {
      await resolveCase(services, tx, subject_id ?? "", merchant_id);
    },
    async reject(tx, { subject_id }) {
      const found = await lockCase(tx, subject_id ?? "");
      if (found?.state === "proposed") await moveCase(tx, found, { to: "open", action: null, approval_id: null });
    },
  };
}

async function resolveCase(
  services: ReconciliationServices,
  tx: Transaction,
  case_id: string,
  merchant_id: string | null,
): Promise<void> {
  const { clock } = services;
  const channel_account_id = (await loadCase(tx, case_id))?.channel_account_id;
  if (channel_account_id) await lockDay(tx, { channel_account_id, day: NO_DAY });
  const found = await lockCase(tx, case_id);
  if (found?.state !== "proposed" || found.action === null)
    throw invalid("The case is not waiting for a decision any more.");
  const differences = (await listCaseDifferences(tx, case_id, DECIDED_MAX)).filter(({ state }) => state !== "resolved");
  const kind = caseActions[found.action];
  const account = await getChannelAccount(tx, found.channel_account_id);
  // Money that no book has goes into the suspense of the merchant it is given to, and out of it, in one.
  const given =
    merchant_id === null || account.funding_mode === "direct"
      ? []
      : differences.filter((one) => one.merchant_id === null);
  const head = { channel_account_id: found.channel_account_id, day: found.day };
  const rows = differences.flatMap((one) => {
    const owner = one.merchant_id ?? merchant_id;
    if (owner === null || account.funding_mode === "direct") return [];
    const net = -((one.channel_amount ?? 0n) - (one.channel_fee ?? 0n));
    const suspended = given.includes(one) && kind !== null ? net : one.suspended;
    const row = { ...head, merchant_id: owner, livemode: one.livemode, currency: one.currency, difference_id: one.id };
    const into = { ...row, kind: "difference_suspended" as const, amount: suspended - one.suspended };
    return [into, kind === null ? { ...into, amount: -one.suspended } : { ...row, kind, amount: suspended }];
  });
  await book(services, tx, rows);
  if (merchant_id !== null) await saveMerchantOfCase(tx, case_id, merchant_id);
  await resolveDifferences(tx, case_id, clock.now());
  const { action, approval_id } = found;
  await moveCase(tx, found, { to: "resolved", action, approval_id, outcome: "decided", resolved_at: clock.now() });
  await matchLaterDaysAgain(tx, { ...head, day: NO_DAY }, clock.now());
}

/**
 * Opens a decided case again: what the decision booked is taken back, and lies in suspense.
 * @throws reconciliation.case_not_found, reconciliation.case_invalid
 */
export async function reopenCase(services: ReconciliationServices, case_id: string): Promise<ReconciliationCase> {
  const { channel_account_id: account_id } = await findCase(services, case_id);
  await services.db.transaction(async (tx) => {
    await lockDay(tx, { channel_account_id: account_id, day: NO_DAY });
    const found = await lockCase(tx, case_id);
    if (!found) throw reconciliationErrors["reconciliation.case_not_found"]();
    if (found.outcome !== "decided") throw invalid("Only a case that people have decided can be opened again.");
    const differences = await listCaseDifferences(tx, case_id, DECIDED_MAX);
    const merchants = [...new Set(differences.flatMap(({ merchant_id }) => merchant_id ?? []))];
    const ids = differences.map(({ id }) => id);
    const booked = await sumOfDifferences(tx, merchants, ids);
    const { channel_account_id, day } = found;
    const { livemode } = await getChannelAccount(tx, channel_account_id);
    const back = booked.map((row) => ({ ...row, channel_account_id, day, livemode, amount: -row.amount }));
    // Everything that was booked of it is taken back; what is looked into goes into suspense anew.
    await book(services, tx, back);
    await reopenDifferences(tx, case_id);
    await moveCase(tx, found, { to: "open", action: null, approval_id: null, reopens: true });
    const closed = (await loadDay(tx, { channel_account_id, day }))?.state === "closed";
    if (!closed) await matchLaterDaysAgain(tx, { channel_account_id, day: NO_DAY }, services.clock.now());
  });
  await keepCases(services, (await findCase(services, case_id)).channel_account_id);
  return findCase(services, case_id);
}
