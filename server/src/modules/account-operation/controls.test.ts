/**
 * Guarantees: money moves only where the controls of its account let it; a freeze waits for whoever moves money, and whoever
 * comes after it is refused: nothing slips between; what an account refuses, no other account of the merchant does.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { systemClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { type Controls, NO_CONTROLS, stopOf } from "./control.ts";
import { lockControls, saveControls } from "./control-store.ts";
import { accountName, findStops, loadCreditStops, requireMayCredit, requireMayDebit } from "./index.ts";

const ids = createIdSource(systemClock, systemRandom);
let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 16, log: createLogger("silent"), random: systemRandom });
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

const newBook = () => ({ merchant_id: ids.uuid(), livemode: true });
const set = (book: ReturnType<typeof newBook>, changes: Partial<Controls>, currency = "CNY") =>
  db.transaction(async (tx) => {
    const key = { ...book, currency };
    await saveControls(tx, key, { ...(await lockControls(tx, key)), ...changes }, 0);
  });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "none").catch((error: { code?: string }) => error.code);
const debit = (book: ReturnType<typeof newBook>, currency = "CNY") =>
  codeOf(db.transaction((tx) => requireMayDebit(tx, book, currency)));
const credit = (book: ReturnType<typeof newBook>, currency = "CNY") =>
  codeOf(db.transaction((tx) => requireMayCredit(tx, book, currency)));

test("each control stops its way, and refunds only where it says so", () => {
  const ways = ["credit", "debit", "refund"] as const;
  const stops = (changes: Partial<Controls>) => ways.map((way) => stopOf({ ...NO_CONTROLS, ...changes }, way));
  expect(stops({})).toEqual([undefined, undefined, undefined]);
  expect(stops({ credit_frozen: true })).toEqual(["account.credit_frozen", undefined, undefined]);
  expect(stops({ debit_frozen: true })).toEqual([undefined, "account.debit_frozen", undefined]);
  expect(stops({ debit_frozen: true, refunds_frozen: true })[2]).toBe("account.debit_frozen");
  expect(stops({ status: "closed" })).toEqual(["account.closed", "account.closed", undefined]);
});

test("an account that nobody has frozen lets money in and out", async () => {
  const book = newBook();
  expect([await debit(book), await credit(book), await debit(book)]).toEqual(["none", "none", "none"]);
});

test("what one account refuses, the merchant's others do not", async () => {
  const book = newBook();
  await set(book, { debit_frozen: true, credit_frozen: true });
  expect([await debit(book), await credit(book)]).toEqual(["account.debit_frozen", "account.credit_frozen"]);
  expect([await debit(book, "USD"), await debit({ ...book, livemode: false })]).toEqual(["none", "none"]);
  expect(await debit(newBook())).toBe("none");
  expect(await loadCreditStops(db, book)).toEqual(new Map([["CNY", "account.credit_frozen"]]));
  expect(await loadCreditStops(db, { ...book, livemode: false })).toEqual(new Map());
});

test("a freeze waits for whoever moves money, and nothing that asks after it moves any", async () => {
  for (const known of [false, true]) {
    const book = newBook();
    if (known) await debit(book);
    const order: string[] = [];
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let asked: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const moving = db.transaction(async (tx) => {
      await requireMayDebit(tx, book, "CNY");
      asked();
      await held;
      order.push("moved");
    });
    await started;
    const freezing = set(book, { debit_frozen: true }).then(() => order.push("frozen"));
    // Another one may move money at the same moment; the freeze has not begun for it or has ended.
    goOn();
    await Promise.all([moving, freezing]);
    expect(order).toEqual(["moved", "frozen"]);
    expect(await debit(book)).toBe("account.debit_frozen");
  }
});

test("twenty that move money and a freeze: after the freeze nobody has moved any", async () => {
  const book = newBook();
  let frozen = false;
  const move = async () => {
    const asked_frozen = frozen;
    const code = await debit(book);
    if (asked_frozen) expect(code).toBe("account.debit_frozen");
    return code;
  };
  const freeze = set(book, { debit_frozen: true }).then(() => {
    frozen = true;
  });
  const codes = await Promise.all([
    ...Array.from({ length: 10 }, move),
    freeze.then(move),
    ...Array.from({ length: 9 }, move),
  ]);
  expect(codes).toContain("account.debit_frozen");
  expect(await move()).toBe("account.debit_frozen");
});

test("many accounts are asked for at once, each once", async () => {
  const [free, frozen] = [newBook(), newBook()];
  await set(frozen, { debit_frozen: true, refunds_frozen: true });
  const keys = [free, frozen, free, frozen].map((book) => ({ ...book, currency: "CNY" }));
  const stops = await db.transaction((tx) => findStops(tx, keys, "refund"));
  expect(stops).toEqual(new Map([[accountName(keys[1]!), "account.debit_frozen"]]));
  expect(await db.transaction((tx) => findStops(tx, [], "refund"))).toEqual(new Map());
});
