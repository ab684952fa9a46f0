/**
 * The pages in `docs/errors`, one for each code of the catalogue. Their beginning (`renderErrorFacts`) is written by
 * `node server/src/main/error-pages.ts`; the advice below it is written by people and kept.
 */
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type CatalogueEntry, errorCatalogue } from "../kit/error.ts";
import { renderErrorFacts } from "../kit/http/error-page.ts";
import { errorPagesDir, readErrorPages } from "../kit/http/reference.ts";

const source = fileURLToPath(new URL("..", import.meta.url));
const ADVICE = "## Cause";

/** Loads every module's catalogue, whether or not the running roles use it. */
export async function loadWholeCatalogue(): Promise<CatalogueEntry[]> {
  for (const file of globSync("{kit/http,modules/*}/errors.ts", { cwd: source })) {
    await import(pathToFileURL(`${source}${file}`).href);
  }
  return errorCatalogue();
}

/** What a code's page should be, given what it is: new facts, the same advice. */
export function refreshErrorPage(entry: CatalogueEntry, page: string | undefined): string {
  const advice = page?.slice(page.indexOf(ADVICE)) ?? "";
  return `${renderErrorFacts(entry)}\n${advice.startsWith(ADVICE) ? advice : ""}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(errorPagesDir, { recursive: true });
  const pages = readErrorPages();
  for (const entry of await loadWholeCatalogue()) {
    writeFileSync(`${errorPagesDir}${entry.code}.md`, refreshErrorPage(entry, pages.get(entry.code)));
  }
}
