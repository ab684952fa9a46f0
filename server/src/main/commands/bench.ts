import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command } from "../command.ts";

const program = fileURLToPath(new URL("../../../../bench/bench.ts", import.meta.url));

/** `tributary bench`: what it measures is a program beside the server, because nothing that runs depends on it. */
export const benchCommand: Command = {
  usage: "bench",
  summary: "Measure on this machine what Tributary promises",
  options: [
    { flags: "--seconds <number>", description: "length of each round", default: "8" },
    {
      flags: "--only <parts>",
      description: "create, lifecycle, ledger, slow-channel, verify, settlement (comma-separated)",
    },
    { flags: "--no-fail", description: "end with 0 also when a target is missed" },
  ],
  run: async (_args, options) => {
    const { seconds, only, fail } = options;
    const flags = [`--seconds=${String(seconds)}`];
    if (only !== undefined) flags.push(`--only=${String(only)}`);
    if (fail === false) flags.push("--no-fail");
    const child = spawn(process.execPath, [program, ...flags], { stdio: "inherit" });
    // Broken off, it ends what it has started before it ends.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    const [code] = (await once(child, "exit")) as [number | null];
    process.exitCode = code ?? 1;
  },
};
