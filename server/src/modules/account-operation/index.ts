/** What operators do to merchants' accounts, and whether money may move. The only door of the module. */
export type { AccountKey, Stop } from "./control.ts";
export { nameOf as accountName } from "./control-store.ts";
export { accountErrors } from "./errors.ts";
export { explainStop, findStops, loadCreditStops, requireMayCredit, requireMayDebit } from "./require-may.ts";
