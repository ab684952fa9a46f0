/** Loads one route over 64 connections with a generator that costs little, since it shares the machine with the server. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const script = fileURLToPath(new URL("create-payment.lua", import.meta.url));

/** What one round is. */
export interface LoadOptions {
  url: string;
  key: string;
  connections: number;
  seconds: number;
  /** Starts every out_trade_no of the round; unique among rounds. */
  prefix: string;
}

/** What one round gave. Latencies in milliseconds. */
export interface LoadResult {
  per_second: number;
  requests: number;
  /** Answers that were not 2xx, and connections that broke. */
  errors: number;
  p50_ms: number;
  p99_ms: number;
}

/** A generator and its name. */
export interface Loader {
  name: string;
  load(options: LoadOptions): Promise<LoadResult>;
}

/** wrk (C, a few microseconds a request) where it is installed, else autocannon (Node.js, several times as much). */
export async function chooseLoader(): Promise<Loader> {
  const version = await run("wrk", ["--version"]).catch((error: { stdout?: string; code?: unknown }) =>
    error.code === "ENOENT" ? undefined : error,
  );
  if (version === undefined) return { name: "autocannon", load: loadByAutocannon };
  return { name: `wrk ${/^wrk (\S+)/.exec(version.stdout ?? "")?.[1] ?? ""}`.trim(), load: loadByWrk };
}

async function loadByWrk(options: LoadOptions): Promise<LoadResult> {
  const flags = [`-t1`, `-c${options.connections}`, `-d${options.seconds}s`, "--timeout", "10s", "-s", script];
  const { stdout } = await run("wrk", [...flags, options.url, "--", options.key, options.prefix]);
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result:\n${stdout}`);
  const { requests, duration_us, errors, p50_us, p99_us } = JSON.parse(line) as Record<string, number>;
  return {
    per_second: requests! / (duration_us! / 1e6),
    requests: requests!,
    errors: errors!,
    p50_ms: p50_us! / 1000,
    p99_ms: p99_us! / 1000,
  };
}

async function loadByAutocannon(options: LoadOptions): Promise<LoadResult> {
  const program = fileURLToPath(new URL("../node_modules/autocannon/autocannon.js", import.meta.url));
  const body = { out_trade_no: `${options.prefix}-[<id>]`, amount: 1234, currency: "CNY", subject: "一杯咖啡" };
  const flags = ["-j", "-n", "-I", "-m", "POST", "-c", String(options.connections), "-d", String(options.seconds)];
  const headers = ["-H", "content-type=application/json", "-H", `authorization=Bearer ${options.key}`];
  const text = JSON.stringify({ ...body, method: "cashier" });
  const { stdout } = await run(process.execPath, [program, ...flags, ...headers, "-b", text, options.url]);
  const result = JSON.parse(stdout) as {
    duration: number;
    requests: { total: number };
    latency: { p50: number; p99: number };
    non2xx: number;
    errors: number;
  };
  return {
    per_second: result.requests.total / result.duration,
    requests: result.requests.total,
    errors: result.non2xx + result.errors,
    p50_ms: result.latency.p50,
    p99_ms: result.latency.p99,
  };
}
