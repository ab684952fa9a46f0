import { createHash, randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";
import { migrate, readMigrations } from "../../server/src/main/migrate.ts";

/** A database of the caller's own, migrated and empty. `drop` ends whatever still uses it. */
export type TestDatabase = { url: string; drop: () => Promise<void> };

/** Serialises the making of the template among test processes. Any fixed number serves. */
const advisoryLock = 7_416_190_022;

/**
 * Makes a database for one test file, as a copy of a template that holds all migrations.
 * The template is made by the first caller and kept between runs until a migration changes.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("testPostgres");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await withClient(server.url, async (client) => {
    const template = await prepareTemplate(client, server);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  return { url: urlOf(server.url, name), drop: () => dropDatabase(server.url, name) };
}

/** Makes a database without any table, for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const { url } = inject("testPostgres");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await withClient(url, (client) => client.query(`CREATE DATABASE ${name}`));
  return { url: urlOf(url, name), drop: () => dropDatabase(url, name) };
}

/** Drops what runs that were killed have left; only for a server that no other run uses. */
export async function dropTestDatabases(url: string): Promise<void> {
  await withClient(url, (client) => dropLike(client, "test\\_%"));
}

async function prepareTemplate(client: Client, server: { url: string; embedded: boolean }): Promise<string> {
  const migrations = readMigrations();
  const digest = createHash("sha256")
    .update(migrations.map(({ sha256 }) => sha256).join())
    .digest("hex");
  const name = `template_${digest.slice(0, 16)}`;
  if (await exists(client, name)) return name;
  await client.query("SELECT pg_advisory_lock($1)", [advisoryLock]);
  if (await exists(client, name)) return name;
  // On a server of our own nobody else uses what earlier runs and earlier migrations have left behind.
  if (server.embedded) await dropLike(client, "template\\_%");
  // Made under another name first, so that a template is whole whenever it exists.
  const building = `building_${digest.slice(0, 16)}`;
  await client.query(`DROP DATABASE IF EXISTS ${building} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${building}`);
  await migrate(urlOf(server.url, building), migrations);
  await client.query(`ALTER DATABASE ${building} RENAME TO ${name}`);
  await client.query("SELECT pg_advisory_unlock($1)", [advisoryLock]);
  return name;
}

async function exists(client: Client, name: string): Promise<boolean> {
  return (await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name])).rowCount === 1;
}

async function dropLike(client: Client, pattern: string): Promise<void> {
  const { rows } = await client.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE $1", [
    pattern,
  ]);
  for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
}

async function dropDatabase(url: string, name: string): Promise<void> {
  await withClient(url, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function urlOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
