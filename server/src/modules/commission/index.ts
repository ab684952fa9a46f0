/** Commission: what agents earned, settled month by month. The only door of the module. */
export { commissionErrors } from "./errors.ts";
export { createCommissionWorkers } from "./jobs.ts";
export { presentCommissionSettlement, presentLine } from "./present.ts";
export { type CommissionRange, type DatedChange, listChanges } from "./read-changes.ts";
export { exportLines, findCommissionSettlement, readLines } from "./read-settlement.ts";
export { registerOperatorCommissionRoutes } from "./routes/operator-settlements/route.ts";
export { CommissionLineObject, CommissionSettlementObject } from "./routes/schemas.ts";
export { settleAgent } from "./run-month.ts";
export type { CommissionServices } from "./services.ts";
export type { CommissionSettlement } from "./settlement.ts";
export { type EarnedSum, listSettlements as listCommissionSettlements, sumEarned } from "./store.ts";
