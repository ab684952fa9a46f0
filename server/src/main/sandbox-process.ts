import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { StartError } from "./start-error.ts";

const entry = fileURLToPath(new URL("../../../sandbox/main.ts", import.meta.url));
const COMPLAINT_MAX = 2_000;
/** Under load it shares the machine with the server: threads that collect beside it cost more than they save. */
const memoryFlags = ["--single-threaded-gc", "--max-semi-space-size=32"];

/** The sandbox as a process of its own: it shares nothing with the server but the wire. */
export type SandboxProcess = { url: string; pid: number; stop: () => Promise<void> };

/**
 * Starts the sandbox and waits until it listens. Throws `StartError` with its own sentence when it cannot.
 * @param options.url where payers' browsers and we reach it.
 * @param onExit told when it ends without being asked.
 */
export async function startSandboxProcess(
  options: { port: number; host: string; url: string; data_file: string },
  onExit: (code: number | null) => void,
): Promise<SandboxProcess> {
  const { port, host, url, data_file } = options;
  const args = [entry, "--port", String(port), "--host", host, "--data", data_file, "--public-url", url];
  // A process group of its own, so that Ctrl-C reaches it through us, after the server has stopped asking it; and a
  // channel to us, whose closing ends it when we are killed.
  const child = spawn(process.execPath, [...memoryFlags, ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  let complaint = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-COMPLAINT_MAX);
  });
  // It prints one line, once it listens.
  const [first] = await Promise.race([once(child.stdout!, "data"), once(child, "exit")]);
  if (!Buffer.isBuffer(first)) {
    throw new StartError(complaint.trim() || "The sandbox ended while it was starting: see whether memory is short.");
  }
  child.stdout!.resume();
  let stopping = false;
  child.on("exit", (code) => {
    if (!stopping) onExit(code);
  });
  child.channel?.unref();
  return {
    url,
    pid: child.pid!,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}
