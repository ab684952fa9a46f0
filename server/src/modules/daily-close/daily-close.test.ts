/**
 * Guarantees: each day of a book is closed once, when it is over, and goes on from the close before; its proof holds by
 * itself, and stops holding when one byte of it is changed, or one transaction of the book after the close.
 */
import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock, type ManualClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { accountKinds, type BookKey, paymentPosting, post, refundInitiatedPosting } from "../../ledger/index.ts";
import { createMerchant } from "../merchant/index.ts";
import { type CloseServices, closeBook, createCloseWorker, proveDay, requireClose, verifyProof } from "./index.ts";
import { readStatement } from "./statement.ts";
import { loadClose } from "./store.ts";

const HOUR_MS = 3_600_000;
/** Noon in Shanghai. */
const START_MS = Date.UTC(2026, 10, 20, 4);
const log = createLogger("silent");
let database: TestDatabase;
let db: Database;
let clock: ManualClock;
let services: CloseServices;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 6, log, random: systemRandom });
  clock = createManualClock(START_MS);
  const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
  services = { db, clock, ids: createIdSource(clock, systemRandom), envelope };
});

afterAll(async () => {
  await db?.close();
  await database?.drop();
});

async function openBook(): Promise<BookKey> {
  const merchant = await createMerchant({ sql: db, clock, ids: services.ids }, { name: "Tea house" });
  return { merchant_id: merchant.id, livemode: true };
}

const channel_account_id = randomUUID();

/** Books a payment of 100.00 and, when asked, the beginning of a refund of half of it. */
async function book({ merchant_id, livemode }: BookKey, refunded = false): Promise<void> {
  const facts = {
    merchant_id,
    livemode,
    channel_account_id,
    funding_mode: "pooled",
    occurred_at: clock.now(),
  } as const;
  const amount = { amount: 10_000n, currency: "CNY" };
  const posting = paymentPosting({ ...facts, attempt_id: randomUUID(), amount, fee: 60n, cost: 38n });
  await db.transaction((tx) => post(tx, [posting], clock.now()));
  if (!refunded) return;
  const half = { amount: 5_000n, currency: "CNY" };
  const refund = refundInitiatedPosting({
    ...facts,
    refund_id: randomUUID(),
    amount: half,
    fee: 30n,
    cost: 19n,
    from_available: 0n,
    from_reserve: 0n,
  });
  await db.transaction((tx) => post(tx, [refund], clock.now()));
}

const sideOf = (kind: string) => accountKinds[kind as keyof typeof accountKinds]?.side;

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.replace(/\n$/, "").split("\n");
}

const check = (text: string) => verifyProof(linesOf(text), sideOf);

async function prove(of: BookKey, day: string): Promise<string> {
  let text = "";
  for await (const line of proveDay(services, await requireClose(services, of, day))) text += line;
  return text;
}

const statementOf = async (of: BookKey, day: string) => readStatement((await loadClose(db, of, day))!.statement)!;

describe("a day", () => {
  test("is closed ten minutes after its end in the merchant's time zone, once, and the next goes on from it", async () => {
    const shop = await openBook();
    await book(shop, true);
    clock.advance(11.5 * HOUR_MS);
    await book(shop);
    await expect(requireClose(services, shop, "2026-11-20")).rejects.toMatchObject({ code: "daily_close.not_found" });
    clock.advance(0.5 * HOUR_MS + 599_999);
    expect(await closeBook(services, shop)).toBe(0);
    clock.advance(1);
    const closed = await Promise.all([closeBook(services, shop), closeBook(services, shop)]);
    expect(closed[0]! + closed[1]!).toBe(1);
    expect(await closeBook(services, shop)).toBe(0);
    await book(shop);
    clock.advance(48 * HOUR_MS);
    await book(shop);
    clock.advance(48 * HOUR_MS);
    expect(await closeBook(services, shop)).toBe(2);
    const first = await statementOf(shop, "2026-11-20");
    const second = await statementOf(shop, "2026-11-21");
    const third = await statementOf(shop, "2026-11-23");
    expect([first.after_number, first.last_number, second.last_number, third.last_number]).toEqual([
      "0",
      "3",
      "4",
      "5",
    ]);
    expect([second.opening_hash, third.opening_hash]).toEqual([first.closing_hash, second.closing_hash]);
    const pending = first.accounts.find(({ kind }) => kind === "merchant_pending")!;
    expect(pending).toMatchObject({ opening: "0", increase: "19880", decrease: "4970", closing: "14910" });
    expect(second.accounts.find(({ kind }) => kind === "merchant_pending")).toMatchObject({ opening: "14910" });
    for (const day of ["2026-11-20", "2026-11-21", "2026-11-23"]) {
      expect(await check(await prove(shop, day))).toMatchObject({ problems: [], statement: { day } });
    }
    for (const day of ["2026-11-22", "2026-11-25", "2026-02-30", "today"]) {
      await expect(requireClose(services, shop, day)).rejects.toMatchObject({ code: "daily_close.not_found" });
    }
  });

  test("that got a transaction after it was closed keeps its close; the late one is in the next", async () => {
    const shop = await openBook();
    const day = new Date(clock.now() + 8 * HOUR_MS).toISOString().slice(0, 10);
    await book(shop);
    const stamped = clock.now();
    clock.advance(36 * HOUR_MS);
    expect(await closeBook(services, shop)).toBe(1);
    const facts = { ...shop, channel_account_id, funding_mode: "pooled", occurred_at: stamped } as const;
    const amount = { amount: 700n, currency: "CNY" };
    const late = paymentPosting({ ...facts, attempt_id: randomUUID(), amount, fee: 0n, cost: 0n });
    await db.transaction((tx) => post(tx, [late], stamped));
    clock.advance(24 * HOUR_MS);
    expect(await closeBook(services, shop)).toBe(1);
    expect((await statementOf(shop, day)).last_number).toBe("1");
    const next = new Date(Date.parse(day) + 24 * HOUR_MS).toISOString().slice(0, 10);
    expect(await statementOf(shop, next)).toMatchObject({ after_number: "1", last_number: "2" });
  });

  test("is closed by the worker for every merchant and mode, an hour later at most", async () => {
    const shops = [await openBook(), await openBook()];
    const day = new Date(clock.now() + 8 * HOUR_MS).toISOString().slice(0, 10);
    const worker = createCloseWorker({ ...services, log });
    for (const shop of shops) for (const livemode of [true, false]) await book({ ...shop, livemode });
    await worker.drain();
    clock.advance(25 * HOUR_MS);
    await worker.drain();
    for (const shop of shops) {
      for (const livemode of [true, false]) expect(await loadClose(db, { ...shop, livemode }, day)).toBeDefined();
    }
  });
});

