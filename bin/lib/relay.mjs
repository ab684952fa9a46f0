import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { root } from "./install.mjs";

/** Signals of the terminal, of npm and of a supervisor often arrive together and mean one wish. */
const sameWishMs = 1000;
const parentPollMs = 250;

/**
 * For the server. Left to themselves V8 lets the old space double before it collects, and the C library keeps a pool of memory for each
 * thread: half as much memory again under load, for no speed that could be measured. Collecting the young generation on
 * several threads, or sweeping the old one beside the work, wakes them for a millisecond's work each time; where the
 * database needs the other core, one thread is cheaper, by a seventh of all processor time under load.
 */
const memoryFlags = {
  start: [
    "--max-semi-space-size=16",
    "--heap-growing-percent=30",
    "--no-parallel-scavenge",
    "--no-concurrent-sweeping",
  ],
  // Tens of thousands of callers wait in this process: where the young generation is small, they are copied again and again.
  bench: ["--max-semi-space-size=64"],
};
const memoryEnvironment = { MALLOC_ARENA_MAX: "2" };

/**
 * Runs `node script ...args` until it ends and then ends this process with the same code.
 *
 * The child has a process group of its own, so that Ctrl-C reaches it once, through here, and not again from the
 * terminal and from npm. It holds a channel to this process: when that closes because this process was killed, it
 * stops by itself. When npm started this process and is killed, this process asks the child to stop.
 */
export function relay(node, script, args) {
  const child = spawn(
    node,
    ["--disable-warning=ExperimentalWarning", ...(memoryFlags[args[0]] ?? []), script, ...args],
    {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
      detached: true,
      // Node keeps what it made of the sources, which halves the time of the next start.
      env: { ...memoryEnvironment, ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/tributary") },
    },
  );
  let lastSentAt = Number.NEGATIVE_INFINITY;
  const pass = (signal) => {
    const now = performance.now();
    if (now - lastSentAt < sameWishMs) return;
    lastSentAt = now;
    child.kill(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, pass);
  if (process.env.npm_lifecycle_event !== undefined) {
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(watch);
      pass("SIGTERM");
    }, parentPollMs);
    watch.unref();
  }
  child.on("error", (error) => {
    process.stderr.write(`Node.js at ${node} cannot be run (${error.code}): install Node.js 24 or later.\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
