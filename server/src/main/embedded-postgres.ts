import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { systemRandom } from "../kit/random.ts";
import { findFreePort, isFree } from "./free-port.ts";
import { takeInstanceLock } from "./instance-lock.ts";
import { type PostgresHome, postgresCommand, preparePostgresHome } from "./postgres-binaries.ts";
import {
  checkCluster,
  lastComplaint,
  makeCluster,
  openLog,
  readPostmasterFile,
  readRecord,
  type ServerRecord,
  writeRecord,
} from "./postgres-cluster.ts";
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
  /** Starts the server again, on the same port, should it ever end by itself (killed for want of memory, say). */
  keepAlive?: boolean;
  /** Whether to wait a little for another process that holds the folder; tests take another folder instead. */
  patient?: boolean;
  /** Makes root do without a user namespace even where one would do; for tests. */
  avoidNamespace?: boolean;
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

const database = "tributary";
const pollMs = 15;
const watchMs = 1_000;
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
  autovacuum_naptime: "5s",
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
    const home = preparePostgresHome(dataDir, options.avoidNamespace === true);
    checkCluster(home, dataDir, known);
    const password = known?.password ?? systemRandom.bytes(24).toString("base64url");
    const first = { port: options.port ?? known?.port ?? (await findFreePort()), password };
    writeRecord(dataDir, first);
    if (!existsSync(home.cluster)) {
      options.log("Making a new PostgreSQL database.");
      await makeCluster(home, dataDir, password, options.settings?.fsync !== "off");
    }

    const running = await findRunning(home, password);
    const { pid, port } = running ?? (await launch(home, dataDir, first, options));
    writeRecord(dataDir, { ...first, port });
    await makeDatabase(urlOf("postgres", port, password));
    const endWatch = options.keepAlive === true ? keepAlive(home, dataDir, { port, password }, options) : undefined;
    const stop = async () => {
      lock.markStopping();
      await endWatch?.();
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
    throw explain(error, dataDir);
  }
}

/**
 * The address of the server that runs on `dataDir`, whoever started it, for a command that works beside it.
 * Undefined when none runs there.
 */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const record = readRecordOf(dataDir);
  if (record === undefined) return undefined;
  const url = urlOf(database, record.port, record.password);
  return (await answers(url)) ? url : undefined;
}

/** Whether an earlier start made a database in `dataDir`, running or not. */
export function hasEmbeddedPostgres(dataDir: string): boolean {
  return readRecordOf(dataDir) !== undefined;
}

function readRecordOf(dataDir: string): ServerRecord | undefined {
  try {
    return readRecord(dataDir);
  } catch (error) {
    throw explain(error, dataDir);
  }
}

function explain(error: unknown, dataDir: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== "EACCES" && code !== "EPERM") return error;
  return new StartError(`${path ?? dataDir} belongs to another user: start as that user, or move ${dataDir} away.`);
}

function urlOf(name: string, port: number, password: string): string {
  return `postgres://tributary:${password}@127.0.0.1:${port}/${name}`;
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

/** Looks after a running server until the returned function has been called and has settled. */
function keepAlive(
  home: PostgresHome,
  dataDir: string,
  record: ServerRecord,
  options: EmbeddedPostgresOptions,
): () => Promise<void> {
  const ended = new AbortController();
  const watch = async () => {
    for (;;) {
      await sleep(watchMs, undefined, { ref: false, signal: ended.signal });
      const pid = readPostmasterFile(home)?.pid;
      if (pid !== undefined && isPostgresOf(pid, home.cluster)) continue;
      options.log("PostgreSQL has ended by itself and is started again.");
      await launch(home, dataDir, record, { ...options, port: record.port });
    }
  };
  const watching = watch().catch((error: Error) => {
    if (!ended.signal.aborted) options.log(error.message);
  });
  return () => {
    ended.abort();
    return watching;
  };
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
