/** What tests that kill processes stand on: a durable PostgreSQL of their own, a sandbox, a receiver, and a client. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { systemClock } from "../../server/src/kit/clock.ts";
import { createLogger } from "../../server/src/kit/log.ts";
import { systemRandom } from "../../server/src/kit/random.ts";
import { openDatabase } from "../../server/src/kit/sql/database.ts";
import { verify } from "../../server/src/ledger/index.ts";
import { startEmbeddedPostgres } from "../../server/src/main/embedded-postgres.ts";
import { findFreePort } from "../../server/src/main/free-port.ts";
import { findFaultsBySql } from "./oracle.ts";
import { type Json, type SandboxControl, startControlledSandbox } from "./sandbox-control.ts";
import { readDemo, type ServerProcess, type ServerSettings, startServer } from "./server-process.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

export interface CrashSite {
  settings: ServerSettings;
  sandbox: SandboxControl;
  receiver: WebhookReceiver;
  startServer(roles: string): Promise<ServerProcess>;
  /** Calls the API as the demo merchant. Rejects when nobody answers. */
  call(method: "GET" | "POST", path: string, body?: object): Promise<{ status: number; body: Json }>;
  /** Moves every due time, lease and creation back, as if that much time had passed since. */
  letTimePass(seconds: number): Promise<void>;
  /** Kills PostgreSQL, once, as a power cut would; it is brought back on the same port, which this waits for. */
  crashDatabase(): Promise<void>;
  findFaults(): Promise<string[]>;
  close(): Promise<void>;
}

const pastColumns = {
  payments: ["due_at"],
  attempts: ["due_at", "created_at"],
  refunds: ["due_at"],
  settlement_settings: ["due_at"],
  sharing_orders: ["due_at", "ready_at"],
  sharing_returns: ["due_at"],
  sharing_releases: ["due_at"],
  payouts: ["due_at"],
  payout_batches: ["due_at"],
};

export async function openCrashSite(): Promise<CrashSite> {
  const folder = mkdtempSync(join(tmpdir(), "crash-"));
  const postgres = await startEmbeddedPostgres({
    ...{ dataDir: join(folder, "postgres"), keepAlive: true },
    log: () => undefined,
  });
  const sandbox = await startControlledSandbox(systemClock);
  const receiver = await startWebhookReceiver();
  const settings: ServerSettings = {
    database_url: postgres.url,
    data_dir: join(folder, "data"),
    port: await findFreePort(),
    sandbox_port: Number(new URL(sandbox.url).port),
  };
  const servers: ServerProcess[] = [];
  return {
    ...{ settings, sandbox, receiver },
    async startServer(roles) {
      const server = await startServer(settings, roles);
      servers.push(server);
      return server;
    },
    async call(method, path, body) {
      const response = await fetch(`http://127.0.0.1:${settings.port}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${readDemo(settings).secret_key}`,
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    async letTimePass(seconds) {
      const client = new Client({ connectionString: settings.database_url });
      await client.connect();
      for (const [table, columns] of Object.entries({ ...pastColumns, webhook_deliveries: ["due_at"] })) {
        const moved = columns.map((column) => `${column} = ${column} - interval '${seconds} seconds'`);
        await client.query(`update ${table} set ${moved.join(", ")} where due_at is not null`);
      }
      await client.end();
    },
    async crashDatabase() {
      process.kill(postgres.pid, "SIGKILL");
      await waitForDatabase(postgres.url);
    },
    findFaults: () => findAllFaults(settings.database_url),
    async close() {
      for (const server of servers) await server.kill();
      await sandbox.close();
      await receiver.close();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function waitForDatabase(url: string): Promise<void> {
  for (;;) {
    const client = new Client({ connectionString: url });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return await client.end();
    } catch {
      await sleep(50);
    }
  }
}

async function findAllFaults(url: string): Promise<string[]> {
  const db = openDatabase({ url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  try {
    const { differences } = await verify(db);
    return [...(await findFaultsBySql(url)), ...differences.map(({ code, sentence }) => `${code}: ${sentence}`)];
  } finally {
    await db.close();
  }
}
