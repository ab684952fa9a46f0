/**
 * `tributary bench`: measures on real processes what Tributary promises, each figure beside its limit of the same run,
 * and prints one table. Everything runs on this machine and speaks over loopback; the database is a fresh embedded one,
 * with fsync and synchronous_commit on, in a folder that is removed afterwards.
 *
 * Ends with code 1 when a target is missed (unless --no-fail), a request fails or the books do not verify.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { readDemoFile } from "../server/src/main/demo/demo-file.ts";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "../server/src/main/embedded-postgres.ts";
import { findFreePort } from "../server/src/main/free-port.ts";
import { migrate } from "../server/src/main/migrate.ts";
import { runCreateBench } from "./create.ts";
import { chooseLoader, type Loader } from "./http-load.ts";
import { type BenchRow, runLedgerBench } from "./ledger.bench.ts";
import { runLifecycleBench } from "./lifecycle.ts";
import {
  childrenOf,
  type Program,
  parentOf,
  readMemory,
  root,
  runProgram,
  startProgram,
  stopPrograms,
} from "./processes.ts";
import { runReconcileBench } from "./reconcile.bench.ts";
import { runSettlementBench } from "./settlement.ts";
import { runSettlingBesideBench } from "./settling-beside.ts";
import { runSlowChannelBench } from "./slow-channel.ts";
import { formatTable, makeRow } from "./table.ts";
import { runVerifyBench } from "./verify.bench.ts";

const PARTS = ["create", "lifecycle", "ledger", "slow-channel", "verify", "settlement", "reconcile"] as const;
const WARM_START_MS_MAX = 3_000;
const MEMORY_MB_MAX = 300;

interface Options {
  seconds: number;
  only: readonly string[];
  fail: boolean;
}

/** What every part of the run shares. */
interface Run {
  options: Options;
  loader: Loader;
  folder: string;
  environment: Record<string, string>;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: { seconds: { type: "string" }, only: { type: "string" }, "no-fail": { type: "boolean", default: false } },
  });
  const seconds = Number(values.seconds ?? process.env.BENCH_SECONDS ?? 8);
  if (!Number.isInteger(seconds) || seconds < 1) throw new Error("Give --seconds as a whole number.");
  const only = values.only?.split(",") ?? [...PARTS];
  const strange = only.find((part) => !PARTS.some((known) => known === part));
  if (strange !== undefined) throw new Error(`There is no part "${strange}": name some of ${PARTS.join(", ")}.`);
  return { seconds, only, fail: !values["no-fail"] };
}

async function main(): Promise<void> {
  const options = readOptions();
  const loader = await chooseLoader();
  // In the project's folder, because the system's temporary folder may be memory, where fsync costs nothing.
  mkdirSync(join(root, ".data"), { recursive: true });
  const folder = mkdtempSync(join(root, ".data/bench-"));
  const [port, sandbox_port] = [await findFreePort(), await findFreePort()];
  const environment = {
    ...{ TRIBUTARY_DATA_DIR: folder, PORT: String(port), SANDBOX_PORT: String(sandbox_port), DATABASE_URL: "" },
    // One key carries the whole load.
    ...{ KEY_RATE: "1000000", TRIBUTARY_MODE: "demo", LOG_LEVEL: "warn" },
  };
  const run: Run = { options, loader, folder, environment };
  let broken = false;
  const breakOff = async () => {
    broken = true;
    await stopPrograms();
    for (const name of ["bare", "postgres"]) await stopDatabase(join(folder, name)).catch(() => undefined);
    removeFolder(folder);
    process.exit(1);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void breakOff());
  try {
    say(`Measuring for about ${options.only.length} minutes; leave the machine alone.`);
    const { rows, facts } = await measure(run);
    say(["", ...facts, "", formatTable(rows), ""].join("\n"));
    const missed = rows.filter((row) => !row.ok);
    say(missed.length === 0 ? "Every target is met." : `Missed: ${missed.map((row) => row.name).join("; ")}.`);
    if (missed.length > 0 && options.fail) process.exitCode = 1;
  } catch (error) {
    if (!broken) throw error;
  } finally {
    if (!broken) removeFolder(folder);
  }
}

/** A database that outlived its server is taken over and stopped. */
async function stopDatabase(dataDir: string): Promise<void> {
  if (!existsSync(dataDir)) return;
  const database = await startEmbeddedPostgres({ dataDir, log: () => {} });
  await database.stop();
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
}

