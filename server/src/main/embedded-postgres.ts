import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { takeInstanceLock } from "./instance-lock.ts";
import { giveTo, type PostgresHome, postgresCommand, preparePostgresHome, type RunAs } from "./postgres-binaries.ts";
import { isPostgresOf } from "./process-identity.ts";
import { StartError } from "./start-error.ts";

/** What a start needs; `dataDir` is made if it is not there. */
export type EmbeddedPostgresOptions = {
  dataDir: string;
  /** A fixed TCP port; without it a free one is chosen and kept for later starts. */
  port?: number;
  /** Told, in whole sentences, of what takes time or was repaired. */
  log: (message: string) => void;
  /** PostgreSQL settings over the usual ones; tests turn `fsync` off here. */
  settings?: Readonly<Record<string, string>>;
  /** Whether to wait a little for another process that holds the folder; tests take another folder instead. */
  patient?: boolean;
  /** Forces the way PostgreSQL runs under root; chosen by trying when absent. */
  runAs?: RunAs;
};

/** A running server. `reused` tells that it outlived an earlier process of ours and was taken over. */
export type EmbeddedPostgres = {
  url: string;
  port: number;
  /** The postmaster's process number, for tests that crash it. */
  pid: number;
  reused: boolean;
  /** Tells a next start that the folder is about to be free, so that it waits instead of giving up. */
  markStopping: () => void;
  /** Ends sessions, writes a checkpoint, and waits until the server is gone. */
  stop: () => Promise<void>;
};

type ServerRecord = { port: number; password: string; runAs: RunAs };

const majorVersion = "18";
const database = "tributary";
const pollMs = 15;
/** Recovery after a crash replays at most `max_wal_size` of log, which takes seconds; this is far beyond it. */
const readyPolls = 20_000;

/**
 * Settings for a machine of two cores and a few gigabytes. What the books rely on (`fsync`, `synchronous_commit`,
 * `full_page_writes`) stays at PostgreSQL's safe defaults.
 */
