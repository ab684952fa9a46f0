/** Reconciliation: channels' bills against the books, every day. The only door of the module. */

export { loadBills } from "./bill-store.ts";
export { isCaseAction, type ReconciliationCase } from "./case.ts";
export { listCases, listComments } from "./case-store.ts";
export {
  assignCase,
  CASE_APPROVAL,
  caseApprovalHandler,
  commentOnCase,
  findCase,
  type Proposal,
  proposeAction,
  reopenCase,
} from "./cases.ts";
export { CLOSE_APPROVAL, closeApprovalHandler, findObstacle, proposeClose } from "./close-day.ts";
export { countDifferences, listDifferences } from "./difference-store.ts";
export { reconciliationErrors } from "./errors.ts";
export { fetchDay } from "./fetch-day.ts";
export { createDayOpener, createReconciliationWorker } from "./jobs.ts";
export { type BillToLoad, type LoadedBill, loadBill } from "./load-bill.ts";
export { matchDay } from "./match-day.ts";
export { presentBill, presentCase, presentComment, presentDay, presentDifference } from "./present.ts";
export { type UploadedBill, uploadBill } from "./receive-bill.ts";
export type { DayKey, Difference, ReconciliationDay, Rules } from "./reconciliation.ts";
export { registerReconciliationRoutes } from "./routes/index.ts";
export { changeRules, type RulesChange, rulesOf } from "./rules.ts";
export { runDay } from "./run-day.ts";
export type { ReconciliationServices } from "./services.ts";
export { findLastClosedDay, insertDay, listDays, loadClosing, loadDay } from "./store.ts";
