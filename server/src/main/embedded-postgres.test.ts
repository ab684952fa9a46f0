// Guarantee: whatever ends the server or the machine, the next start on the same folder brings back every committed
// row on the same port, by itself, and two processes never run on one folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type EmbeddedPostgres, findEmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { describeProcess } from "./process-identity.ts";

let dataDir: string;
let server: EmbeddedPostgres | undefined;

const log = () => {};
const start = async () => {
  server = await startEmbeddedPostgres({ dataDir, log });
  return server;
};

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

/** Starts the server in a process of its own, which then keeps it or is killed at once. */
function startElsewhere(fate: "stay" | "die") {
  const module = JSON.stringify(new URL("./embedded-postgres.ts", import.meta.url).href);
  const script = `
    const { startEmbeddedPostgres } = await import(${module});
    const options = { dataDir: ${JSON.stringify(dataDir)}, log: () => {} };
    const server = await startEmbeddedPostgres(options).catch((error) => ({ pid: error.message }));
    process.stdout.write(String(server.pid));
    if (${JSON.stringify(fate)} === "die") process.kill(process.pid, "SIGKILL");
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "postgres-"));
  const { url } = await start();
  await query(url, "CREATE TABLE kept AS SELECT 1 AS id");
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("a first start makes a durable server, on loopback, whose password only its owner reads", async () => {
  const { url } = server!;
  const names = ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "jit", "server_encoding"];
  const rows = await query(url, `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`)}`);
  expect(rows).toEqual([
    {
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      listen_addresses: "127.0.0.1",
      jit: "off",
      server_encoding: "UTF8",
    },
  ]);
  expect(statSync(join(dataDir, "server.json")).mode & 0o777).toBe(0o600);
  const wrong = new URL(url);
  wrong.password = "guess";
  await expect(query(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
});

test("after an orderly stop nothing runs, and the next start has the same address and data", async () => {
  const before = await start();
  await before.stop();
  expect(describeProcess(before.pid)).toBeUndefined();
  expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
  const after = await start();
  expect([after.url, after.reused]).toEqual([before.url, false]);
  expect(await findEmbeddedPostgres(dataDir)).toBe(after.url);
  expect(await query(after.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
});

test("a server whose parent was killed is taken over as it runs", async () => {
  const parent = startElsewhere("die");
  const [output] = await Promise.all([once(parent.stdout, "data"), once(parent, "exit")]);
  const taken = await start();
  expect([taken.reused, taken.pid]).toEqual([true, Number(String(output[0]))]);
  await taken.stop();
  expect(describeProcess(taken.pid)).toBeUndefined();
});

test("a killed server is started again and has what was committed", async () => {
  const before = await start();
  await query(before.url, "INSERT INTO kept VALUES (2)");
  process.kill(before.pid, "SIGKILL");
  const after = await start();
  expect([after.reused, after.port]).toEqual([false, before.port]);
  expect(await query(after.url, "SELECT id FROM kept ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
});

test("a server that ends while it is looked after comes back at the same address, with its data", async () => {
  server = await startEmbeddedPostgres({ dataDir, log, keepAlive: true });
  const { url, pid } = server;
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(describeProcess(pid)).toBeUndefined());
  const rows = await vi.waitFor(() => query(url, "SELECT count(*)::int AS count FROM kept"), { timeout: 20_000 });
  expect(rows).toEqual([{ count: 2 }]);
  await server.stop();
  expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
});

test("files left by a crash of the machine, naming numbers that strangers now have, do not matter", async () => {
  const { port } = await start().then(async (running) => {
    await running.stop();
    return running;
  });
  const stranger = String(process.ppid);
  const lines = [stranger, join(dataDir, "cluster"), "1700000000", port, "", "127.0.0.1", "  1234567   1", "ready   "];
  writeFileSync(join(dataDir, "cluster/postmaster.pid"), `${lines.join("\n")}\n`);
  writeFileSync(join(dataDir, "owner.json"), JSON.stringify({ pid: process.ppid, identity: "old", stopping: false }));
  const after = await start();
  expect(after.reused).toBe(false);
  expect(await query(after.url, "SELECT count(*)::int AS count FROM kept")).toEqual([{ count: 2 }]);
});

test("a second process on a folder in use is refused in one sentence that names the first", async () => {
  await start();
  const second = startElsewhere("stay");
  const [output] = await once(second.stdout, "data");
  second.kill("SIGKILL");
  expect(String(output)).toBe(
    `Tributary is already running on ${dataDir} (process ${process.pid}): stop it first, or use another folder.`,
  );
});

test("a port that someone else took meanwhile is exchanged for a free one", async () => {
  const before = await start();
  await before.stop();
  const record = JSON.parse(readFileSync(join(dataDir, "server.json"), "utf8"));
  const blocker = spawn(process.execPath, [
    "-e",
    `require("node:net").createServer().listen(${before.port}, "127.0.0.1", () => process.stdout.write("up"))`,
  ]);
  await once(blocker.stdout, "data");
  const after = await start();
  blocker.kill("SIGKILL");
  expect(record.port).toBe(before.port);
  expect(after.port).not.toBe(before.port);
  expect(await query(after.url, "SELECT count(*)::int AS count FROM kept")).toEqual([{ count: 2 }]);
});

test.runIf(process.getuid?.() === 0)(
  "root without user namespaces runs it as nobody, in a folder open to it",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "postgres-"));
    const options = { dataDir: folder, log, avoidNamespace: true };
    const first = await startEmbeddedPostgres(options);
    expect(statSync(`/proc/${first.pid}`).uid).toBe(65534);
    const [row] = await query(first.url, "SELECT current_setting('data_directory') AS folder");
    await first.stop();
    const second = await startEmbeddedPostgres({ dataDir: folder, log });
    expect(statSync(`/proc/${second.pid}`).uid).toBe(65534);
    await second.stop();
    rmSync(join(String(row!.folder), ".."), { recursive: true });
    rmSync(folder, { recursive: true, force: true });
  },
);

test.runIf(process.getuid?.() === 0)(
  "root in another user's folder runs it as that user and leaves it theirs",
  async () => {
    const user = 4321;
    const folder = mkdtempSync(join(tmpdir(), "postgres-"));
    const first = await startEmbeddedPostgres({ dataDir: folder, log });
    await first.stop();
    for (const name of ["", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
      chownSync(join(folder, name), user, user);
    }
    const second = await startEmbeddedPostgres({ dataDir: folder, log });
    expect(statSync(`/proc/${second.pid}`).uid).toBe(user);
    const strangers = readdirSync(folder).filter((name) => statSync(join(folder, name)).uid !== user);
    await second.stop();
    expect(strangers).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  },
);