describe("a proof", () => {
  let text: string;
  let shop: BookKey;

  beforeAll(async () => {
    shop = await openBook();
    await book(shop);
    clock.advance(24 * HOUR_MS);
    const day = new Date(clock.now() + 8 * HOUR_MS).toISOString().slice(0, 10);
    for (let count = 0; count < 4; count += 1) await book(shop, true);
    clock.advance(36 * HOUR_MS);
    text = await prove(shop, day);
  });

  test("holds by itself", async () => {
    expect(await check(text)).toMatchObject({ problems: [], transactions: 8, statement: { livemode: true } });
  });

  test("holds no more when any byte of it is another", async () => {
    const bytes = Buffer.from(text, "utf8");
    const place = fc.integer({ min: 0, max: bytes.length - 2 });
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= change;
        expect((await check(changed.toString("utf8"))).problems).not.toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("says what is wrong with it when lines are left out, exchanged, repeated or cut off", async () => {
    const lines = text.trimEnd().split("\n");
    const without = [...lines.slice(0, 4), ...lines.slice(5)];
    const exchanged = [...lines.slice(0, 3), lines[4], lines[3], ...lines.slice(5)];
    const repeated = [...lines, lines.at(-1)];
    for (const changed of [without, exchanged, repeated, lines.slice(0, -1)]) {
      const { problems } = await check(changed.join("\n"));
      expect(problems.join()).toContain("The chain over the transactions does not end as the statement says");
    }
    expect((await check("")).problems).toEqual(["The first line is no statement of a close."]);
    expect((await check(lines[0]!)).problems[0]).toBe("The second line is no signature.");
  });

  test("with another signature is signed by another key", async () => {
    const other = await openBook();
    await book(other);
    clock.advance(36 * HOUR_MS);
    const day = new Date(clock.now() - 28 * HOUR_MS).toISOString().slice(0, 10);
    const [, foreign] = (await prove(other, day)).split("\n");
    const [statement, , ...rest] = text.split("\n");
    const { problems } = await check([statement, foreign, ...rest].join("\n"));
    expect(problems).toEqual(["The signature is not that of the statement: one of the first two lines was changed."]);
  });

  test("stops holding when somebody changes the book after the close", async () => {
    const { day } = (await check(text)).statement!;
    const change = platformStatement(
      "test.forge",
      `update ledger_transactions set entries = '{{1,9000,9000},{2,8940,8940},{3,60,60}}'
       where merchant_id = $1 and number = 4`,
    );
    await expect(db.query(change, [shop.merchant_id])).rejects.toThrow("never changed");
    const allow = (state: string) =>
      platformStatement(
        `test.${state}`,
        `alter table ledger_transactions ${state} trigger ledger_transactions_append_only`,
      );
    await db.query(allow("disable"));
    await db.query(change, [shop.merchant_id]);
    await db.query(allow("enable"));
    const { problems } = await check(await prove(shop, day));
    expect(problems.join("\n")).toContain("one was changed, left out or added");
    expect(problems.some((problem) => problem.startsWith("Transaction 4 leaves"))).toBe(true);
  });
});
