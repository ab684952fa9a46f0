/** Settlement: what is pending becomes available. The only door of the module. */
export type { CalendarYear } from "./calendar.ts";
export { loadCalendar } from "./calendars.ts";
export { settlementApprovalHandler } from "./decide-settlement.ts";
export { settlementErrors } from "./errors.ts";
export { createSettlementWorker } from "./jobs.ts";
export { presentSettlement } from "./present.ts";
export { readRuns as readSettlementRuns } from "./read-runs.ts";
export { SETTLEMENT_APPROVAL } from "./request-review.ts";
export { registerSettlementOperatorRoutes, registerSettlementRoutes } from "./routes/index.ts";
export { SettlementObject } from "./routes/schemas.ts";
export type { OnSettled, SettlementServices } from "./services.ts";
export { type SettingsInput, setSettlementSettings } from "./settings.ts";
export { runSettlement, settleNow } from "./settle.ts";
export type { Settlement, SettlementKey, SettlementSettings } from "./settlement.ts";
export { listSettlements, loadSettings as loadSettlementSettings, loadSettlement, type NewSettings } from "./store.ts";
