// Guarantee: grouped work gives everyone exactly their own result, in order, after their own commit; one who offends
// fails alone; and memory, batch and waiting time are bounded.
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { InvariantError } from "../error.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import { plainArray } from "./arrays.ts";
import { brokenConstraint, type Database, openDatabase } from "./database.ts";
import { createGroup, GroupFullError, type GroupOptions } from "./group-commit.ts";
import { platformStatement } from "./statement.ts";

/** A group that records its batches and answers each number with its double. */
function createDoubling(options: Partial<GroupOptions<number, number>> = {}) {
  const batches: number[][] = [];
  const submit = createGroup<number, number>({
    name: "doubling",
    batch_max: 4,
    run: async (items) => {
      batches.push([...items]);
      await turn();
      return items.map((item) => item * 2);
    },
    ...options,
  });
  return { batches, submit };
}

/** A run that stops before it answers until it is let on. */
function createGate() {
  const starts: number[][] = [];
  const waiting: (() => void)[] = [];
  return {
    starts,
    run: (items: readonly number[]) =>
      new Promise<number[]>((resolve) => {
        starts.push([...items]);
        waiting.push(() => resolve([...items]));
      }),
    async open() {
      waiting.shift()?.();
      for (let step = 0; step < 5; step++) await turn();
    },
  };
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => index + from);

