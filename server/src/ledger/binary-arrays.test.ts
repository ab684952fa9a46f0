// Guarantee: PostgreSQL reads from the binary arrays exactly the values that were put in, and what has no exact form is an
// error instead of another value.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeMatrix, readMatrix, timestamptzArray, uuidArray } from "./binary-arrays.ts";
import { openTestBooks, run, type TestBooks } from "./testing/books.ts";

let books: TestBooks;

beforeAll(async () => {
  books = await openTestBooks();
});

afterAll(() => books.close());

async function readBack(bytes: Buffer, type: string): Promise<string> {
  const [row] = await run<{ text: string }>(books.db, `select $1::${type}::text as text`, [bytes]);
  return row!.text;
}

test("integers, given either way, are the same integers to the last digit", async () => {
  const cell = fc.oneof(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), fc.maxSafeInteger());
  const row = fc.tuple(cell, cell, cell);
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      const matrix = makeMatrix(rows.length + 3, 3);
      for (const value of rows.flat()) matrix.add(value);
      expect(await readBack(matrix.finish(), "bigint[]")).toBe(`{${rows.map((cells) => `{${cells}}`).join(",")}}`);
    }),
    { numRuns: 50, examples: [[[[-1n, 2n ** 53n, -(2 ** 32)]]], [[[2n ** 63n - 1n, -1, 2 ** 32 - 1]]]] },
  );
});

test("rows that were cut are gone, and nothing at all is an empty array", async () => {
  const matrix = makeMatrix(3, 2);
  for (const value of [1, 2, 3, 4]) matrix.add(value);
  expect(matrix.rows()).toBe(2);
  matrix.cut(1);
  matrix.add(5);
  matrix.add(6);
  expect(await readBack(matrix.finish(), "bigint[]")).toBe("{{1,2},{5,6}}");
  expect(await readBack(makeMatrix(3, 2).finish(), "bigint[]")).toBe("{}");
  expect(await readBack(uuidArray([], String), "uuid[]")).toBe("{}");
  expect(await readBack(timestamptzArray([], Number), "timestamptz[]")).toBe("{}");
});

test.each([2n ** 63n, -(2n ** 63n)])("%s is not cut to a smaller number", (value) => {
  expect(() => makeMatrix(1, 1).add(value)).toThrow("beyond a bigint");
});

test("uuids are the same uuids", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uuid(), { minLength: 1, maxLength: 20 }), async (uuids) => {
      const upper = uuidArray(uuids, (uuid) => uuid.toUpperCase());
      expect(await readBack(upper, "uuid[]")).toBe(`{${uuids}}`);
    }),
    { numRuns: 30 },
  );
});

test.each([
  "",
  "0197-",
  "g".repeat(36),
  "0".repeat(36),
  "00000000-0000-0000-0000-00000000000\u0130",
  `${"0".repeat(37)}`,
])("%j is not taken for a uuid", (text) => {
  expect(() => uuidArray([text], String)).toThrow("is not a uuid");
});

test("times are exact to the millisecond, before 2000 too", async () => {
  const times = [
    0,
    Date.UTC(1969, 11, 31, 23, 59, 59, 999),
    Date.UTC(2000, 0, 1),
    Date.UTC(2026, 10, 20, 4, 5, 6, 789),
  ];
  const text = await readBack(timestamptzArray(times, Number), "timestamptz[]");
  const read = text.slice(2, -2).split('","');
  expect(read.map((time) => Date.parse(`${time.replace(" ", "T")}:00`))).toEqual(times);
});

test("a matrix is read from what PostgreSQL sends, to the last digit", async () => {
  const cell = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 20 }), async (rows) => {
      const literal = `{${rows.map((cells) => `{${cells}}`).join(",")}}`;
      const [row] = await run<{ sent: Buffer }>(books.db, "select array_send($1::bigint[]) as sent", [literal]);
      expect(readMatrix(row!.sent)).toEqual(rows.flat());
    }),
    { numRuns: 50 },
  );
  for (const other of ["'{1,2}'::bigint[]", "'{{1,null}}'::bigint[]", "'{{1,2}}'::integer[]"]) {
    const [row] = await run<{ sent: Buffer }>(books.db, `select array_send(${other}) as sent`);
    expect(() => readMatrix(row!.sent)).toThrow("matrix");
  }
});
