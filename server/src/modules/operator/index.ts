/** The door of `/operator/v1`, and the audit trail. The only door of the module. */
export type { OperatorAction } from "./action.ts";
export { openOperatorScope } from "./door.ts";
export { operatorErrors } from "./errors.ts";
export { makeOnce } from "./make-once.ts";
export { type GivenCommand, recordCommand } from "./record-command.ts";
export { registerListActions } from "./routes/list-actions/route.ts";
export type { OperatorServices } from "./services.ts";
export { listActions as listOperatorActions } from "./store.ts";
