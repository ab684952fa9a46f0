/** What a merchant's days were: statements, and their entries as files. The only door of the module. */
import type { ApiServer } from "../../kit/http/api.ts";
import { registerExportEntries } from "./routes/export-entries/route.ts";
import { registerReadStatement } from "./routes/read-statement/route.ts";
import type { StatementServices } from "./services.ts";

export {
  type EntryFile,
  type ExportFormat,
  type ExportRequest,
  exportEntries,
  exportFormats,
} from "./export-entries.ts";
export { type Language, languages } from "./words.ts";

/** Registers the routes of statements. `request.caller` must have been set by authentication. */
export function registerStatementRoutes(api: ApiServer, services: StatementServices): void {
  registerReadStatement(api, services);
  registerExportEntries(api, services);
}
