import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { giveToFolderOwner } from "./folder-owner.ts";
import { giveTo, type PostgresHome, postgresCommand } from "./postgres-binaries.ts";
import { StartError } from "./start-error.ts";

/** What a data folder remembers of its server, in `server.json` (mode 0600). */
export type ServerRecord = { port: number; password: string };

const majorVersion = "18";

/** The record of an earlier start; undefined in a new folder. */
export function readRecord(dataDir: string): ServerRecord | undefined {
  const path = join(dataDir, "server.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ServerRecord) : undefined;
}

/** Replaces the record as a whole. */
export function writeRecord(dataDir: string, record: ServerRecord): void {
  const path = join(dataDir, "server.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flush: true });
  giveToFolderOwner(`${path}.new`);
  renameSync(`${path}.new`, path);
}

/** Data we cannot open is left alone and named, never made anew over it. */
export function checkCluster(home: PostgresHome, dataDir: string, known: ServerRecord | undefined): void {
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

/**
 * Makes the cluster aside and renames it into place, so that one that exists is whole. `synced` waits until every
 * file is on disk; only a test may do without. The one role is `tributary`, with the given password.
 */
export async function makeCluster(
  home: PostgresHome,
  dataDir: string,
  password: string,
  synced: boolean,
): Promise<void> {
  const aside = `${home.cluster}.new`;
  const secret = `${home.cluster}.password`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { mode: 0o700 });
  writeFileSync(secret, password, { mode: 0o600 });
  giveTo(home.runAs, aside);
  giveTo(home.runAs, secret);
  const args = ["-D", aside, "-U", "tributary", "-E", "UTF8", "--locale=C", "--locale-provider=builtin"];
  args.push("--builtin-locale=C.UTF-8", "--auth=scram-sha-256", `--pwfile=${secret}`);
  if (!synced) args.push("--no-sync");
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
  if (synced) syncFolder(dirname(home.cluster));
}

/** The new name must survive a power cut too, or the next start would take the cluster for a half-made one. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** `postmaster.pid` by its lines: number, folder, start, port, socket, address, memory key, status. */
export function readPostmasterFile(home: PostgresHome): { pid: number; port: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(home.cluster, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7]?.trim() ?? "" };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The server's log, opened for appending; `from` is where this opening began. */
export type LogFile = { path: string; descriptor: number; from: number };

const logBytesMax = 10_000_000;

/** Opens the log for a program's output. One that has grown long becomes `server.log.1`. */
export function openLog(dataDir: string): LogFile {
  const path = join(dataDir, "server.log");
  if (existsSync(path) && statSync(path).size > logBytesMax) renameSync(path, `${path}.1`);
  const descriptor = openSync(path, "a", 0o600);
  giveToFolderOwner(path);
  return { path, descriptor, from: statSync(path).size };
}

/** The last error in the server's log since it was opened, on one line and without its time stamp. */
export function lastComplaint({ path, from }: LogFile): string {
  const lines = readFileSync(path).subarray(from).toString("utf8").split("\n");
  const complaint = lines.filter((line) => /error:|(FATAL|PANIC|ERROR|could not|HINT):?/.test(line)).slice(-3);
  const said = complaint.map((line) => line.replace(/^\S+ \S+ \S+ \[\d+\] /, "").trim()).join(" ");
  return `${said === "" ? "it gave no reason" : said} (see ${path}).`;
}