async function measure(run: Run): Promise<{ rows: BenchRow[]; facts: string[] }> {
  const { options, folder, environment } = run;
  const load = loadavg()[0]!;
  const startRows = await measureStarts(run);
  const server = await start(environment);
  const stops = [() => server.stop()];
  try {
    const database_url = (await findEmbeddedPostgres(join(folder, "postgres")))!;
    const client = new pg.Client({ connectionString: database_url });
    await client.connect();
    stops.push(() => client.end());
    const facts = [...(await describeMachine(client, run)), `load average before the run ${load.toFixed(2)}`];
    const demo = readDemoFile(folder)!;
    const rows: BenchRow[] = [];
    let bare_peak_mb = 0;
    if (options.only.includes("create")) {
      say("  creating payments");
      const given = { demo, database_url, client, loader: run.loader, seconds: options.seconds, say };
      const created = await runCreateBench(given);
      rows.push(...created.rows);
      bare_peak_mb = created.bare_peak_mb;
    }
    if (options.only.includes("lifecycle")) {
      say("  whole lifecycles");
      rows.push(...(await runLifecycleBench({ demo, client, seconds: 2 * options.seconds, say })));
    }
    const memory = await measureMemory(server, client, bare_peak_mb);
    if (options.only.includes("ledger")) {
      say("  ledger postings");
      rows.push(...(await inOwnDatabase(client, database_url, runLedgerBench)));
    }
    if (options.only.includes("verify")) {
      say("  proving the books");
      rows.push(...(await inOwnDatabase(client, database_url, runVerifyBench)));
    }
    if (options.only.includes("reconcile")) {
      say("  reconciling a bill");
      rows.push(...(await inOwnDatabase(client, database_url, runReconcileBench)));
    }
    if (options.only.includes("slow-channel")) {
      say("  payers beside a slow channel");
      rows.push(...(await runSlowChannelBench({ demo, seconds: options.seconds, say })));
    }
    if (options.only.includes("settlement")) {
      say("  settling merchants");
      rows.push(...(await inOwnDatabase(client, database_url, (url) => runSettlementBench(url, say))));
      say("  payers while merchants are settled");
      rows.push(...(await runSettlingBesideBench({ demo, database_url, seconds: options.seconds, say })));
    }
    say("  verifying the books");
    const verdict = await verifyBooks(environment);
    return { rows: [...rows, ...startRows, ...memory], facts: [...facts, verdict] };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Fails the run when the books differ. */
async function verifyBooks(environment: Record<string, string>): Promise<string> {
  const found = JSON.parse(await runProgram(["server/src/main/cli.ts", "ledger", "verify", "--json"], environment));
  const [transactions, payments] = [found.transactions, found.payments].map((count) => count.toLocaleString("en-US"));
  return `ledger verify after the load: ${payments} payments, ${transactions} transactions, 0 differences`;
}

/** The whole of it, as `npm start` runs it: a launcher, the server with its workers, the sandbox, and PostgreSQL. */
function start(environment: Record<string, string>): Promise<Program> {
  return startProgram(["bin/tributary.mjs", "start"], "Tributary is up", environment);
}

async function measureStarts({ folder, environment }: Run): Promise<BenchRow[]> {
  say("  starting");
  const bare = { cold: await startDatabase(`${folder}/bare`), warm: await startDatabase(`${folder}/bare`) };
  const times: number[] = [];
  for (let count = 0; count < 2; count += 1) {
    const server = await start(environment);
    times.push(server.ready_ms);
    await server.stop();
  }
  const [cold, warm] = times as [number, number];
  return [
    makeRow({
      name: "(d) first start, with a new database and a demo payment",
      figure: cold / 1000,
      unit: "s",
      limit: { name: "making and starting PostgreSQL alone", value: bare.cold / 1000 },
    }),
    makeRow({
      name: "(d) second start",
      figure: warm / 1000,
      unit: "s",
      limit: { name: "starting PostgreSQL alone", value: bare.warm / 1000 },
      target: { text: `< ${WARM_START_MS_MAX / 1000} s`, ok: warm < WARM_START_MS_MAX },
    }),
  ];
}

async function startDatabase(dataDir: string): Promise<number> {
  const started = performance.now();
  const database = await startEmbeddedPostgres({ dataDir, log: () => {} });
  const elapsed = performance.now() - started;
  await database.stop();
  return elapsed;
}

async function measureMemory(launcher: Program, client: pg.Client, bare_peak_mb: number): Promise<BenchRow[]> {
  const [server] = childrenOf(launcher.pid);
  const used = server === undefined ? undefined : readMemory(server);
  if (used === undefined) return [];
  const peak = (pid: number | undefined) => (pid === undefined ? 0 : (readMemory(pid)?.peak ?? 0));
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const postmaster = parentOf(rows[0]!.pid)!;
  const database = [postmaster, ...childrenOf(postmaster)].reduce((sum, pid) => sum + (readMemory(pid)?.own ?? 0), 0);
  const sandbox = childrenOf(server!).find((pid) => pid !== postmaster);
  const row = (name: string, figure: number) => makeRow({ name, figure, unit: "MB" });
  return [
    makeRow({
      name: "(d) memory of server and workers, at most",
      figure: used.peak,
      unit: "MB",
      ...(bare_peak_mb > 0 && { limit: { name: "the bare route's process", value: bare_peak_mb } }),
      target: { text: `< ${MEMORY_MB_MAX} MB`, ok: used.peak < MEMORY_MB_MAX },
    }),
    row("(d) memory of the sandbox, at most", peak(sandbox)),
    row("(d) memory of the launcher, at most", peak(launcher.pid)),
    row("(d) memory of PostgreSQL, all processes, after the load", database),
  ];
}

/** On a migrated database that is dropped afterwards: its rows belong to nothing, which the real books would not forgive. */
async function inOwnDatabase(
  client: pg.Client,
  database_url: string,
  measure: (url: string) => Promise<BenchRow[]>,
): Promise<BenchRow[]> {
  await client.query("create database bench_own");
  const url = new URL(database_url);
  url.pathname = "/bench_own";
  await migrate(url.href);
  const rows = await measure(url.href);
  await client.query("drop database bench_own with (force)");
  return rows;
}

async function describeMachine(client: pg.Client, { loader, options }: Run): Promise<string[]> {
  const setting = async (name: string) => {
    const { rows } = await client.query<Record<string, string>>(`show ${name}`);
    return rows[0]![name]!;
  };
  for (const name of ["fsync", "synchronous_commit", "full_page_writes"]) {
    if ((await setting(name)) !== "on") throw new Error(`${name} is off: what is not on disk does not count`);
  }
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  return [
    `${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? "unknown"}, ${memory}; ${platform()} ${release()}`,
    `Node.js ${process.versions.node}, PostgreSQL ${await setting("server_version")}, ${loader.name}`,
    "fsync, synchronous_commit and full_page_writes are on; everything on this machine, over loopback",
    `repeat: npm run bench -- --seconds ${options.seconds}`,
  ];
}

await main();
