// Guarantee: the command line works through its launcher as if Node 24 ran it directly: same arguments, same exit
// code, each wish to stop heard exactly once, and no server left behind when the launcher is killed.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const launcher = fileURLToPath(new URL("../../bin/tributary.mjs", import.meta.url));
const relay = new URL("../../bin/lib/relay.mjs", import.meta.url).href;
const script = fileURLToPath(new URL("./echo-signals.mjs", import.meta.url));

let folder: string;
let notes: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "launcher-"));
  notes = join(folder, "notes");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const waiting = { timeout: 10_000, interval: 20 };
const read = () => readFileSync(notes, "utf8").trim().split("\n");

/** Runs the relay as the launcher does, with a stand-in for the server, once it is up. */
async function startRelay(environment: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
  const code = `import { relay } from ${JSON.stringify(relay)}; relay(process.execPath, ${JSON.stringify(script)}, [${JSON.stringify(notes)}]);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    env: { ...process.env, npm_lifecycle_event: undefined, ...environment },
  });
  await vi.waitFor(() => expect(read()[0]).toMatch(/^up \d+$/), waiting);
  return child;
}

test("help, version and mistakes come with their exit codes, a mistake as one line", () => {
  const call = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], { encoding: "utf8" });
    return { status, stdout, stderr };
  };
  expect(call("--version").stdout).toMatch(/^tributary\/\d+\.\d+\.\d+ .*node-v(2[4-9]|[3-9]\d)\./);
  expect(call("start", "--help")).toMatchObject({ status: 0, stderr: "" });
  expect(call("absent")).toEqual({
    status: 1,
    stdout: "",
    stderr: 'There is no command "absent": see "tributary --help".\n',
  });
  expect(call("start", "--absent")).toMatchObject({ status: 1, stdout: "" });
});

test("a signal that arrives from the terminal and from npm at once is heard once, and the exit code is kept", async () => {
  const child = await startRelay();
  child.kill("SIGINT");
  child.kill("SIGINT");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([7, null]);
  expect(read().slice(1)).toHaveLength(1);
});

test("the server ends when its launcher is killed", async () => {
  const child = await startRelay();
  child.kill("SIGKILL");
  await vi.waitFor(() => expect(read()[1]).toBe("launcher ended"), waiting);
});

test("a server killed by a signal shows it in the launcher's exit code", async () => {
  const child = await startRelay();
  process.kill(Number(read()[0]!.slice(3)), "SIGKILL");
  expect(await once(child, "exit")).toEqual([137, null]);
});

test("a launcher started by npm stops its server when npm is killed", async () => {
  const code = `
    const { spawn } = require("node:child_process");
    const relay = 'import { relay } from ${JSON.stringify(relay)}; relay(process.execPath, ${JSON.stringify(script)}, [${JSON.stringify(notes)}]);';
    spawn(process.execPath, ["--input-type=module", "-e", relay], { stdio: "ignore" });`;
  const npm = spawn(process.execPath, ["-e", code], { env: { ...process.env, npm_lifecycle_event: "start" } });
  await vi.waitFor(() => expect(read()[0]).toMatch(/^up \d+$/), waiting);
  npm.kill("SIGKILL");
  await vi.waitFor(() => expect(read()[1]).toBe("SIGTERM"), waiting);
});
