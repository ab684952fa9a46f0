/**
 * Guarantees the headline command with real processes: `tributary start` shows one payment the whole way, ends in order,
 * keeps its data, repairs itself after `kill -9`, and refuses a port in use by one sentence; `tributary ledger verify`
 * proves the books of that installation and fails when a row is damaged.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DemoFile } from "../../server/src/main/demo/demo-file.ts";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "../../server/src/main/embedded-postgres.ts";
import { findFreePort, isFree } from "../../server/src/main/free-port.ts";
import { describeProcess } from "../../server/src/main/process-identity.ts";

const launcher = fileURLToPath(new URL("../../bin/tributary.mjs", import.meta.url));

interface Started {
  process: ChildProcess;
  stdout: string;
  stderr: string;
  /** The exit code of the launcher. */
  ended: Promise<number | null>;
}

let folder: string;
let postgres: string;
let ports: { PORT: number; SANDBOX_PORT: number };
let platform: Started;
let first: DemoFile;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "start-"));
  postgres = join(folder, "postgres");
  const PORT = await findFreePort();
  let SANDBOX_PORT = await findFreePort();
  while (SANDBOX_PORT === PORT) SANDBOX_PORT = await findFreePort();
  ports = { PORT, SANDBOX_PORT };
  platform = await startUntilUp();
  first = readDemo();
}, 120_000);

afterAll(async () => {
  if (platform) {
    platform.process.kill("SIGTERM");
    await platform.ended;
  }
  // What a failed test has left running is ended too: taking a server over and stopping it.
  if (postgres && (await findEmbeddedPostgres(postgres))) {
    await (await startEmbeddedPostgres({ dataDir: postgres, log: () => {} })).stop();
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
}, 60_000);

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    TRIBUTARY_DATA_DIR: folder,
    PORT: String(ports.PORT),
    SANDBOX_PORT: String(ports.SANDBOX_PORT),
    ...more,
  };
}

function start(args: readonly string[] = [], more: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [launcher, "start", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment(more),
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  const started: Started = { process: child, stdout: "", stderr: "", ended };
  child.stdout.on("data", (chunk: Buffer) => {
    started.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    started.stderr += chunk.toString();
  });
  return started;
}

async function startUntilUp(): Promise<Started> {
  const started = start();
  const up = new Promise<void>((resolve) => {
    started.process.stdout!.on("data", () => {
      if (started.stdout.includes("Tributary is up.")) resolve();
    });
  });
  const failed = started.ended.then((code) => {
    throw new Error(`it ended with ${code}: ${started.stdout}${started.stderr}`);
  });
  await Promise.race([up, failed]);
  failed.catch(() => undefined);
  return started;
}

async function stop(): Promise<number | null> {
  platform.process.kill("SIGINT");
  return await platform.ended;
}

function command(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], {
    encoding: "utf8",
    env: environment(),
  });
  // The warning about the generated key is master-key.test.ts's matter.
  const complaints = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("Credentials are sealed"));
  return { status, stdout, complaints };
}

const readDemo = () => JSON.parse(readFileSync(join(folder, "demo.json"), "utf8")) as DemoFile;

/** The process that holds the data folder: the server itself, which leads a process group of its own. */
const readServerPid = () => (JSON.parse(readFileSync(join(postgres, "owner.json"), "utf8")) as { pid: number }).pid;

/** Every process that was started for the folder, by its arguments or its environment. */
function findProcesses(): string[] {
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-A", "-ww", "-o", "pid=,command="], { encoding: "utf8" });
    return stdout.split("\n").filter((line) => line.includes(folder));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && describeProcess(Number(name)) !== undefined)
    .filter((name) => `${readProcess(name, "cmdline")}${readProcess(name, "environ")}`.includes(folder))
    .map((name) => `${name} ${readProcess(name, "cmdline").replaceAll("\0", " ")}`);
}

/** Empty for a process that is gone, or of somebody else. */
function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

async function expectNothingLeft(): Promise<void> {
  expect(findProcesses()).toEqual([]);
  expect(await findEmbeddedPostgres(postgres)).toBeUndefined();
}

async function expectPortsFree(): Promise<void> {
  expect([await isFree(ports.PORT), await isFree(ports.SANDBOX_PORT)]).toEqual([true, true]);
}

