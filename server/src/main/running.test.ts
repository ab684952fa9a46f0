/**
 * Guarantees: production never starts the sandbox, nor anything beside it; a part that cannot start is one sentence, and
 * what was started before it is stopped again.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database/test-database.ts";
import { systemRandom } from "../kit/random.ts";
import { readConfig } from "./config.ts";
import { findFreePort, isFree } from "./free-port.ts";
import { readRoles } from "./roles.ts";
import { startRoles } from "./running.ts";
import { StartError } from "./start-error.ts";

let data_dir: string;

beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "running-"));
});

afterEach(() => rmSync(data_dir, { recursive: true, force: true }));

const silent = () => {};
const production = () =>
  readConfig({
    TRIBUTARY_MODE: "production",
    MASTER_KEY: systemRandom.bytes(32).toString("base64"),
    PUBLIC_URL: "https://pay.example.com",
    TRIBUTARY_DATA_DIR: data_dir,
  });

async function refusal(starting: Promise<unknown>): Promise<string> {
  const error = await starting.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

test.each(["sandbox", "all", "api,worker,sandbox"])(
  "production refuses --roles %s before it touches a database",
  async (names) => {
    expect(await refusal(startRoles(production(), readRoles(names), silent))).toBe(
      "The sandbox is for trying out: start production with --roles api,worker.",
    );
    expect(existsSync(join(data_dir, "postgres"))).toBe(false);
  },
);

test("a database out of reach is one sentence, and the sandbox that was up already is stopped", async () => {
  const sandbox_port = await findFreePort();
  const config = readConfig({
    DATABASE_URL: `postgres://nobody:hidden@127.0.0.1:${await findFreePort()}/none`,
    TRIBUTARY_DATA_DIR: data_dir,
    SANDBOX_PORT: String(sandbox_port),
    LOG_LEVEL: "silent",
  });
  const sentence = await refusal(startRoles(config, readRoles("all"), silent));
  expect(sentence).toMatch(/^[^\n]*[Dd]atabase[^\n]*\.$/);
  expect(sentence).not.toContain("hidden");
  expect(await isFree(sandbox_port)).toBe(true);
});

test("an address that this machine does not have, and a port in use, name their setting; the next start works", async () => {
  const database = await createTestDatabase();
  const [port, roles] = [await findFreePort(), readRoles("api,worker")];
  const configOf = (HOST: string) =>
    readConfig({
      DATABASE_URL: database.url,
      TRIBUTARY_DATA_DIR: data_dir,
      HOST,
      PORT: String(port),
      LOG_LEVEL: "silent",
    });
  const holder = createServer();
  try {
    // An address of the range that is kept for documentation.
    expect(await refusal(startRoles(configOf("192.0.2.1"), roles, silent))).toMatch(
      /has no address 192\.0\.2\.1: set HOST/,
    );
    await new Promise<void>((listening) => holder.listen(port, "127.0.0.1", listening));
    expect(await refusal(startRoles(configOf("127.0.0.1"), roles, silent))).toMatch(
      new RegExp(`^Port ${port} is in use: .* set PORT `),
    );
    await new Promise((closed) => holder.close(closed));

    const running = await startRoles(configOf("127.0.0.1"), roles, silent);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    await running.stop();
    expect(await isFree(port)).toBe(true);
  } finally {
    holder.close();
    await database.drop();
  }
});
