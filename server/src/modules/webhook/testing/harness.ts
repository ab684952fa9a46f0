/** What the tests of this module share: a database with an app's book, a clock to move, receivers on loopback. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { vi } from "vitest";
import { createTestDatabase } from "../../../../../test/database/test-database.ts";
import { createManualClock, type ManualClock, systemClock } from "../../../kit/clock.ts";
import { createEnvelope } from "../../../kit/crypto.ts";
import { createIdSource, parsePublicId } from "../../../kit/id.ts";
import { createLogger } from "../../../kit/log.ts";
import { createSeededRandom } from "../../../kit/random.ts";
import { Secret } from "../../../kit/secret.ts";
import { type Database, openDatabase } from "../../../kit/sql/database.ts";
import { platformStatement } from "../../../kit/sql/statement.ts";
import type { DueLoop } from "../../../kit/worker/due-loop.ts";
import { createWebhookEndpoint, type EndpointInput } from "../create-webhook-endpoint.ts";
import type { StoredDelivery } from "../delivery-store.ts";
import type { EventType, NewEvent } from "../event.ts";
import { createWebhookWorker, type WebhookWorkerOptions } from "../jobs.ts";
import { recordEvents } from "../record-events.ts";
import type { Scope, WebhookServices } from "../service.ts";

/** Signs deliveries to a notify_url in every test. */
export const appSecret = new Secret(`whsec_${Buffer.alloc(32, 7).toString("base64")}`);

export interface Harness {
  db: Database;
  clock: ManualClock;
  services: WebhookServices;
  /** A book of its own for each test. */
  newScope(livemode?: boolean): Scope;
  addEndpoint(scope: Scope, input: EndpointInput): Promise<{ id: string; secret: string }>;
  record(scope: Scope, type: EventType, rest?: Partial<NewEvent>): Promise<NewEvent>;
  deliveriesOf(event: Pick<NewEvent, "id" | "merchant_id">): Promise<StoredDelivery[]>;
  /** Ends what a test has left pending, so that the next one's workers do not find it. */
  discardPending(): Promise<unknown>;
  newWorker(options?: Partial<WebhookWorkerOptions>): DueLoop;
  close(): Promise<void>;
}

const selectDeliveries = platformStatement(
  "test.deliveries_of_event",
  "select * from webhook_deliveries where event_id = $1 and merchant_id = $2 order by id",
);

const cancelPending = platformStatement(
  "test.cancel_pending",
  "update webhook_deliveries set status = 'canceled', due_at = null where status = 'pending'",
);

export async function openHarness(): Promise<Harness> {
  const database = await createTestDatabase();
  const random = createSeededRandom(7);
  const log = createLogger("silent");
  const db = openDatabase({ url: database.url, connections_max: 4, log, random });
  // Whole seconds of now, because the verifying library compares timestamps with the machine's own clock.
  const clock = createManualClock(Math.floor(systemClock.now() / 1000) * 1000);
  const envelope = createEnvelope([{ id: "test", key: new Secret(Buffer.alloc(32, 1)) }], random);
  const ids = createIdSource(clock, random);
  const services: WebhookServices = { db, clock, random, ids, envelope, allow_private_addresses: true };
  const workers: DueLoop[] = [];
  return {
    ...{ db, clock, services },
    newScope: (livemode = false) => ({ merchant_id: ids.uuid(), app_id: ids.uuid(), livemode }),
    async addEndpoint(scope, input) {
      const { view } = await createWebhookEndpoint(services, scope, input, undefined);
      return { id: parsePublicId("webhook_endpoint", view.id)!, secret: view.secret! };
    },
    async record(scope, type, rest) {
      const facts = { id: ids.uuid(), type, object_id: ids.uuid(), data: { id: "pay_1", amount: 100 } };
      const event: NewEvent = { ...scope, ...facts, created_at: clock.now(), ...rest };
      await db.transaction((tx) => recordEvents(tx, [event]));
      return event;
    },
    deliveriesOf: (event) => db.query<StoredDelivery>(selectDeliveries, [event.id, event.merchant_id]),
    discardPending: () => db.query(cancelPending),
    newWorker(options) {
      const given = { db, envelope, clock, random, log, allow_private_addresses: true };
      const worker = createWebhookWorker({ ...given, loadAppWebhookSecrets: async () => [appSecret], ...options });
      workers.push(worker);
      return worker;
    },
    async close() {
      for (const worker of workers) await worker.stop();
      await db.close();
      await database.drop();
    },
  };
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  close(): Promise<void>;
}

/** Starts a receiver that answers each request as `answer` does: a status, or whatever it makes of the response. */
export async function startReceiver(
  answer: (request: Received, response: ServerResponse) => number | undefined = () => 204,
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const message = {
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      received.push(message);
      const status = answer(message, response);
      if (status !== undefined) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/hook`, port, received },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Whether the independent library accepts a request under a secret, at the time the request says it was sent. */
export function isVerified(secret: string, request: Received): boolean {
  vi.useFakeTimers({ toFake: ["Date"], now: Number(request.headers["webhook-timestamp"]) * 1000 });
  try {
    new Webhook(secret).verify(request.body, request.headers as Record<string, string>);
    return true;
  } catch {
    return false;
  } finally {
    vi.useRealTimers();
  }
}

/** Waits for a condition that a running worker brings about. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error("not yet");
    },
    { timeout: 20_000, interval: 20 },
  );
}
