/**
 * The sandbox's memory on disk: one JSON file, replaced atomically. Writing follows changes at a distance that grows
 * with what writing costs, so that a load test is not slowed by it; keys are written at once.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Keeps one file up to date. */
export type Snapshot = {
  changed(): void;
  saveNow(): Promise<void>;
  /** Writes what is unwritten, and stops. */
  close(): Promise<void>;
};

const wait_ms_min = 200;
/** A write may take one fortieth of the time at most. */
const wait_factor = 40;

/** Builds a snapshot over `capture`; without a file it does nothing. */
export function createSnapshot(file: string | undefined, capture: () => unknown): Snapshot {
  if (file === undefined)
    return { changed: () => undefined, saveNow: async () => undefined, close: async () => undefined };
  let dirty = false;
  let closed = false;
  let wait_ms = wait_ms_min;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    if (!dirty) return;
    dirty = false;
    const started = performance.now();
    const text = JSON.stringify(capture());
    wait_ms = Math.max(wait_ms_min, (performance.now() - started) * wait_factor);
    await mkdir(dirname(file!), { recursive: true });
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file!);
  }

  function writeNext(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.catch(() => undefined).then(write);
    return writing;
  }

  return {
    changed() {
      dirty = true;
      if (closed || timer !== undefined) return;
      timer = setTimeout(() => void writeNext().catch(() => undefined), wait_ms);
      timer.unref();
    },
    saveNow() {
      dirty = true;
      return writeNext();
    },
    async close() {
      closed = true;
      await writeNext();
    },
  };
}

/** Reads a snapshot; undefined when there is none. Throws a sentence when the file is not one. */
export async function readSnapshot(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`The sandbox cannot read its file ${file}: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The sandbox's file ${file} is damaged (not JSON). Move it away to start afresh.`);
  }
}
