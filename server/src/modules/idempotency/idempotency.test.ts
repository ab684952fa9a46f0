// Guarantee: a key is remembered with the request that it was used for, for thirty days, within its app and book only;
// a race for one is run again, and no other failure is.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import {
  claimIdempotencyKey,
  findKeys,
  IdempotencyRaceError,
  type KeyRecord,
  purgeIdempotencyKeys,
  rerunAfterRace,
  storeKeys,
} from "./index.ts";

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 3, log: createLogger("silent"), random: systemRandom });
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 20);
const uuid = (digit: number) => `00000000-0000-7000-8000-00000000000${digit}`;
const record = (key: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  ...{ merchant_id: uuid(1), app_id: uuid(2), livemode: false, key, request_hash: Buffer.alloc(32, 1) },
  ...{ object_type: "payment", object_id: uuid(3), created_at: NOW },
  ...more,
});
const store = (...keys: KeyRecord[]) => db.transaction((tx) => storeKeys(tx, keys));

test("a key leads to its object, refuses another request, and is unknown to other apps and books", async () => {
  await store(record("a"));
  const states = await findKeys(db, [
    record("a"),
    record("a", { request_hash: Buffer.alloc(32, 2) }),
    record("a", { app_id: uuid(9) }),
    record("a", { livemode: true }),
    record("a", { merchant_id: uuid(9) }),
    record("b"),
  ]);
  expect(states).toEqual([
    { kind: "replay", object_id: uuid(3) },
    { kind: "conflict" },
    ...Array(4).fill({ kind: "new" }),
  ]);
});

test("storing one that exists is a race, and stores nothing of the group", async () => {
  await store(record("c"));
  await expect(store(record("d"), record("c"))).rejects.toBeInstanceOf(IdempotencyRaceError);
  expect(await findKeys(db, [record("d")])).toEqual([{ kind: "new" }]);
});

test("two claims at once: one is new, the other finds it", async () => {
  const claims = await Promise.all(
    [uuid(4), uuid(5)].map((object_id) => db.transaction((tx) => claimIdempotencyKey(tx, record("e", { object_id })))),
  );
  const [stored] = await findKeys(db, [record("e")]);
  expect(claims.map(({ kind }) => kind).sort()).toEqual(["new", "replay"]);
  expect(claims).toContainEqual(stored);
});

test("after thirty days a key is forgotten, and not before", async () => {
  await store(record("old", { created_at: NOW - 30 * DAY_MS - 1 }), record("young", { created_at: NOW - 30 * DAY_MS }));
  expect(await purgeIdempotencyKeys(db, NOW)).toBe(1);
  expect(await purgeIdempotencyKeys(db, NOW)).toBe(0);
  expect((await findKeys(db, [record("old"), record("young")])).map(({ kind }) => kind)).toEqual(["new", "replay"]);
});

test("a lost race is run again until it is won, a few times at most; another failure is not", async () => {
  let runs = 0;
  const losing = (times: number, error: Error) => async () => {
    runs += 1;
    if (runs <= times) throw error;
    return runs;
  };
  expect(await rerunAfterRace(losing(2, new IdempotencyRaceError()))).toBe(3);
  runs = 0;
  await expect(rerunAfterRace(losing(99, new IdempotencyRaceError()))).rejects.toBeInstanceOf(IdempotencyRaceError);
  expect(runs).toBe(5);
  runs = 0;
  await expect(rerunAfterRace(losing(1, new Error("no")))).rejects.toThrow("no");
  runs = 0;
  expect(await rerunAfterRace(losing(1, new Error("taken")), () => true)).toBe(2);
});
