/**
 * The whole platform in one process for tests: services and API composed as in production, on a database of their own,
 * beside a sandbox and a merchant's webhook receiver. All of them live by one clock that stands still until it is moved,
 * and workers work when they are told to, so that a day of retries is a few calls.
 */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createManualClock, type ManualClock } from "../../server/src/kit/clock.ts";
import type { ApiServer } from "../../server/src/kit/http/api.ts";
import type { RateLimit } from "../../server/src/kit/http/rate-limit.ts";
import { createLogger } from "../../server/src/kit/log.ts";
import { createSeededRandom, type Random, systemRandom } from "../../server/src/kit/random.ts";
import { Secret } from "../../server/src/kit/secret.ts";
import { verify } from "../../server/src/ledger/index.ts";
import { createApi } from "../../server/src/main/api.ts";
import { findFreePort } from "../../server/src/main/free-port.ts";
import { createServices, type Services } from "../../server/src/main/services.ts";
import { createTestDatabase } from "../database/test-database.ts";
import { createAccounts, createTestMerchant, type TestMerchant } from "./merchants.ts";
import { findFaultsBySql } from "./oracle.ts";
import { type Json, type SandboxControl, startControlledSandbox } from "./sandbox-control.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

export interface PlatformOptions {
  /** Seeds ids, nonces and jitter; chance unless given. */
  seed?: number;
  /** Where the clock stands at first, in epoch milliseconds; a noon of November 2026 unless given. */
  starts_at?: number;
  /** Takes every log line, from trace on. */
  logs?: { write(line: string): void };
  /** How long a channel may take; 12 s unless given. */
  channel_timeout_ms?: number;
  /** Whether webhooks and notify_url may go to loopback; yes unless told. */
  webhook_private_addresses?: boolean;
  /** Refused notices per address; without end unless given. */
  notice_refusal_limit?: RateLimit;
  /** Also makes a merchant in direct mode, with accounts of its own. */
  direct?: boolean;
}

/** An answer of the API. */
export interface Answer {
  status: number;
  body: Json;
  headers: Record<string, string | undefined>;
  /** The exact bytes of the body. */
  text: string;
}

export interface CallOptions {
  /** The pooled merchant's unless given; null sends none. */
  key?: string | null;
  headers?: Record<string, string>;
}

export interface SecondProcess {
  services: Services;
  call: Platform["call"];
}

export interface Platform {
  services: Services;
  sandbox: SandboxControl;
  receiver: WebhookReceiver;
  clock: ManualClock;
  /** In pooled mode. */
  merchant: TestMerchant;
  /** In direct mode; only when asked for. */
  direct: TestMerchant;
  public_url: string;
  database_url: string;
  /** Calls the API. A string is sent as it is, anything else as JSON. */
  call(method: "GET" | "POST", path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** Posts to the API and expects success; gives the object. */
  post(path: string, body: object, options?: CallOptions): Promise<Json>;
  get(path: string, options?: CallOptions): Promise<Json>;
  /** Works until nothing is due: notices under way, workers, notices that they caused. */
  settle(): Promise<void>;
  /** Moves the clock, then settles. */
  advance(duration_ms: number): Promise<void>;
  /**
   * Services and API of another process on the same database, closed with the platform. It does not listen.
   * @param public_url where the channels are to send the notices of payments that it creates; the first one's else.
   */
  startSecond(public_url?: string): Promise<SecondProcess>;
  /** What is wrong with the books, the refunds or the events; nothing, always. */
  findFaults(): Promise<string[]>;
  close(): Promise<void>;
}

const START_MS = Date.UTC(2026, 10, 20, 4);
/** Far more rounds than any chain of notices, refunds and webhooks needs; more are a loop. */
const ROUNDS_MAX = 200;

/** Starts a platform. Its merchants, with real keys, take about a second. */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const clock = createManualClock(options.starts_at ?? START_MS);
  const [database, sandbox, receiver, port] = await Promise.all([
    createTestDatabase(),
    startControlledSandbox(clock),
    startWebhookReceiver(),
    findFreePort(),
  ]);
  const public_url = `http://127.0.0.1:${port}`;
  const random = options.seed === undefined ? systemRandom : createSeededRandom(options.seed);
  const startProcess = (own_url: string) =>
    startInProcess(options, { database_url: database.url, public_url: own_url, clock, random }, sandbox.url);
  const { services, api, stop } = await startProcess(public_url);
  const stops = [stop];
  await api.listen({ port, host: "127.0.0.1" });
  const shared = await createAccounts(services, sandbox.url);
  const merchant = await createTestMerchant(services, sandbox.url, shared);
  const direct = options.direct ? await createTestMerchant(services, sandbox.url) : undefined;
  for (const { webhook_secret } of direct ? [merchant, direct] : [merchant]) receiver.trust(webhook_secret);