async function ask(path: string, body?: object) {
  const response = await fetch(`${first.base_url}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${first.secret_key}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The receipt's ledger lines, in minor units. */
function readLedgerLines(text: string) {
  return [...text.matchAll(/^ +(debit|credit) +(\S+) +(\d+\.\d\d)$/gm)].map(([, side, kind, amount]) => ({
    side,
    kind,
    amount: BigInt(amount!.replace(".", "")),
  }));
}

const sumOf = (side: string, lines: ReturnType<typeof readLedgerLines>) =>
  lines.filter((line) => line.side === side).reduce((sum, line) => sum + line.amount, 0n);

test("the first start shows one payment in six steps, whose ledger lines balance", () => {
  const said = platform.stdout;
  const steps = [...said.matchAll(/^ {2}(\d) {2}(\w+) /gm)].map(([, number, name]) => `${number} ${name}`);
  expect(steps).toEqual(["1 created", "2 numbers", "3 paid", "4 notice", "5 ledger", "6 webhook"]);
  expect(said).toMatch(/created +pay_\w+ +wechat\.native +status processing/);
  expect(said).toMatch(/ out_trade_no +demo-\w+$/m);
  expect(said).toMatch(/ serial_no +[0-9A-Z]{26}$/m);
  expect(said).toMatch(/ channel_trade_no +\d{28}$/m);
  expect(said).toMatch(/notice +signature and content verified, status succeeded at \d{4}-\d\d-\d\dT/);
  expect(said).toMatch(/webhook +payment\.succeeded evt_\w+ delivered/);
  const lines = readLedgerLines(said);
  expect(lines.length).toBeGreaterThanOrEqual(3);
  expect(sumOf("debit", lines)).toBe(sumOf("credit", lines));
  expect(sumOf("debit", lines)).toBeGreaterThanOrEqual(1234n);
  expect(platform.stderr).toBe("");
});

/** Signs a person in, and gives their role. */
async function signIn(login: object): Promise<string> {
  const answer = await fetch(`${first.base_url}/console/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(login),
  });
  return ((await answer.json()) as { user: { role: string } }).user.role;
}

test("demo.json holds what a developer needs, for its owner alone, and its key and its people get in", async () => {
  const addresses = {
    base_url: `http://localhost:${ports.PORT}`,
    sandbox_url: `http://localhost:${ports.SANDBOX_PORT}`,
  };
  expect(first).toEqual({
    ...addresses,
    merchant_id: expect.stringMatching(/^mch_/),
    app_id: expect.stringMatching(/^app_/),
    secret_key: expect.stringMatching(/^sk_test_/),
    webhook_secret: expect.stringMatching(/^whsec_/),
    operator: { email: expect.stringContaining("operator@"), password: expect.stringMatching(/^\w{20}$/) },
    merchant: { email: expect.stringContaining("merchant."), password: expect.stringMatching(/^\w{20}$/) },
  });
  for (const role of ["operator", "merchant"] as const) expect(await signIn(first[role])).toBe(role);
  expect(statSync(join(folder, "demo.json")).mode & 0o777).toBe(0o600);
  for (const address of Object.values(addresses)) expect(platform.stdout).toContain(address);
  const { status, body } = await ask("/v1/payments");
  expect(status).toBe(200);
  expect(body.data).toMatchObject([{ object: "payment", status: "succeeded", amount: 1234, livemode: false }]);
  expect((await fetch(`${first.sandbox_url}/wallet`)).status).toBe(200);
});

test("Ctrl-C ends it with exit code 0, and nothing of it is left running", async () => {
  const pid = readServerPid();
  expect(findProcesses().length).toBeGreaterThanOrEqual(3);
  expect(await stop()).toBe(0);
  expect(platform.stdout).toMatch(/Tributary has stopped\.\n$/);
  expect(platform.stderr).toBe("");
  expect(describeProcess(pid)).toBeUndefined();
  await expectNothingLeft();
  await expectPortsFree();
});

test.each(["PORT", "SANDBOX_PORT"] as const)("a taken %s is one sentence and exit code 1", async (name) => {
  const holder = createServer().listen(ports[name], "127.0.0.1");
  await once(holder, "listening");
  try {
    const refused = start();
    expect(await refused.ended).toBe(1);
    expect(refused.stderr).toMatch(/^[^\n]+\.\n$/);
    expect(refused.stderr).toContain(String(ports[name]));
    expect(refused.stderr).toContain(name);
    expect(refused.stdout).not.toContain("Tributary is up.");
    await expectNothingLeft();
  } finally {
    holder.close();
    await once(holder, "close");
  }
  await expectPortsFree();
});

