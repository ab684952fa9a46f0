/** Starts the processes of a run, waits until they are ready, and reads how much memory they hold. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The project's folder, with a slash at its end. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** A process that has said it is ready. */
export interface Program {
  pid: number;
  /** The line by which it said so. */
  ready: string;
  /** Milliseconds from its start until then. */
  ready_ms: number;
  /** Asks it to end and waits until it has. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

/** Ends whatever of a run is still up, when the run is broken off. */
export async function stopPrograms(): Promise<void> {
  await Promise.all([...running].map(stopProgram));
}

async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

function follow<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Starts `node` with the arguments; ready when it prints a line that contains `ready`. */
export async function startProgram(
  args: readonly string[],
  ready: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const started = performance.now();
  const child = follow(
    spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  const line = await waitForLine(child, ready);
  const ready_ms = performance.now() - started;
  return {
    pid: child.pid!,
    ready: line,
    ready_ms,
    stop: () => stopProgram(child),
  };
}

function waitForLine(child: ChildProcess, ready: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
      const line = output.split("\n").find((text) => text.includes(ready));
      if (line !== undefined) resolve(line);
    };
    child.stdout!.on("data", read);
    child.stderr!.on("data", (chunk: Buffer) => process.stderr.write(chunk));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`a process of the bench ended with ${code}:\n${output}`)));
  });
}

/** Runs `node` with the arguments to its end and gives what it printed. Throws when it fails. */
export async function runProgram(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = follow(
    spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  const output = Buffer.concat(chunks).toString();
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}:\n${output}`);
  return output;
}

/** What a process holds, in MB: at most since its start, and its own part now, where shared pages count by share. */
export interface Memory {
  peak: number;
  own: number;
}

/** Undefined where the system has no /proc. */
export function readMemory(pid: number): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kilobytes = (text: string, name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
    return { peak: kilobytes(status, "VmHWM") / 1024, own: kilobytes(rollup, "Pss") / 1024 };
  } catch {
    return undefined;
  }
}

/** Numbers of the processes that a process has started and that still run. */
export function childrenOf(pid: number): number[] {
  return numbersIn("/proc").filter((child) => parentOf(child) === pid);
}

/** The parent's number, or undefined when the process is gone. */
export function parentOf(pid: number): number | undefined {
  try {
    // The name, in parentheses, may hold anything; state and parent follow it.
    const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) \S /);
    return Number.parseInt(parent ?? "", 10);
  } catch {
    return undefined;
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}
