// Guarantee: due work is done, by one worker at a time, never more at once than allowed, also when a worker dies with it.
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import { type Database, openDatabase } from "../sql/database.ts";
import { platformStatement } from "../sql/statement.ts";
import { createDueLoop, type DueLoop, type DueLoopOptions } from "./due-loop.ts";

const log = createLogger("silent");
/** Longer than any test: what happens did not wait for the interval. */
const NEVER_MS = 3_600_000;

/** A loop over a list of numbers in memory; a claimed number is gone. */
function createListLoop(due: number[], options: Partial<DueLoopOptions<number>> = {}) {
  const claim = vi.fn(async (limit: number) => due.splice(0, limit));
  const handled: number[] = [];
  const handle = async (item: number) => {
    await turn();
    handled.push(item);
  };
  const loop = createDueLoop({ name: "list", claim, handle, concurrency: 2, interval_ms: NEVER_MS, log, ...options });
  return { loop, claim, handled };
}

/** Work that waits until it is let go; `release` ends the earliest. */
function createHeldWork() {
  const started: number[] = [];
  const held: (() => void)[] = [];
  return {
    started,
    handle: (item: number) =>
      new Promise<void>((resolve) => {
        started.push(item);
        held.push(resolve);
      }),
    release: () => held.shift()?.(),
  };
}

async function stopping(loop: DueLoop, work: () => Promise<void>): Promise<void> {
  loop.start();
  try {
    await work();
  } finally {
    await loop.stop();
  }
}

describe("a running loop", () => {
  test("works off everything due, in order of the claim", async () => {
    const { loop, handled } = createListLoop([1, 2, 3, 4, 5]);
    await stopping(loop, () => vi.waitFor(() => expect(handled).toEqual([1, 2, 3, 4, 5])));
  });

  test("keeps its places filled and never takes more", async () => {
    const work = createHeldWork();
    const { loop, claim } = createListLoop([1, 2, 3, 4], { handle: work.handle });
    loop.start();
    await vi.waitFor(() => expect(work.started).toEqual([1, 2]));
    await turn();
    expect(claim.mock.calls).toEqual([[2]]);
    work.release();
    await vi.waitFor(() => expect(work.started).toEqual([1, 2, 3]));
    expect(claim.mock.calls.at(-1)).toEqual([1]);
    work.release();
    await vi.waitFor(() => expect(work.started).toEqual([1, 2, 3, 4]));
    work.release();
    work.release();
    await loop.stop();
  });

  test("looks at once when it is kicked, also when it is kicked while it looks", async () => {
    const due: number[] = [];
    const { loop, handled } = createListLoop(due);
    await stopping(loop, async () => {
      await turn();
      due.push(1);
      loop.kick();
      await vi.waitFor(() => expect(handled).toEqual([1]));
    });
    const late: number[] = [];
    const claim = vi.fn(async (limit: number) => {
      const items = late.splice(0, limit);
      // Comes into being just after this claim has looked.
      if (claim.mock.calls.length === 1) {
        late.push(2);
        second.loop.kick();
      }
      return items;
    });
    const second = createListLoop([], { claim });
    await stopping(second.loop, () => vi.waitFor(() => expect(second.handled).toEqual([2])));
  });

  test("looks again after its interval, and after a claim that failed", async () => {
    const due = [1];
    const claim = vi.fn(async (limit: number) => {
      if (claim.mock.calls.length === 1) throw new Error("the database is away");
      return due.splice(0, limit);
    });
    const { loop, handled } = createListLoop([], { claim, interval_ms: 1 });
    await stopping(loop, async () => {
      await vi.waitFor(() => expect(handled).toEqual([1]));
      due.push(2);
      await vi.waitFor(() => expect(handled).toEqual([1, 2]));
    });
  });

  test("goes on after work that throws, and says which job it was", async () => {
    const lines: string[] = [];
    const failing = async (item: number) => {
      if (item === 1) throw new Error("no");
      handledToo.push(item);
    };
    const handledToo: number[] = [];
    const recording = createLogger("error", { write: (line) => lines.push(line) });
    const { loop } = createListLoop([1, 2, 3], { handle: failing, log: recording });
    await stopping(loop, () => vi.waitFor(() => expect(handledToo).toEqual([2, 3])));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ job: "list", err: { message: "no" } }]);
  });
});

