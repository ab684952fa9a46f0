// Guarantee: a listener hears each notification once, and after a break it is told that it may have missed some.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import { type Database, openDatabase } from "./database.ts";
import { platformStatement } from "./statement.ts";

const notify = platformStatement("test.notify", "select pg_notify($1, $2)");
const listeners = platformStatement(
  "test.listeners",
  "select pid from pg_stat_activity where datname = current_database() and application_name = 'tributary listen'",
);
const terminate = platformStatement("test.terminate", "select pg_terminate_backend($1::int, 5000)");

let testDatabase: TestDatabase;
let db: Database;
const openings: { close(): Promise<void> }[] = [];

function open(url: string): Database {
  return openDatabase({ url, connections_max: 2, log: createLogger("silent"), random: createSeededRandom(1) });
}

/** Listens on a database and keeps what it hears. */
async function startListening(on: Database, channel: string) {
  const heard: string[] = [];
  const onGap = vi.fn<() => void>();
  const opening = await on.listen(channel, (payload) => heard.push(payload), onGap);
  openings.push(opening);
  return { heard, onGap, opening };
}

async function listenerPids(): Promise<number[]> {
  return (await db.query<{ pid: number }>(listeners)).map((row) => row.pid);
}

/** Sends until it is heard, since a listener that is just coming back misses what is sent before. */
async function sayUntilHeard(channel: string, heard: readonly string[]): Promise<string> {
  for (let number = 1; ; number++) {
    const word = `word ${number}`;
    await db.query(notify, [channel, word]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (heard.includes(word)) return word;
  }
}

/** A door in front of PostgreSQL that can be shut: open connections break, new ones are refused. */
async function createDoor(url: string) {
  const { hostname, port: portBehind } = new URL(url);
  const sockets = new Set<Socket>();
  let accepted = 0;
  const relay = (socket: Socket) => {
    accepted += 1;
    const onward = connect(Number(portBehind), hostname);
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  };
  let server: Server = createServer(relay).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const outside = new URL(url);
  outside.host = `127.0.0.1:${port}`;
  return {
    url: outside.href,
    accepted: () => accepted,
    async shut() {
      server.close();
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    async reopen() {
      server = createServer(relay).listen(port, "127.0.0.1");
      await once(server, "listening");
    },
  };
}

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = open(testDatabase.url);
});

afterEach(async () => {
  await Promise.all(openings.splice(0).map((opening) => opening.close()));
});

afterAll(async () => {
  await db.close();
  await testDatabase.drop();
});

describe("a listener", () => {
  test("hears its own channel in order, whatever the channel's name, and others not", async () => {
    const { heard, onGap } = await startListening(db, 'Odd "channel"');
    for (const word of ["one", "", "汇流"]) await db.query(notify, ['Odd "channel"', word]);
    await db.query(notify, ["other", "not for us"]);
    await vi.waitFor(() => expect(heard).toEqual(["one", "", "汇流"]));
    expect(onGap).not.toHaveBeenCalled();
  });

  test("hears what a transaction said only once it is committed", async () => {
    const { heard } = await startListening(db, "tx");
    await db.transaction(async (tx) => {
      await tx.query(notify, ["tx", "kept"]);
    });
    const dropped = db.transaction(async (tx) => {
      await tx.query(notify, ["tx", "dropped"]);
      throw new Error("no");
    });
    await expect(dropped).rejects.toThrow("no");
    await db.query(notify, ["tx", "last"]);
    await vi.waitFor(() => expect(heard).toEqual(["kept", "last"]));
  });

  test("comes back after its connection is ended, says so, and then hears everything once", async () => {
    const { heard, onGap } = await startListening(db, "broken");
    const [pid] = await listenerPids();
    await db.query(terminate, [pid!]);
    await vi.waitFor(() => expect(onGap).toHaveBeenCalled(), { timeout: 5_000 });
    const word = await sayUntilHeard("broken", heard);
    expect(heard.filter((item) => item === word)).toHaveLength(1);
    expect((await listenerPids()).filter((other) => other !== pid)).toHaveLength(1);
  });

  test("after a server that stays away for long holds one connection, not one for each try", async () => {
    const door = await createDoor(testDatabase.url);
    const { heard, onGap } = await startListening(open(door.url), "away");
    const before = door.accepted();
    await door.shut();
    await vi.waitFor(() => expect(onGap.mock.calls.length).toBeGreaterThan(3), { timeout: 10_000 });
    await door.reopen();
    const word = await sayUntilHeard("away", heard);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(heard.filter((item) => item === word)).toHaveLength(1);
    expect(door.accepted() - before).toBe(1);
    await Promise.all(openings.splice(0).map((opening) => opening.close()));
    await door.shut();
  });

  test("that is closed holds no connection, also when it is closed while coming back", async () => {
    const { opening } = await startListening(db, "closing");
    const [pid] = await listenerPids();
    await db.query(terminate, [pid!]);
    await opening.close();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await listenerPids()).toEqual([]);
  });

  test("that cannot start says so, and does not go on trying", async () => {
    const door = await createDoor(testDatabase.url);
    await door.shut();
    const nowhere = open(door.url);
    await expect(nowhere.listen("x", vi.fn(), vi.fn())).rejects.toThrow();
    await door.reopen();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(door.accepted()).toBe(0);
    await door.shut();
  });
});