  const call = createCall(api, merchant.key);
  async function succeed(method: "GET" | "POST", path: string, body?: object, more?: CallOptions): Promise<Json> {
    const answer = await call(method, path, body, more);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }
  const settle = createSettle(sandbox, services);
  return {
    ...{ services, sandbox, receiver, clock, merchant, public_url, call, settle },
    direct: direct ?? merchant,
    database_url: database.url,
    post: (path, body, more) => succeed("POST", path, body, more),
    get: (path, more) => succeed("GET", path, undefined, more),
    async advance(duration_ms) {
      clock.advance(duration_ms);
      await settle();
    },
    async startSecond(own_url) {
      const second = await startProcess(own_url ?? public_url);
      stops.push(second.stop);
      return { services: second.services, call: createCall(second.api, merchant.key) };
    },
    findFaults: async () => [...(await findFaultsBySql(database.url)), ...(await findDifferences(services))],
    async close() {
      for (const step of [sandbox.close, ...stops, receiver.close, database.drop]) await step();
      await rm(objectsFolder(database.url), { recursive: true, force: true });
    },
  };
}

/** Services and their API, composed as a process of production does. */
async function startInProcess(
  options: PlatformOptions,
  given: Parameters<typeof composeServices>[1],
  sandbox_url: string,
): Promise<{ services: Services; api: ApiServer; stop(): Promise<void> }> {
  const services = composeServices(options, given);
  const notice_refusal_limit = options.notice_refusal_limit ?? { per_second: 100_000, burst: 100_000 };
  const settings = { trusted_proxies: [], address_rate: 100_000, notice_refusal_limit, sandbox_url };
  const api = await createApi(services, settings);
  await services.authenticator.start();
  await services.stops.start();
  return {
    ...{ services, api },
    async stop() {
      await api.close();
      await services.authenticator.stop();
      await services.stops.stop();
      for (const worker of services.workers) await worker.stop();
      await services.close();
    },
  };
}

function createSettle(sandbox: SandboxControl, services: Services): () => Promise<void> {
  return async () => {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await sandbox.settle();
      let worked = 0;
      for (const worker of services.workers) worked += await worker.drain();
      if (worked === 0) return;
    }
    throw new Error("the workers find work without end");
  };
}

function createCall(api: ApiServer, usual_key: string): Platform["call"] {
  return async (method, url, body, options = {}) => {
    const key = options.key === undefined ? usual_key : options.key;
    const response = await api.inject({
      ...{ method, url },
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...options.headers,
      },
      ...(body !== undefined && { payload: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = response.body;
    const headers = response.headers as Answer["headers"];
    return { status: response.statusCode, headers, text, body: text === "" ? undefined : JSON.parse(text) };
  };
}

/** What `tributary ledger verify` finds wrong. */
async function findDifferences({ db }: Services): Promise<string[]> {
  return (await verify(db)).differences.map(({ code, sentence }) => `${code}: ${sentence}`);
}

/** Where a platform keeps its files. */
function objectsFolder(database_url: string): string {
  return join(tmpdir(), `objects-of-${basename(new URL(database_url).pathname)}`);
}

function composeServices(
  options: PlatformOptions,
  given: { database_url: string; public_url: string; clock: ManualClock; random: Random },
): Services {
  const { clock, random, ...addresses } = given;
  return createServices(
    {
      ...addresses,
      database_connections: 6,
      database_distributed: false,
      key_rate: 100_000,
      webhook_private_addresses: options.webhook_private_addresses ?? true,
      attempt_reuse_ms: 15_000,
      object_storage: { kind: "local", folder: objectsFolder(given.database_url) },
      ...(options.channel_timeout_ms !== undefined && { channel_timeout_ms: options.channel_timeout_ms }),
    },
    {
      ...{ clock, random },
      log: options.logs ? createLogger("trace", options.logs) : createLogger("silent"),
      master_keys: [{ id: "test", key: new Secret(Buffer.alloc(32, 1)) }],
    },
  );
}