describe("stop", () => {
  test("waits for what is under way, and claims nothing more, kicked or not", async () => {
    const work = createHeldWork();
    const { loop, claim } = createListLoop([1, 2, 3], { handle: work.handle });
    loop.start();
    await vi.waitFor(() => expect(work.started).toEqual([1, 2]));
    let stopped = false;
    const stop = loop.stop().then(() => {
      stopped = true;
    });
    work.release();
    await turn();
    expect(stopped).toBe(false);
    work.release();
    await stop;
    loop.kick();
    await turn();
    expect(work.started).toEqual([1, 2]);
    expect(claim).toHaveBeenCalledTimes(1);
  });

  test("during a claim works off what was claimed: its lease is already on it", async () => {
    const { loop, handled } = createListLoop([1, 2]);
    loop.start();
    await loop.stop();
    expect(handled).toEqual([1, 2]);
  });

  test("of a loop that never started is nothing", async () => {
    const { loop, claim } = createListLoop([1]);
    await loop.stop();
    expect(claim).not.toHaveBeenCalled();
  });
});

test("drain works until nothing is due and counts, without being started", async () => {
  const { loop, handled } = createListLoop([1, 2, 3, 4, 5]);
  expect(await loop.drain()).toBe(5);
  expect(handled).toEqual([1, 2, 3, 4, 5]);
  expect(await loop.drain()).toBe(0);
});

describe("on PostgreSQL", () => {
  let testDatabase: TestDatabase;
  let db: Database;
  const claimRows = platformStatement(
    "test.claim",
    `update due_rows set due_at = now() + make_interval(secs => $2) where id in (
       select id from due_rows where due_at <= now() order by due_at, id limit $1 for update skip locked
     ) returning id`,
  );
  const finishRow = platformStatement(
    "test.finish",
    "update due_rows set due_at = null, done = done + 1 where id = $1",
  );
  const addRows = platformStatement(
    "test.add",
    "insert into due_rows (due_at) select now() from generate_series(1, $1::int)",
  );
  const readRows = platformStatement(
    "test.read",
    "select count(*) filter (where done = 1) as once, count(*) filter (where done > 1) as twice, count(due_at) as due from due_rows",
  );

  const runOutLeases = platformStatement("test.run_out", "update due_rows set due_at = now() where due_at is not null");

  function createWorker(lease_s: number, handle: (id: bigint) => Promise<void>): DueLoop {
    return createDueLoop<bigint>({
      name: "rows",
      claim: async (limit) => (await db.query<{ id: bigint }>(claimRows, [limit, lease_s])).map((row) => row.id),
      handle,
      concurrency: 8,
      interval_ms: 20,
      log,
    });
  }

  const finish = async (id: bigint) => {
    await db.query(finishRow, [id]);
  };

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    db = openDatabase({ url: testDatabase.url, connections_max: 6, log, random: createSeededRandom(1) });
    const table =
      "create table due_rows (id bigint generated always as identity primary key, due_at timestamptz, done int not null default 0)";
    await db.query(platformStatement("test.table", table));
  });

  afterAll(async () => {
    await db.close();
    await testDatabase.drop();
  });

  test("several workers share the rows and do each once", async () => {
    await db.query(addRows, [200]);
    const workers = [1, 2, 3].map(() => createWorker(60, finish));
    for (const worker of workers) worker.start();
    await vi.waitFor(async () => expect(await db.query(readRows)).toEqual([{ once: 200n, twice: 0n, due: 0n }]));
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(await db.query(readRows)).toEqual([{ once: 200n, twice: 0n, due: 0n }]);
  });

  test("rows of a worker that died with them come to another when their lease has run out", async () => {
    await db.query(addRows, [3]);
    const dying = createWorker(60, () => Promise.reject(new Error("killed")));
    expect(await dying.drain()).toBe(3);
    const heir = createWorker(60, finish);
    expect(await heir.drain()).toBe(0);
    await db.query(runOutLeases);
    expect(await heir.drain()).toBe(3);
    expect(await db.query(readRows)).toEqual([{ once: 203n, twice: 0n, due: 0n }]);
  });
});