describe("a batch", () => {
  test("holds what was asked in one turn, in order, and answers each with its own", async () => {
    const { batches, submit } = createDoubling();
    expect(await Promise.all(numbers(3).map(submit))).toEqual([0, 2, 4]);
    expect(batches).toEqual([[0, 1, 2]]);
  });

  test("is never larger than allowed; the rest follows in order", async () => {
    const { batches, submit } = createDoubling();
    await Promise.all(numbers(10).map(submit));
    expect(batches).toEqual([numbers(4), numbers(4, 4), numbers(2, 8)]);
  });

  test("collects while the one before it is under way, and starts when that is done", async () => {
    const gate = createGate();
    const submit = createGroup<number, number>({ name: "gated", batch_max: 10, run: gate.run });
    const first = submit(0);
    await turn();
    const rest = numbers(5, 1).map((item) => submit(item));
    await turn();
    expect(gate.starts).toEqual([[0]]);
    await gate.open();
    expect(await first).toBe(0);
    expect(gate.starts).toEqual([[0], numbers(5, 1)]);
    await gate.open();
    expect(await Promise.all(rest)).toEqual(numbers(5, 1));
  });

  test("may be one of several under way, never of more than allowed", async () => {
    const gate = createGate();
    const submit = createGroup<number, number>({ name: "gated", batch_max: 1, in_flight_max: 2, run: gate.run });
    const all = numbers(4).map(submit);
    for (let step = 0; step < 5; step++) await turn();
    expect(gate.starts).toEqual([[0], [1]]);
    await gate.open();
    expect(gate.starts).toEqual([[0], [1], [2]]);
    for (const _ of numbers(3)) await gate.open();
    expect(await Promise.all(all)).toEqual(numbers(4));
  });

  test("gives any number of callers their own results", async () => {
    const load = fc.record({
      batch_max: fc.integer({ min: 1, max: 9 }),
      in_flight_max: fc.integer({ min: 1, max: 3 }),
      items: fc.array(fc.integer(), { maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(load, async ({ items, ...bounds }) => {
        const { batches, submit } = createDoubling(bounds);
        expect(await Promise.all(items.map(submit))).toEqual(items.map((item) => item * 2));
        expect(batches.flat()).toEqual(items);
        expect(batches.every((batch) => batch.length > 0 && batch.length <= bounds.batch_max)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe("the window", () => {
  test("lets later ones join the first", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { batches, submit } = createDoubling({ window_ms: 5 });
      const first = submit(1);
      await vi.advanceTimersByTimeAsync(4);
      await turn();
      expect(batches).toEqual([]);
      const second = submit(2);
      await vi.advanceTimersByTimeAsync(1);
      expect(await Promise.all([first, second])).toEqual([2, 4]);
      expect(batches).toEqual([[1, 2]]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("ends when the batch is full", async () => {
    const { batches, submit } = createDoubling({ window_ms: 60_000 });
    expect(await Promise.all(numbers(4).map(submit))).toEqual([0, 2, 4, 6]);
    expect(batches).toEqual([numbers(4)]);
  });
});

describe("keys", () => {
  test("are never mixed in a batch, and do not wait for each other", async () => {
    const gate = createGate();
    const key = (item: number) => (item % 2 === 0 ? "even" : "odd");
    const submit = createGroup<number, number>({ name: "keyed", batch_max: 10, key, run: gate.run });
    const all = numbers(6).map(submit);
    await turn();
    expect(gate.starts).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ]);
    await gate.open();
    await gate.open();
    expect(await Promise.all(all)).toEqual(numbers(6));
  });
});

describe("too much", () => {
  test("waiting, over all keys, is refused at once and harms nobody who waits", async () => {
    const gate = createGate();
    const key = (item: number) => String(item % 3);
    const submit = createGroup<number, number>({ name: "small", batch_max: 2, waiting_max: 3, key, run: gate.run });
    const accepted = numbers(3).map(submit);
    await expect(submit(3)).rejects.toThrow(GroupFullError);
    await turn();
    const later = submit(3);
    for (const _ of numbers(4)) await gate.open();
    expect(await Promise.all([...accepted, later])).toEqual(numbers(4));
  });
});

describe("an offender", () => {
  test("fails alone, with its own error, however many there are", async () => {
    const load = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.array(fc.nat({ max: 39 }), { maxLength: 5 }));
    await fc.assert(
      fc.asyncProperty(load, async ([count, offenders]) => {
        const committed: number[] = [];
        const submit = createGroup<number, number>({
          name: "picky",
          batch_max: 16,
          run: async (items) => {
            const offender = items.find((item) => offenders.includes(item));
            if (offender !== undefined) throw new Error(`no ${offender}`);
            committed.push(...items);
            return items;
          },
        });
        const results = await Promise.allSettled(numbers(count).map(submit));
        for (const [item, result] of results.entries()) {
          if (offenders.includes(item)) expect(result).toMatchObject({ reason: { message: `no ${item}` } });
          else expect(result).toEqual({ status: "fulfilled", value: item });
        }
        expect(committed).toEqual(numbers(count).filter((item) => !offenders.includes(item)));
      }),
      { numRuns: 50 },
    );
  });

  test("is found by halves, not by trying each", async () => {
    const sizes: number[] = [];
    const submit = createGroup<number, number>({
      name: "halving",
      batch_max: 64,
      run: async (items) => {
        sizes.push(items.length);
        if (items.includes(5)) throw new Error("no");
        return items;
      },
    });
    await Promise.allSettled(numbers(64).map(submit));
    expect(sizes).toHaveLength(1 + 2 * 6);
  });

  test("that is the database itself fails everyone at once: what was committed is not known", async () => {
    const run = vi.fn(async () => {
      throw Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    });
    const submit = createGroup<number, number>({ name: "away", batch_max: 8, run });
    const results = await Promise.allSettled(numbers(8).map(submit));
    expect(results.map((result) => result.status)).toEqual(Array(8).fill("rejected"));
    expect(run).toHaveBeenCalledTimes(1);
  });

  test("that throws before it promises anything fails like any other", async () => {
    const run = (): Promise<number[]> => {
      throw new Error("at once");
    };
    await expect(createGroup<number, number>({ name: "rash", batch_max: 8, run })(1)).rejects.toThrow("at once");
  });

  test("that miscounts its results is not run again: its batch is committed", async () => {
    const run = vi.fn(async (items: readonly number[]) => items.slice(1));
    const submit = createGroup<number, number>({ name: "miscounting", batch_max: 8, run });
    const results = await Promise.allSettled(numbers(4).map(submit));
    for (const result of results) expect(result).toMatchObject({ reason: expect.any(InvariantError) });
    expect(run).toHaveBeenCalledTimes(1);
  });
});

describe("on PostgreSQL", () => {
  let testDatabase: TestDatabase;
  let db: Database;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    const log = createLogger("silent");
    db = openDatabase({ url: testDatabase.url, connections_max: 2, log, random: createSeededRandom(1) });
    await db.query(platformStatement("test.table", "create table grouped (id int8 primary key, batch xid8 not null)"));
  });

  afterAll(async () => {
    await db.close();
    await testDatabase.drop();
  });

  test("many requests share few transactions, and a duplicate among them fails alone", async () => {
    const insert = platformStatement(
      "test.insert_grouped",
      "insert into grouped select id, pg_current_xact_id() from unnest($1::int8[]) id",
    );
    const submit = createGroup<number, void>({
      name: "grouped",
      batch_max: 50,
      run: (items) =>
        db.transaction(async (tx) => {
          await tx.query(insert, [plainArray(items)]);
          return items.map(() => undefined);
        }),
    });
    const results = await Promise.allSettled([...numbers(100), 7].map((item) => submit(item)));
    expect(results.map((result) => result.status)).toEqual([...Array(100).fill("fulfilled"), "rejected"]);
    expect(brokenConstraint((results.at(-1) as PromiseRejectedResult).reason)).toBe("grouped_pkey");
    const count = platformStatement("test.count", "select count(*), count(distinct batch) as batches from grouped");
    expect(await db.query(count)).toEqual([{ count: 100n, batches: 2n }]);
  });
});
