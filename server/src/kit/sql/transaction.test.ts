// Guarantee: a transaction is whole or nothing, says so truthfully, and a race that PostgreSQL resolves by failing one
// side is run again rather than shown to anybody.
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import {
  brokenConstraint,
  type Database,
  isUnavailable,
  openDatabase,
  type Sql,
  sqlState,
  type Transaction,
} from "./database.ts";
import { platformStatement, tenantStatement } from "./statement.ts";

const read = platformStatement("test.read", "select value from counters where id = $1");
const write = platformStatement("test.write", "update counters set value = value + $2 where id = $1");
const insert = platformStatement("test.insert", "insert into counters values ($1, $2)");
const terminate = platformStatement("test.terminate", "select pg_terminate_backend($1::int)");
const backend = platformStatement("test.backend", "select pg_backend_pid() as pid");

let testDatabase: TestDatabase;
let db: Database;

function open(url: string): Database {
  return openDatabase({ url, connections_max: 4, log: createLogger("silent"), random: createSeededRandom(1) });
}

async function counterOf(id: number, sql: Sql = db): Promise<bigint | undefined> {
  const rows = await sql.query<{ value: bigint }>(read, [id]);
  return rows[0]?.value;
}

/** Resolves for both callers once both have come: two transactions stand at the same point. */
function createBarrier(): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return () => {
    waiting += 1;
    if (waiting === 2) resolve();
    return promise;
  };
}

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = open(testDatabase.url);
  const setup = new pg.Client({ connectionString: testDatabase.url });
  await setup.connect();
  await setup.query(
    `create table counters (id bigint primary key, value bigint not null);
     insert into counters select id, 0 from generate_series(1, 20) id;
     create table later (id bigint constraint later_once unique deferrable initially deferred)`,
  );
  await setup.end();
});

afterAll(async () => {
  await db.close();
  await testDatabase.drop();
});

describe("a transaction", () => {
  test("commits its work as one, and gives its result", async () => {
    const result = await db.transaction(async (tx) => {
      await tx.query(write, [1, 5]);
      expect(await counterOf(1)).toBe(0n);
      await tx.query(write, [2, 7]);
      return counterOf(1, tx);
    });
    expect(result).toBe(5n);
    expect([await counterOf(1), await counterOf(2)]).toEqual([5n, 7n]);
  });

  test("leaves nothing when its work throws, and throws just that", async () => {
    const reason = new Error("changed my mind");
    const work = db.transaction(async (tx) => {
      await tx.query(write, [3, 1]);
      throw reason;
    });
    await expect(work).rejects.toBe(reason);
    expect(await counterOf(3)).toBe(0n);
  });

  test("is not reported as committed when its work swallowed a failure", async () => {
    const work = db.transaction(async (tx) => {
      await tx.query(write, [4, 1]);
      await tx.query(insert, [4, 1]).catch(() => undefined);
      return "all well";
    });
    await expect(work).rejects.toThrow(/aborted/);
    expect(await counterOf(4)).toBe(0n);
  });

  test("fails when the commit itself does", async () => {
    const insertLater = platformStatement("test.insert_later", "insert into later values ($1)");
    const work = db.transaction(async (tx) => {
      await tx.query(insertLater, [1]);
      await tx.query(insertLater, [1]);
    });
    const error = await work.catch((caught: unknown) => caught);
    expect([sqlState(error), brokenConstraint(error)]).toEqual(["23505", "later_once"]);
    expect(await db.query(platformStatement("test.count_later", "select id from later"))).toEqual([]);
  });

  test("takes several statements at once, the same one too", async () => {
    const fresh = open(testDatabase.url);
    await fresh.transaction((tx) => Promise.all(Array.from({ length: 10 }, () => tx.query(write, [5, 1]))));
    await fresh.close();
    expect(await counterOf(5)).toBe(10n);
  });

  test("is over when it is over: a statement left behind does not reach the connection's next user", async () => {
    let left: Transaction | undefined;
    await db.transaction(async (tx) => {
      left = tx;
    });
    await expect(left!.query(write, [6, 1])).rejects.toThrow(/over/);
    const failing = db.transaction((tx) => {
      const slow = tx.query(read, [6]).then(async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await tx.query(write, [6, 1]);
      });
      slow.catch(() => undefined);
      left = tx;
      return Promise.reject(new Error("another branch failed first"));
    });
    await expect(failing).rejects.toThrow("another branch");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await counterOf(6)).toBe(0n);
  });
});

