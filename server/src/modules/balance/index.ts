/** What merchants see of their books. The only door of the module. */
import type { ApiServer } from "../../kit/http/api.ts";
import { registerListBalanceEntries } from "./routes/list-balance-entries/route.ts";
import { registerReadBalance } from "./routes/read-balance/route.ts";
import type { BalanceServices } from "./services.ts";

export { isShown, type ShownKind, type ShownName, shownAccounts, shownKinds, shownNames } from "./account.ts";
export { entryId, presentBalance, presentSource, readEntryPlace } from "./present.ts";

export { readBalances } from "./read-balances.ts";
export { readEntries } from "./read-entries.ts";
export { EntryObject, entryFilters } from "./routes/list-balance-entries/route.ts";
export { BalanceObject } from "./routes/read-balance/route.ts";

/** Registers the routes of the balance. `request.caller` must have been set by authentication. */
export function registerBalanceRoutes(api: ApiServer, services: BalanceServices): void {
  registerReadBalance(api, services);
  registerListBalanceEntries(api, services);
}
