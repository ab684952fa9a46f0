/** The real program in processes of its own, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DemoFile } from "../../server/src/main/demo/demo-file.ts";

const cli = fileURLToPath(new URL("../../server/src/main/cli.ts", import.meta.url));

export interface ServerSettings {
  database_url: string;
  /** Where the first start leaves its keys, and the demo merchant's. */
  data_dir: string;
  port: number;
  sandbox_port: number;
}

export interface ServerProcess {
  pid: number;
  /** As a power cut would: nothing is finished, nothing is said. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end, and gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `tributary start --roles …` and waits until it is up. Throws with what it printed when it does not come up. */
export async function startServer(settings: ServerSettings, roles: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, [cli, "start", "--roles", roles], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: settings.database_url,
      TRIBUTARY_DATA_DIR: settings.data_dir,
      PORT: String(settings.port),
      SANDBOX_PORT: String(settings.sandbox_port),
      PUBLIC_URL: `http://127.0.0.1:${settings.port}`,
      KEY_RATE: "100000",
      LOG_LEVEL: "error",
    },
  });
  await waitUntilUp(child);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, "exit");
    child.kill(signal);
    const [code] = await ended;
    return code as number | null;
  };
  return { pid: child.pid!, kill: async () => void (await end("SIGKILL")), stop: () => end("SIGTERM") };
}

async function waitUntilUp(child: ChildProcess): Promise<void> {
  let printed = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = (chunk: Buffer) => {
    printed += chunk.toString();
    if (printed.includes("Tributary is up.")) resolve();
  };
  child.stdout!.on("data", read);
  child.stderr!.on("data", read);
  child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${printed}`)));
  await promise;
}

/** The demo merchant's key and secret. */
export function readDemo(settings: ServerSettings): DemoFile {
  return JSON.parse(readFileSync(join(settings.data_dir, "demo.json"), "utf8")) as DemoFile;
}
