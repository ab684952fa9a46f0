import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { giveToFolderOwner } from "./folder-owner.ts";
import { describeProcess } from "./process-identity.ts";
import { StartError } from "./start-error.ts";

/** Says that this process is leaving, and gives the folder free. */
export type InstanceLock = { markStopping(): void; release(): void };

type Owner = { pid: number; identity: string; stopping: boolean };

const pollMs = 50;
/** A live owner is given a second, because it may be dying; one that says it is leaving gets time to stop in order. */
const patiencePolls = { running: 20, stopping: 300 };

/**
 * Takes a data folder for this process alone, so that two servers never run on one folder.
 *
 * The lock is a file naming its owner's process. It needs no cleaning after `kill -9` or a power cut: an owner that is
 * dead, or whose process number now belongs to another process, is simply replaced. A process may take its own again.
 * Throws `StartError` when another process holds the folder: at once if `patient` is false.
 */
export async function takeInstanceLock(folder: string, patient = true): Promise<InstanceLock> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "owner.json");
  const mine: Owner = { pid: process.pid, identity: describeProcess(process.pid) ?? "", stopping: false };
  for (let waited = 0; ; waited += 1) {
    if (tryTake(path, mine)) break;
    const owner = readOwner(path);
    if (owner === undefined) continue;
    if (owner.pid === mine.pid && owner.identity === mine.identity) break;
    if (describeProcess(owner.pid) !== owner.identity) {
      dropStale(path, owner);
      continue;
    }
    if (!patient || waited >= patiencePolls[owner.stopping ? "stopping" : "running"]) {
      throw new StartError(
        `Tributary is already running on ${folder} (process ${owner.pid}): stop it first, or use another folder.`,
      );
    }
    await sleep(pollMs);
  }
  return {
    markStopping: () => writeFileSync(path, JSON.stringify({ ...mine, stopping: true })),
    release: () => rmSync(path, { force: true }),
  };
}

/** Written aside and linked into place, so that nobody ever reads half a file and exactly one of two racers wins. */
function tryTake(path: string, mine: Owner): boolean {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, JSON.stringify(mine), { mode: 0o600 });
  giveToFolderOwner(aside);
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(aside);
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    // A file cut short by a power cut names nobody.
    return { pid: 0, identity: "none", stopping: false };
  }
}

function dropStale(path: string, seen: Owner): void {
  const now = readOwner(path);
  if (now !== undefined && now.pid === seen.pid && now.identity === seen.identity) rmSync(path, { force: true });
}
