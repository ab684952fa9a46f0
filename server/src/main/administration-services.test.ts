/**
 * Guarantee: a command in a shell without the server's settings does nothing and says what to set: it makes no database and
 * no master key of its own, which the server would not share.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database/test-database.ts";

const cli = fileURLToPath(new URL("cli.ts", import.meta.url));
let database: TestDatabase;
let data_dir: string;
const folders: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "administration-"));
  folders.push(data_dir);
});

afterAll(async () => {
  await database?.drop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function tributary(args: string[], settings: Record<string, string> = {}) {
  const env = { PATH: process.env.PATH, TRIBUTARY_DATA_DIR: data_dir, ...settings };
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.err += chunk.toString();
  });
  const [code] = await once(child, "close");
  return { ...said, code: code as number };
}

const create = ["merchant", "create", "--name", "Tea house"];

test("where no database is, none is made", async () => {
  for (const args of [create, ["ledger", "verify"]]) {
    const { code, out, err } = await tributary(args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^There is no database in \S+: run "tributary start" first, or set DATABASE_URL[^\n]*\n$/);
  }
  expect(readdirSync(data_dir)).toEqual([]);
});

test("without the server's master key nothing is sealed, and none is made", async () => {
  const { code, out, err } = await tributary(create, { DATABASE_URL: database.url });
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^MASTER_KEY is not set and [^\n]* give this shell the server's settings first\.\n$/);
  expect(existsSync(join(data_dir, "master.key"))).toBe(false);
});

test("with the server's settings it works; only the result goes to standard output", async () => {
  const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");
  const given = await tributary(create, { DATABASE_URL: database.url, MASTER_KEY });
  expect([given.code, given.err, JSON.parse(given.out).name]).toEqual([0, "", "Tea house"]);
  writeFileSync(join(data_dir, "master.key"), MASTER_KEY, { mode: 0o600 });
  const generated = await tributary(["merchant", "list"], { DATABASE_URL: database.url });
  expect([generated.code, JSON.parse(generated.out).length]).toEqual([0, 1]);
  expect(generated.err).toMatch(/generated master key/);
});
