import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What the operator sets from outside. */
export type Config = {
  /** A PostgreSQL of the operator's own; without it an embedded one runs in `dataDir`. */
  databaseUrl: string | undefined;
  /** The folder of everything that must outlive the process, absolute. */
  dataDir: string;
};

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Reads the environment; an empty variable counts as unset. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  return {
    databaseUrl: environment.DATABASE_URL || undefined,
    dataDir: environment.TRIBUTARY_DATA_DIR || join(root, ".data"),
  };
}