const usualSettings: Readonly<Record<string, string>> = {
  cluster_name: "tributary",
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "128MB",
  effective_cache_size: "1GB",
  random_page_cost: "1.1",
  jit: "off",
  wal_compression: "on",
  max_wal_size: "2GB",
  min_wal_size: "256MB",
  checkpoint_timeout: "15min",
  checkpoint_completion_target: "0.9",
  autovacuum_naptime: "15s",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * Starts the PostgreSQL that npm installed on `dataDir`, or takes over the one that still runs there.
 *
 * The server has a session of its own, so Ctrl-C in the terminal reaches us and not it, and it outlives us if we are
 * killed. It listens on loopback only, with a random password kept in `server.json` (mode 0600). A first start makes
 * the cluster aside and renames it into place when it is whole and on disk.
 * Throws `StartError` when another process of ours holds the folder or the server cannot start.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  mkdirSync(options.dataDir, { recursive: true });
  const dataDir = realpathSync(options.dataDir);
  const lock = await takeInstanceLock(dataDir, options.patient);
  try {
    const known = readRecord(dataDir);
    const home = preparePostgresHome(dataDir, options.runAs ?? known?.runAs);
    checkCluster(home, dataDir, known);
    const password = known?.password ?? randomBytes(24).toString("base64url");
    const first: ServerRecord = {
      port: options.port ?? known?.port ?? (await findFreePort()),
      password,
      runAs: home.runAs,
    };
    writeRecord(dataDir, first);
    if (!existsSync(home.cluster)) await makeCluster(home, dataDir, password, options);

    const running = await findRunning(home, password);
    const { pid, port } = running ?? (await launch(home, dataDir, first, options));
    writeRecord(dataDir, { ...first, port });
    await makeDatabase(urlOf("postgres", port, password));
    const stop = async () => {
      lock.markStopping();
      await stopServer(home);
      lock.release();
    };
    return {
      url: urlOf(database, port, password),
      port,
      pid,
      reused: running !== undefined,
      markStopping: lock.markStopping,
      stop,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function urlOf(name: string, port: number, password: string): string {
  return `postgres://tributary:${password}@127.0.0.1:${port}/${name}`;
}

function readRecord(dataDir: string): ServerRecord | undefined {
  const path = join(dataDir, "server.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ServerRecord) : undefined;
}

function writeRecord(dataDir: string, record: ServerRecord): void {
  const path = join(dataDir, "server.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** Data we cannot open is left alone and named, never made anew over it. */
function checkCluster(home: PostgresHome, dataDir: string, known: ServerRecord | undefined): void {
  if (!existsSync(home.cluster)) return;
  if (known === undefined) {
    throw new StartError(
      `The database in ${home.cluster} cannot be opened without ${join(dataDir, "server.json")}, which holds its password: restore that file, or move the folder away.`,
    );
  }
  const version = readFileSync(join(home.cluster, "PG_VERSION"), "utf8").trim();
  if (version !== majorVersion) {
    throw new StartError(
      `The database in ${home.cluster} was made by PostgreSQL ${version} and this release brings ${majorVersion}: dump it with the old release and load it into the new one.`,
    );
  }
}

async function makeCluster(
  home: PostgresHome,
  dataDir: string,
  password: string,
  { log, settings }: EmbeddedPostgresOptions,
): Promise<void> {
  log("Making a new PostgreSQL database.");
  const aside = `${home.cluster}.new`;
  const secret = `${home.cluster}.password`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { mode: 0o700 });
  writeFileSync(secret, password, { mode: 0o600 });
  giveTo(home.runAs, aside);
  giveTo(home.runAs, secret);
  const args = ["-D", aside, "-U", "tributary", "-E", "UTF8", "--locale=C", "--locale-provider=builtin"];
  args.push("--builtin-locale=C.UTF-8", "--auth=scram-sha-256", `--pwfile=${secret}`);
  if (settings?.fsync === "off") args.push("--no-sync");
  const logFile = openLog(dataDir);
  const { command, args: full, options } = postgresCommand(home, "initdb", args);
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(command, full, { ...options, stdio: ["ignore", logFile.descriptor, logFile.descriptor] });
    child.once("error", reject);
    child.once("exit", resolve);
  });
  closeSync(logFile.descriptor);
  rmSync(secret);
  if (code !== 0) throw new StartError(`PostgreSQL could not make its database: ${lastComplaint(logFile)}`);
  renameSync(aside, home.cluster);
}

/** A server of an earlier process of ours, if one runs on this cluster and answers. */
async function findRunning(home: PostgresHome, password: string): Promise<{ pid: number; port: number } | undefined> {
  for (let polls = 0; polls < readyPolls; polls += 1) {
    const file = readPostmasterFile(home);
    if (file === undefined) return undefined;
    if (!isPostgresOf(file.pid, home.cluster)) {
      dropForeignPostmasterFile(home, file.pid);
      return undefined;
    }
    if (file.status === "ready" && (await answers(urlOf("postgres", file.port, password)))) {
      return { pid: file.pid, port: file.port };
    }
    await sleep(pollMs);
  }
  throw new StartError(`A PostgreSQL server runs on ${home.cluster} but does not answer: stop it and start again.`);
}

/**
 * After a crash of the machine the number in `postmaster.pid` may belong to a stranger, and PostgreSQL would take it
 * for a running server. A dead number is left to PostgreSQL, which also checks for surviving children.
 */
function dropForeignPostmasterFile(home: PostgresHome, pid: number): void {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return;
  }
  rmSync(join(home.cluster, "postmaster.pid"), { force: true });
}

async function launch(
  home: PostgresHome,
  dataDir: string,
  record: ServerRecord,
  options: EmbeddedPostgresOptions,
): Promise<{ pid: number; port: number }> {
  let port = options.port !== undefined || (await isFree(record.port)) ? record.port : await findFreePort();
  for (let tries = 1; ; tries += 1) {
    const logFile = openLog(dataDir);
    const pid = await launchOnce(home, logFile.descriptor, { ...usualSettings, ...options.settings, port: `${port}` });
    closeSync(logFile.descriptor);
    if (pid !== undefined) return { pid, port };
    const complaint = lastComplaint(logFile);
    if (tries < 100 && /shared memory block .* still in use|is in use by/.test(complaint)) {
      if (tries === 1) options.log("Waiting for the processes of a crashed PostgreSQL to end.");
      await sleep(100);
    } else if (tries < 100 && options.port === undefined && /TCP\/IP sockets/.test(complaint)) {
      port = await findFreePort();
    } else {
      throw new StartError(`PostgreSQL did not start on port ${port}: ${complaint}`);
    }
  }
}

/** Runs the server until it is ready (its number) or has given up (undefined). */
async function launchOnce(
  home: PostgresHome,
  logDescriptor: number,
  settings: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const { command, args, options } = postgresCommand(home, "postgres", ["-D", home.cluster, ...flags]);
  const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", logDescriptor, logDescriptor] });
  const ended = new Promise<undefined>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve(undefined));
  });
  child.unref();
  const ready = async () => {
    for (let polls = 0; polls < readyPolls && child.exitCode === null && child.signalCode === null; polls += 1) {
      const file = readPostmasterFile(home);
      if (file?.pid === child.pid && file?.status === "ready") return child.pid;
      await sleep(pollMs);
    }
    return undefined;
  };
  return await Promise.race([ended, ready()]);
}

async function stopServer(home: PostgresHome): Promise<void> {
  const pid = readPostmasterFile(home)?.pid;
  if (pid === undefined || !isPostgresOf(pid, home.cluster)) return;
  process.kill(pid, "SIGINT");
  for (let polls = 0; isPostgresOf(pid, home.cluster); polls += 1) {
    // An immediate stop loses nothing that was committed: the next start recovers it from the log.
    if (polls === 4_000) process.kill(pid, "SIGQUIT");
    await sleep(pollMs);
  }
}

/** `postmaster.pid` by its lines: number, folder, start, port, socket, address, memory key, status. */
function readPostmasterFile(home: PostgresHome): { pid: number; port: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(home.cluster, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7]?.trim() ?? "" };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

async function makeDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ port: 0, host: "127.0.0.1" }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

type LogFile = { path: string; descriptor: number; from: number };

const logBytesMax = 10_000_000;

function openLog(dataDir: string): LogFile {
  const path = join(dataDir, "server.log");
  if (existsSync(path) && statSync(path).size > logBytesMax) renameSync(path, `${path}.1`);
  const descriptor = openSync(path, "a", 0o600);
  return { path, descriptor, from: statSync(path).size };
}

/** The last error in the server's log since it was opened, on one line and without its time stamp. */
function lastComplaint({ path, from }: LogFile): string {
  const lines = readFileSync(path).subarray(from).toString("utf8").split("\n");
  const complaint = lines.filter((line) => /error:|(FATAL|PANIC|ERROR|could not|HINT):?/.test(line)).slice(-3);
  const said = complaint.map((line) => line.replace(/^\S+ \S+ \S+ \[\d+\] /, "").trim()).join(" ");
  return `${said === "" ? "it gave no reason" : said} (see ${path}).`;
}
