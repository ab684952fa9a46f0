// Guarantee: a database is only ever brought forward by the committed files, each once, whole or not at all, however
// many processes start together; a file changed after it was applied is refused.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../../../test/database/test-database.ts";
import { type Migration, migrate, readMigrations } from "./migrate.ts";

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createEmptyDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

function migration(version: number, sql: string): Migration {
  return { version, name: "step", sql, sha256: createHash("sha256").update(sql).digest("hex") };
}

const first = migration(1, "CREATE TABLE one (id int); -- a comment to the end");
const second = migration(2, "CREATE TABLE two (id int); INSERT INTO two VALUES (2)");

test("five processes starting together apply each file once and in order", async () => {
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url, [first, second])));
  expect(applied.flat()).toEqual([first, second]);
  const { rows } = await client.query("SELECT version, name, sha256 FROM migrations ORDER BY version");
  expect(rows).toEqual([first, second].map(({ version, name, sha256 }) => ({ version, name, sha256 })));
  expect((await client.query("SELECT id FROM two")).rows).toEqual([{ id: 2 }]);
});

test("a failing file leaves nothing of itself behind and names itself", async () => {
  const broken = migration(3, "CREATE TABLE three (id int); SELECT 1/0");
  await expect(migrate(database.url, [first, second, broken])).rejects.toThrow(
    "The migration 000003_step.sql failed and was rolled back: division by zero.",
  );
  expect((await client.query("SELECT to_regclass('three') AS found")).rows).toEqual([{ found: null }]);
  expect((await client.query("SELECT max(version) AS last FROM migrations")).rows).toEqual([{ last: 2 }]);
});

test("a changed, a missing and a late file are refused, each with its reason", async () => {
  const changed = { ...first, sha256: second.sha256 };
  await expect(migrate(database.url, [changed, second])).rejects.toThrow("000001_step.sql was changed after");
  await expect(migrate(database.url, [first])).rejects.toThrow("000002_step.sql, which this release does not know");
  await client.query("INSERT INTO migrations VALUES (9, 'step', $1)", [second.sha256]);
  const late = [first, second, migration(5, "SELECT 1"), { ...second, version: 9 }];
  await expect(migrate(database.url, late)).rejects.toThrow("000005_step.sql comes before one already applied");
});

test("file names are checked: six digits, one file a number", () => {
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "000001_a.sql"), "SELECT 1");
  writeFileSync(join(folder, "000001_b.sql"), "SELECT 1");
  expect(() => readMigrations(folder)).toThrow("Two migrations have the number 1");
  writeFileSync(join(folder, "2-c.sql"), "SELECT 1");
  expect(() => readMigrations(folder)).toThrow("The migration 2-c.sql is not named like 000001_name.sql");
});

test("the project's own migrations apply, and a test database comes with all of them", async () => {
  const copy = await createTestDatabase();
  const reader = new Client({ connectionString: copy.url });
  await reader.connect();
  const { rows } = await reader.query("SELECT count(*)::int AS count FROM migrations");
  expect(rows).toEqual([{ count: readMigrations().length }]);
  await reader.end();
  await copy.drop();
});

test("UnionPay accounts of before the middle certificates had names keep every setting", async () => {
  const old = await createEmptyDatabase();
  const writer = new Client({ connectionString: old.url });
  await writer.connect();
  const all = readMigrations();
  await migrate(
    old.url,
    all.filter(({ version }) => version < 19),
  );
  const add = (id: number, channel: string, config: object) =>
    writer.query(
      `insert into channel_accounts (id, channel, name, funding_mode, livemode, methods, config, secrets_sealed, created_at)
       values ($1, $2, 'x', 'pooled', false, '{}', $3, '', now())`,
      [`00000000-0000-0000-0000-00000000000${id}`, channel, JSON.stringify(config)],
    );
  await add(1, "unionpay", { mer_id: "1", middle_certificates: ["one", "two"], undo_same_day: true });
  await add(2, "unionpay", { mer_id: "2", middle_certificates: [{ pem: "three" }] });
  await add(3, "wechat", { mchid: "3", undo_same_day: true });
  await migrate(old.url, all);
  const { rows } = await writer.query("select config from channel_accounts order by id");
  expect(rows.map(({ config }) => config)).toEqual([
    { mer_id: "1", middle_certificates: [{ pem: "one" }, { pem: "two" }], same_day_refund: "undo" },
    { mer_id: "2", middle_certificates: [{ pem: "three" }] },
    { mchid: "3", undo_same_day: true },
  ]);
  await writer.end();
  await old.drop();
});
