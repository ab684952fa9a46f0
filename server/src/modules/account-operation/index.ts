/** What operators do to merchants' accounts, and whether money may move. The only door of the module. */

export { createOperationHandlers } from "./approval-handlers.ts";
export type { AccountKey, Stop } from "./control.ts";
export { loadControls, nameOf as accountName } from "./control-store.ts";
export { accountErrors } from "./errors.ts";
export { type Operation, type OperationInput, type OperationType, operationTypes, scopes } from "./operation.ts";
export { listOperations, loadOperation } from "./operation-store.ts";
export { presentControls, presentOperations } from "./present-operation.ts";
export { type RequestedOperation, requestOperation } from "./request-operation.ts";
export { explainStop, findStops, loadCreditStops, requireMayCredit, requireMayDebit } from "./require-may.ts";
export { registerAccountOperationRoutes } from "./routes/index.ts";
export type { AccountOperationServices } from "./services.ts";
