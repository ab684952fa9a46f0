import { join } from "node:path";
import { checkDatabase } from "./check-database.ts";
import type { Config } from "./config.ts";
import { findEmbeddedPostgres, hasEmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { StartError } from "./start-error.ts";

/** The database of this installation. `stop` ends only what was started here. */
export type Database = { url: string; markStopping: () => void; stop: () => Promise<void> };

/**
 * Opens the database for the server itself: `DATABASE_URL` after a check, or the embedded one, which is started.
 * Throws `StartError` when it cannot be used, or another server runs on the same folder.
 */
export async function openDatabase(config: Config, log: (message: string) => void): Promise<Database> {
  if (config.database_url === undefined) {
    return await startEmbeddedPostgres({ dataDir: folderOf(config), log, keepAlive: true });
  }
  await checkDatabase(config.database_url);
  return borrowed(config.database_url);
}

/** Opens it for a command that may work beside a running server: the embedded one is started only if it is not up. */
export async function joinDatabase(config: Config, log: (message: string) => void): Promise<Database> {
  const running = config.database_url === undefined ? await findEmbeddedPostgres(folderOf(config)) : undefined;
  return running === undefined ? await openDatabase(config, log) : borrowed(running);
}

/** Throws `StartError` when there is no database that a command could mean; making one is for `start` and `migrate`. */
export function requireDatabase(config: Pick<Config, "database_url" | "data_dir">): void {
  if (config.database_url !== undefined || hasEmbeddedPostgres(folderOf(config))) return;
  throw new StartError(
    `There is no database in ${folderOf(config)}: run "tributary start" first, or set DATABASE_URL to the server's.`,
  );
}

function folderOf(config: Pick<Config, "data_dir">): string {
  return join(config.data_dir, "postgres");
}

function borrowed(url: string): Database {
  return { url, markStopping: () => {}, stop: async () => {} };
}