describe("a race", () => {
  test("that ends in a serialization failure is run again from the start", async () => {
    const isolate = platformStatement("test.isolate", "set transaction isolation level repeatable read");
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query(isolate);
      const seen = await counterOf(7, tx);
      if (runs === 1) await db.query(write, [7, 100]);
      await tx.query(write, [7, seen! + 1n]);
    });
    expect(runs).toBe(2);
    expect(await counterOf(7)).toBe(201n);
  });

  test("that ends in a deadlock lets both sides succeed", async () => {
    const meet = createBarrier();
    let runs = 0;
    const cross = (first: number, second: number) =>
      db.transaction(async (tx) => {
        runs += 1;
        await tx.query(write, [first, 1]);
        if (runs <= 2) await meet();
        await tx.query(write, [second, 1]);
      });
    await Promise.all([cross(8, 9), cross(9, 8)]);
    expect(runs).toBe(3);
    expect([await counterOf(8), await counterOf(9)]).toEqual([2n, 2n]);
  });

  test("that never ends is given up, with the database's own error", async () => {
    const clash = platformStatement(
      "test.clash",
      "do $$ begin raise exception 'again' using errcode = '40001'; end $$",
    );
    let runs = 0;
    const work = db.transaction(async (tx) => {
      runs += 1;
      await tx.query(clash);
    });
    const error = await work.catch((caught: unknown) => caught);
    expect(sqlState(error)).toBe("40001");
    expect(runs).toBe(6);
  });

  test("is all that is run again: a broken constraint is shown at once", async () => {
    let runs = 0;
    const work = db.transaction(async (tx) => {
      runs += 1;
      await tx.query(insert, [1, 1]);
    });
    const error = await work.catch((caught: unknown) => caught);
    expect([sqlState(error), brokenConstraint(error), isUnavailable(error)]).toEqual(["23505", "counters_pkey", false]);
    expect(runs).toBe(1);
  });
});

describe("a database that goes away", () => {
  test("in the middle of a transaction fails it as unavailable, harms nobody else, and is used again", async () => {
    const work = db.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>(backend);
      await tx.query(write, [10, 1]);
      await db.query(terminate, [row!.pid]);
      // The connection is known to be lost only later, while nothing is being asked on it.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await tx.query(write, [10, 1]);
    });
    const error = await work.catch((caught: unknown) => caught);
    expect(isUnavailable(error), String(error)).toBe(true);
    expect(await Promise.all(Array.from({ length: 8 }, () => counterOf(10)))).toEqual(Array(8).fill(0n));
  });

  test("while a statement runs fails it as unavailable", async () => {
    const sleeping = platformStatement("test.sleep", "select pg_sleep(20)");
    const others = platformStatement(
      "test.sleepers",
      "select pid from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(20)'",
    );
    const work = db.query(sleeping).catch((caught: unknown) => caught);
    let pids: { pid: number }[] = [];
    while (pids.length === 0) pids = await db.query<{ pid: number }>(others);
    await db.query(terminate, [pids[0]!.pid]);
    expect(isUnavailable(await work)).toBe(true);
  });

  test("between uses is replaced without anybody's doing", async () => {
    await Promise.all(Array.from({ length: 4 }, () => counterOf(1)));
    const killOthers = platformStatement(
      "test.kill_others",
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    await db.query(killOthers);
    const ask = () => Promise.all(Array.from({ length: 8 }, () => counterOf(10)));
    // The end of an idle connection takes a moment to arrive.
    await vi.waitFor(async () => expect(await ask()).toEqual(Array(8).fill(0n)));
  });

  test("altogether is unavailable; a wrong name is not", async () => {
    const nowhere = open("postgres://nobody@127.0.0.1:1/none");
    const refused = await nowhere.query(backend).catch((caught: unknown) => caught);
    await nowhere.close();
    expect(isUnavailable(refused)).toBe(true);
    const url = new URL(testDatabase.url);
    url.pathname = "/no_such_database";
    const misnamed = open(url.href);
    const missing = await misnamed.transaction((tx) => tx.query(backend)).catch((caught: unknown) => caught);
    await misnamed.close();
    expect([sqlState(missing), isUnavailable(missing)]).toEqual(["3D000", false]);
  });

  test("is told from errors of the system and of ours", () => {
    expect(sqlState(Object.assign(new Error("broken pipe"), { code: "EPIPE" }))).toBeUndefined();
    expect(isUnavailable(Object.assign(new Error("broken pipe"), { code: "EPIPE" }))).toBe(true);
    for (const error of [new Error("no"), "no", undefined, Object.assign(new Error("x"), { code: "ERR_X" })]) {
      expect([sqlState(error), brokenConstraint(error), isUnavailable(error)]).toEqual([undefined, undefined, false]);
    }
  });
});

test("a tenant statement that names no merchant is refused when it is declared", () => {
  expect(() => tenantStatement("test.leak", "select * from payments")).toThrow(/test\.leak/);
  expect(tenantStatement("test.bound", "select 1 from payments where merchant_id = $1").name).toBe("test.bound");
});

describe("a snapshot", () => {
  test("all its connections see the state at its beginning, whatever is written meanwhile", async () => {
    await db.query(insert, [900, 1]);
    const seen = await db.snapshot(async (lanes) => {
      await db.query(write, [900, 5]);
      const pids = await Promise.all(lanes.map((lane) => lane.query<{ pid: number }>(backend)));
      expect(new Set(pids.map(([row]) => row!.pid)).size).toBe(3);
      return Promise.all(lanes.map((lane) => counterOf(900, lane)));
    });
    expect(seen).toEqual([1n, 1n, 1n]);
    expect(await counterOf(900)).toBe(6n);
  });

  test("it reads only, and a pool of one connection does not wait for itself", async () => {
    await expect(db.snapshot(([sql]) => sql.query(write, [900, 1]))).rejects.toThrow("read-only");
    const log = createLogger("silent");
    const small = openDatabase({ url: testDatabase.url, connections_max: 1, log, random: createSeededRandom(1) });
    const seen = await small.snapshot((lanes) => Promise.all(lanes.map((lane) => counterOf(900, lane))));
    expect(seen).toEqual([6n, 6n, 6n]);
    await small.close();
  });
});
