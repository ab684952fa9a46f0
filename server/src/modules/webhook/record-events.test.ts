// Guarantee: an event exists exactly when its effect was committed, its recorded object keeps its bytes, and it has one
// pending delivery for each enabled endpoint of its app and book that wants its type, and one for its notify_url.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { toRfc3339 } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { createSeededRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { EventType, NewEvent } from "./event.ts";
import { recordEvents } from "./record-events.ts";

let database: TestDatabase;
let db: Database;
let serial = 0;

const uuid = () => `01900000-0000-7000-8000-${(++serial).toString(16).padStart(12, "0")}`;
const at = Date.parse("2026-11-20T12:00:00.123Z");

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({
    url: database.url,
    connections_max: 4,
    log: createLogger("silent"),
    random: createSeededRandom(1),
  });
});

afterAll(async () => {
  await db?.close();
  await database?.drop();
});

interface Scope {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
}

async function addEndpoint(scope: Scope, options: { types?: string[]; status?: string } = {}): Promise<string> {
  const id = uuid();
  await db.query(
    platformStatement(
      "test.add_endpoint",
      `insert into webhook_endpoints (merchant_id, app_id, livemode, id, url, event_types, status, secret_sealed,
         created_at) values ($1, $2, $3, $4, 'https://hooks.example:8443/in', $5::text[], $6, '\\x00', $7)`,
    ),
    [
      scope.merchant_id,
      scope.app_id,
      scope.livemode,
      id,
      `{${(options.types ?? []).join(",")}}`,
      options.status ?? "enabled",
      toRfc3339(at),
    ],
  );
  return id;
}

function newEvent(scope: Scope, type: EventType, rest: Partial<NewEvent> = {}): NewEvent {
  return { ...scope, id: uuid(), type, object_id: uuid(), data: { id: "pay_1" }, created_at: at, ...rest };
}

interface DeliveryRow {
  id: string;
  endpoint_id: string | null;
  url: string;
  receiver: string;
  status: string;
  due_at: number;
}

function deliveriesOf(event: NewEvent): Promise<DeliveryRow[]> {
  return db.query<DeliveryRow>(
    platformStatement(
      "test.deliveries",
      "select * from webhook_deliveries where event_id = $1 and merchant_id = $2 order by id",
    ),
    [event.id, event.merchant_id],
  );
}

test("each enabled endpoint of the app and book that wants the type gets one delivery", async () => {
  const scope = { merchant_id: uuid(), app_id: uuid(), livemode: false };
  const all = await addEndpoint(scope);
  const refunds = await addEndpoint(scope, { types: ["refund.succeeded", "refund.failed"] });
  await addEndpoint(scope, { status: "disabled" });
  await addEndpoint({ ...scope, livemode: true });
  await addEndpoint({ ...scope, app_id: uuid() });
  await addEndpoint({ ...scope, merchant_id: uuid() });
  const paid = newEvent(scope, "payment.succeeded");
  const refunded = newEvent(scope, "refund.succeeded");
  await db.transaction((tx) => recordEvents(tx, [paid, refunded]));
  expect((await deliveriesOf(paid)).map((row) => row.endpoint_id)).toEqual([all]);
  expect((await deliveriesOf(refunded)).map((row) => row.endpoint_id).sort()).toEqual([all, refunds].sort());
});

test("a notify_url gets a delivery of its own, due at once, with the receiver and a time-ordered id", async () => {
  const scope = { merchant_id: uuid(), app_id: uuid(), livemode: true };
  const event = newEvent(scope, "payment.succeeded", { notify_url: "https://shop.example/notify?a=1,2" });
  await db.transaction((tx) => recordEvents(tx, [event, newEvent(scope, "payment.closed")]));
  const [delivery, ...others] = await deliveriesOf(event);
  expect(others).toEqual([]);
  expect(delivery).toMatchObject({
    endpoint_id: null,
    url: "https://shop.example/notify?a=1,2",
    receiver: "shop.example",
    status: "pending",
    due_at: at,
  });
  expect(delivery!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
  expect(Number.parseInt(delivery!.id.replaceAll("-", "").slice(0, 12), 16)).toBe(at);
});

test("the recorded object keeps its bytes, whatever characters it has", async () => {
  const scope = { merchant_id: uuid(), app_id: uuid(), livemode: false };
  const data = {
    z: 1,
    a: 'quote " backslash \\ brace } comma , 汇流 🧧 \n',
    n: null,
    big: 9007199254740991,
    list: [{}],
  };
  const event = newEvent(scope, "payment.failed", { data });
  await db.transaction((tx) => recordEvents(tx, [event]));
  const [row] = await db.query<{ text: string }>(
    platformStatement("test.event_text", "select data::text as text from events where id = $1"),
    [event.id],
  );
  expect(row!.text).toBe(JSON.stringify(data));
});

test("nothing is recorded when the effect rolls back", async () => {
  const scope = { merchant_id: uuid(), app_id: uuid(), livemode: false };
  const event = newEvent(scope, "payment.succeeded", { notify_url: "https://shop.example/" });
  const effect = db.transaction(async (tx) => {
    await recordEvents(tx, [event]);
    throw new Error("the effect failed");
  });
  await expect(effect).rejects.toThrow("the effect failed");
  expect(await deliveriesOf(event)).toEqual([]);
});

test("the same event cannot be recorded twice", async () => {
  const scope = { merchant_id: uuid(), app_id: uuid(), livemode: false };
  const event = newEvent(scope, "payment.succeeded");
  await db.transaction((tx) => recordEvents(tx, [event]));
  await expect(db.transaction((tx) => recordEvents(tx, [event]))).rejects.toMatchObject({ code: "23505" });
});
