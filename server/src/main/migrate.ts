import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { StartError } from "./start-error.ts";

/** One committed file: `version` is its six digits, `sha256` the hex digest of its bytes. */
export type Migration = { version: number; name: string; sql: string; sha256: string };

/** The project's own migrations, as an absolute path. */
export const migrationsFolder = fileURLToPath(new URL("../../migrations", import.meta.url));

/** Any fixed number serves, as long as nothing else in the database takes the same advisory lock. */
const advisoryLock = 7_416_190_021;

/** Reads a folder of `NNNNNN_name.sql` files in order. Throws `StartError` for a wrong name or a number used twice. */
export function readMigrations(folder: string = migrationsFolder): Migration[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort();
  const migrations = files.map((file) => {
    const match = /^(\d{6})_([a-z0-9_]+)\.sql$/.exec(file);
    if (match === null) throw new StartError(`The migration ${file} is not named like 000001_name.sql: rename it.`);
    const sql = readFileSync(`${folder}/${file}`, "utf8");
    return { version: Number(match[1]), name: match[2]!, sql, sha256: createHash("sha256").update(sql).digest("hex") };
  });
  for (const [index, { version }] of migrations.entries()) {
    if (migrations[index + 1]?.version === version) {
      throw new StartError(`Two migrations have the number ${version}: give the newer one the next free number.`);
    }
  }
  return migrations;
}

/**
 * Brings a database up to the given migrations and returns those that were applied now.
 *
 * Each runs in a transaction of its own together with its row in `migrations`, so a failure leaves whole steps only.
 * Several processes may call this at once: one works and the others wait. A statement gives up after 5 s of waiting
 * for a lock, so that a migration never stops traffic for longer.
 * Throws `StartError` when an applied file was changed, removed or overtaken, or when its SQL fails.
 */
export async function migrate(url: string, migrations: readonly Migration[] = readMigrations()): Promise<Migration[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [advisoryLock]);
    await client.query("SET lock_timeout = '5s'; SET client_min_messages = warning");
    await client.query(`CREATE TABLE IF NOT EXISTS migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
    const { rows } = await client.query<{ version: number; name: string; sha256: string }>(
      "SELECT version, name, sha256 FROM migrations ORDER BY version",
    );
    const pending = findPending(migrations, rows);
    for (const migration of pending) await apply(client, migration);
    return pending;
  } finally {
    // Ending the session also gives the advisory lock free.
    await client.end().catch(() => {});
  }
}

function findPending(
  migrations: readonly Migration[],
  applied: readonly { version: number; name: string; sha256: string }[],
): Migration[] {
  const byVersion = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const row of applied) {
    const file = byVersion.get(row.version);
    if (file === undefined) {
      throw new StartError(
        `The database has migration ${fileName(row)}, which this release does not know: run the release that applied it, or a later one.`,
      );
    }
    if (file.sha256 !== row.sha256) {
      throw new StartError(
        `The migration ${fileName(file)} was changed after it was applied: restore the file and put the change into a new migration.`,
      );
    }
  }
  const last = applied.at(-1)?.version ?? 0;
  const done = new Set(applied.map((row) => row.version));
  const pending = migrations.filter((migration) => !done.has(migration.version));
  const late = pending.find((migration) => migration.version < last);
  if (late !== undefined) {
    throw new StartError(`The migration ${fileName(late)} comes before one already applied: give it the next number.`);
  }
  return pending;
}

/** Sent as one multi-statement query, which PostgreSQL runs as one transaction: begun and ended by the server itself. */
async function apply(client: Client, migration: Migration): Promise<void> {
  const row = [migration.name, migration.sha256].map((value) => client.escapeLiteral(value)).join(", ");
  const record = `INSERT INTO migrations (version, name, sha256) VALUES (${migration.version}, ${row})`;
  try {
    await client.query(`${migration.sql}\n;\n${record}`);
  } catch (error) {
    throw new StartError(
      `The migration ${fileName(migration)} failed and was rolled back: ${(error as Error).message}.`,
    );
  }
}

function fileName({ version, name }: { version: number; name: string }): string {
  return `${String(version).padStart(6, "0")}_${name}.sql`;
}