test.each([
  ["a role that does not exist", ["--roles", "cook"], {}, /^There is no role "cook": /],
  ["a wrong setting", [], { PORT: "http" }, /^PORT is "http": /],
  ["production without its key", [], { TRIBUTARY_MODE: "production" }, /^Set MASTER_KEY /],
  ["a demo whose sandbox is nowhere", ["--roles", "api,worker"], {}, /^The sandbox at \S+ does not answer: /],
])("%s is one sentence and exit code 1, and nothing is left running", async (_what, args, more, sentence) => {
  const refused = start(args, more);
  expect(await refused.ended).toBe(1);
  expect(refused.stderr).toMatch(/^[^\n]+\.\n$/);
  expect(refused.stderr).toMatch(sentence);
  await expectNothingLeft();
  await expectPortsFree();
});

test("a second start keeps the key and the payments, and shows no second receipt", async () => {
  platform = await startUntilUp();
  expect(readDemo()).toEqual(first);
  expect(platform.stdout).toContain(first.secret_key);
  expect(platform.stdout).not.toContain("One payment, the whole way");
  expect(readLedgerLines(platform.stdout)).toEqual([]);
  const { body } = await ask("/v1/payments");
  expect(body.data).toHaveLength(1);
});

test("a start beside the running one is refused, and does not disturb it", async () => {
  const beside = { PORT: String(await findFreePort()), SANDBOX_PORT: String(await findFreePort()) };
  const refused = start([], beside);
  expect(await refused.ended).toBe(1);
  expect(refused.stderr).toMatch(/^Tributary is already running on \S+ \(process \d+\): [^\n]+\.\n$/);
  expect((await ask("/v1/payments")).status).toBe(200);
  expect(readDemo()).toEqual(first);
});

test("after kill -9 of the whole group a start repairs, and what was acknowledged is there", async () => {
  const order = { out_trade_no: "before-the-kill", amount: 100, currency: "CNY", subject: "Tea" };
  const created = await ask("/v1/payments", { ...order, method: "wechat.native" });
  expect([created.status, created.body.status]).toEqual([201, "processing"]);
  const pid = readServerPid();
  process.kill(-pid, "SIGKILL");
  expect(await platform.ended).toBe(137);
  expect(describeProcess(pid)).toBeUndefined();

  platform = await startUntilUp();
  expect(platform.stderr).toBe("");
  expect(readDemo()).toEqual(first);
  const { qr_code } = created.body.action as { qr_code: string };
  const pay = await fetch(`${first.sandbox_url}/control/pay`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: qr_code, outcome: "success" }),
  });
  expect(pay.status).toBe(200);
  await expect
    .poll(async () => (await ask(`/v1/payments/${created.body.id}`)).body.status, { timeout: 20_000 })
    .toBe("succeeded");
});

test("ledger verify proves the books beside the running server: exit code 0 and figures", () => {
  const { status, stdout, complaints } = command("ledger", "verify");
  expect([status, complaints]).toEqual([0, []]);
  const figures = Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => /^(.+?) +([\d,]+)$/.exec(line)!.slice(1) as [string, string]),
  );
  expect(figures).toMatchObject({ payments: "2", "succeeded attempts": "2", refunds: "0", differences: "0" });
  expect(Number(figures.entries)).toBeGreaterThanOrEqual(6);
  const { stdout: json } = command("ledger", "verify", "--json");
  expect(JSON.parse(json)).toMatchObject({ payments: 2, attempts: 2, difference_count: 0, differences: [] });
});

test("ledger verify of a stopped installation leaves nothing running; a damaged row is named, with exit code 1", async () => {
  expect(await stop()).toBe(0);
  const server = await startEmbeddedPostgres({ dataDir: postgres, log: () => {} });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  // The trigger refuses every change, so whoever damages a row goes around it.
  await client.query("alter table ledger_transactions disable trigger user");
  const damaged = await client.query(
    `update ledger_transactions set entries[1][2] = entries[1][2] + 1
     where (merchant_id, livemode, number) = (select merchant_id, livemode, number from ledger_transactions
       where kind = 'payment_succeeded' order by number limit 1)`,
  );
  await client.query("alter table ledger_transactions enable trigger user");
  await client.end();
  await server.stop();
  expect(damaged.rowCount).toBe(1);

  const { status, stdout, complaints } = command("ledger", "verify");
  expect(status).toBe(1);
  expect(complaints).toEqual([
    expect.stringMatching(/^The books differ in [1-9]\d* places: look into each before going on\.$/),
  ]);
  expect(stdout).toMatch(/^unbalanced: .+/m);
  const json = command("ledger", "verify", "--json");
  expect([json.status, json.complaints]).toEqual([1, complaints]);
  const findings = JSON.parse(json.stdout) as { difference_count: number; differences: { code: string }[] };
  expect(findings.difference_count).toBe(findings.differences.length);
  expect(findings.differences.map(({ code }) => code)).toContain("unbalanced");
  await expectNothingLeft();
});
