// Guarantee: what is written comes back as it was, however nasty: integers beyond 2^53, milliseconds, quotes, nulls.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import { bytesArray, jsonArray, plainArray, textArray, timestampArray } from "./arrays.ts";
import { type Database, openDatabase } from "./database.ts";
import { platformStatement } from "./statement.ts";

let testDatabase: TestDatabase;
let db: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = openDatabase({
    url: testDatabase.url,
    connections_max: 1,
    log: createLogger("silent"),
    random: createSeededRandom(1),
  });
});

afterAll(async () => {
  await db.close();
  await testDatabase.drop();
});

async function unnest<T>(type: string, literal: string): Promise<T[]> {
  const text = `select value from unnest($1::${type}[]) with ordinality as items (value, position) order by position`;
  const rows = await db.query<{ value: T }>(platformStatement(`test.unnest_${type}`, text), [literal]);
  return rows.map((row) => row.value);
}

/** PostgreSQL text holds any Unicode text but the zero character; lone surrogates are not text. */
const texts = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed());
const nasty = [
  "",
  "NULL",
  "null",
  '"',
  "\\",
  '\\"',
  "{}",
  "{a,b}",
  ",",
  " ",
  "\n",
  "\r\n",
  "\t",
  "'",
  "$1",
  "汇流",
  "𠮷",
  "👩‍👩‍👧",
];
const orNull = <T>(values: fc.Arbitrary<T>) => fc.array(fc.option(values), { maxLength: 30 });

describe("array literals", () => {
  test("carry text, whatever is in it", async () => {
    expect(await unnest("text", textArray([...nasty, null]))).toEqual([...nasty, null]);
    await fc.assert(
      fc.asyncProperty(orNull(texts), async (values) => {
        expect(await unnest("text", textArray(values))).toEqual(values);
      }),
      { numRuns: 200 },
    );
  });

  test("carry bytes", async () => {
    const buffers = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(orNull(buffers), async (values) => {
        const back = await unnest<Buffer | null>("bytea", bytesArray(values));
        expect(back.map((value) => value?.toString("hex"))).toEqual(values.map((value) => value?.toString("hex")));
      }),
      { numRuns: 100 },
    );
  });

  test("carry JSON", async () => {
    // As with text, PostgreSQL has no zero character; null stands for SQL's.
    const documents = fc
      .jsonValue({ stringUnit: "grapheme" })
      .filter((value) => value !== null && !JSON.stringify(value).includes("\\u0000"));
    await fc.assert(
      fc.asyncProperty(orNull(documents), async (values) => {
        const expected: unknown[] = values.map((value) => (value === null ? null : JSON.parse(JSON.stringify(value))));
        expect(await unnest("jsonb", jsonArray(values))).toEqual(expected);
      }),
      { numRuns: 100 },
    );
    expect(await unnest("jsonb", jsonArray([undefined, null, {}]))).toEqual([null, null, {}]);
  });

  test("carry instants to the millisecond", async () => {
    const instants = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });
    await fc.assert(
      fc.asyncProperty(orNull(instants), async (values) => {
        expect(await unnest("timestamptz", timestampArray(values))).toEqual(values);
      }),
      { numRuns: 100 },
    );
  });

  test("carry integers, booleans and ids", async () => {
    const extremes = [2n ** 63n - 1n, -(2n ** 63n), 0n, 9_007_199_254_740_993n, null];
    expect(await unnest("int8", plainArray(extremes))).toEqual(extremes);
    expect(await unnest("boolean", plainArray([true, false, null]))).toEqual([true, false, null]);
    const id = "01890a5d-ac96-774b-bcce-b302099a8057";
    expect(await unnest("uuid", plainArray([id, null]))).toEqual([id, null]);
  });

  test("may be empty", async () => {
    for (const literal of [plainArray([]), textArray([]), jsonArray([]), timestampArray([]), bytesArray([])]) {
      expect(await unnest("text", literal)).toEqual([]);
    }
  });
});

describe("values read", () => {
  test.each([
    ["2026-11-20 12:00:00+00", Date.UTC(2026, 10, 20, 12)],
    ["2026-11-20 12:00:00.1+00", Date.UTC(2026, 10, 20, 12, 0, 0, 100)],
    ["2026-11-20 12:00:00.123+00", Date.UTC(2026, 10, 20, 12, 0, 0, 123)],
    ["2026-11-20 12:00:00.123456+00", Date.UTC(2026, 10, 20, 12, 0, 0, 123)],
    ["2026-11-20 12:00:00.999999+00", Date.UTC(2026, 10, 20, 12, 0, 0, 999)],
    ["2026-11-20 20:00:00+08", Date.UTC(2026, 10, 20, 12)],
    ["2026-11-20 00:00:00+08", Date.UTC(2026, 10, 19, 16)],
    ["1970-01-01 00:00:00+00", 0],
    ["0001-01-01 00:00:00+00", Date.parse("0001-01-01T00:00:00Z")],
  ])("the instant %s is milliseconds of the epoch", async (text, expected) => {
    const instant = platformStatement("test.instant", "select $1::timestamptz as value");
    expect(await db.query(instant, [text])).toEqual([{ value: expected }]);
  });

  test("an int8 is a bigint, a sum of them too; a smaller integer is a number", async () => {
    const integers = platformStatement(
      "test.integers",
      "select $1::int8 as big, sum(value)::int8 as total, count(*) as count, 7::int4 as small from (values (1::int8), (2)) v (value)",
    );
    expect(await db.query(integers, [2n ** 62n])).toEqual([{ big: 2n ** 62n, total: 3n, count: 2n, small: 7 }]);
  });

  test("JSON is parsed, bytes are a Buffer, and null is null", async () => {
    const mixed = platformStatement(
      "test.mixed",
      "select $1::jsonb as document, $2::bytea as bytes, null::timestamptz as at, null::int8 as amount",
    );
    const bytes = Buffer.from([0, 255, 92, 120]);
    expect(await db.query(mixed, ['{"a":[1,"汇"]}', bytes])).toEqual([
      { document: { a: [1, "汇"] }, bytes, at: null, amount: null },
    ]);
  });

  test("the session keeps UTC, whatever the machine's zone", async () => {
    const zone = platformStatement("test.zone", "select current_setting('TimeZone') as zone");
    expect(await db.query(zone)).toEqual([{ zone: "UTC" }]);
  });
});
