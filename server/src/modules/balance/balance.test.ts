// Guarantee: a merchant sees exactly its own accounts of the key's mode, page by page in the order of posting, and never
// the platform's accounts or another merchant's.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import {
  type NewPosting,
  paymentPosting,
  post,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "../../ledger/index.ts";
import { registerBalanceRoutes } from "./index.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
const merchant_id = randomUUID();
const channel_account_id = randomUUID();
const [attempt_id, direct_id, refund_id] = [randomUUID(), randomUUID(), randomUUID()];
let testDatabase: TestDatabase;
let db: Database;
let server: ApiServer;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const log = createLogger("silent");
  db = openDatabase({ url: testDatabase.url, connections_max: 2, log, random: systemRandom });
  server = await createHttpServer({ log, clock, random: systemRandom, base_url: "http://test.example" });
  server.addHook("onRequest", (request, _reply, done) => {
    const [id = "", mode] = String(request.headers["x-caller"]).split(" ");
    request.caller = { merchant_id: id, app_id: randomUUID(), livemode: mode === "live", key_id: "key" };
    done();
  });
  registerBalanceRoutes(server, { db, clock });

  const facts = { merchant_id, livemode: true, channel_account_id, occurred_at: clock.now() };
  const amount = { amount: 10_000n, currency: "CNY" };
  const refund = {
    ...facts,
    funding_mode: "pooled" as const,
    refund_id,
    amount: { ...amount, amount: 1_000n },
    fee: 6n,
    cost: 0n,
    from_available: 0n,
    from_reserve: 0n,
  };
  const payment = { ...facts, attempt_id, funding_mode: "pooled" as const, amount, fee: 60n, cost: 38n };
  const postings: NewPosting[] = [
    paymentPosting(payment),
    refundInitiatedPosting(refund),
    refundSucceededPosting(refund),
    paymentPosting({ ...payment, attempt_id: direct_id, funding_mode: "direct" }),
    paymentPosting({ ...payment, attempt_id: randomUUID(), livemode: false, fee: 0n }),
    paymentPosting({ ...payment, attempt_id: randomUUID(), merchant_id: randomUUID() }),
  ];
  await db.transaction((tx) => post(tx, postings, clock.now()));
});

afterAll(async () => {
  await server.close();
  await db.close();
  await testDatabase.drop();
});

const get = (url: string, caller = `${merchant_id} live`) =>
  server.inject({ method: "GET", url, headers: { "x-caller": caller } });

const nothing = {
  pending: 0,
  available: 0,
  reserve: 0,
  frozen: 0,
  payout_in_transit: 0,
  sharing_in_transit: 0,
  refund_in_transit: 0,
  service_fee_due: 0,
  service_fee_prepaid: 0,
  collected_directly: 0,
};

test("the balance is that of the key's mode, without the platform's accounts", async () => {
  const live = await get("/v1/balance");
  expect(live.statusCode).toBe(200);
  expect(live.json()).toEqual({
    object: "balance",
    livemode: true,
    balances: [
      {
        currency: "CNY",
        ...nothing,
        pending: 8_946,
        service_fee_due: 60,
        collected_directly: 10_000,
      },
    ],
  });
  expect((await get("/v1/balance", `${merchant_id} test`)).json()).toMatchObject({
    livemode: false,
    balances: [{ currency: "CNY", pending: 10_000, service_fee_due: 0 }],
  });
});

test("a merchant without a book has an empty balance", async () => {
  const nobody = `${randomUUID()} live`;
  expect((await get("/v1/balance", nobody)).json()).toEqual({ object: "balance", livemode: true, balances: [] });
  expect((await get("/v1/balance/entries", nobody)).json()).toMatchObject({ data: [], has_more: false });
});

test("the balance at a past instant is what had been booked by then, the instant's own millisecond included", async () => {
  const at = async (instant: string) => (await get(`/v1/balance?at=${encodeURIComponent(instant)}`)).json();
  const now = (await get("/v1/balance")).json();
  expect(await at("2026-11-20T12:00:00+08:00")).toEqual({ ...now, at: "2026-11-20T04:00:00.000Z" });
  expect(await at("2026-11-20T03:59:59.999Z")).toEqual({
    object: "balance",
    livemode: true,
    at: "2026-11-20T03:59:59.999Z",
    balances: [{ currency: "CNY", ...nothing }],
  });
});

test.each([
  ["2026-11-20T04:00:00.001Z", "balance.instant_invalid"],
  ["0001-01-01T00:00:00Z", "balance.instant_invalid"],
  ["2026-11-20", "request.invalid"],
  ["yesterday", "request.invalid"],
])("no balance at %s: it is ahead, or no instant", async (instant, code) => {
  const answer = await get(`/v1/balance?at=${instant}`);
  expect([answer.statusCode, answer.json().error.code, answer.json().error.param]).toEqual([400, code, "at"]);
});

test("entries are the merchant's side of each transaction, the newest first", async () => {
  const { data, has_more } = (await get("/v1/balance/entries")).json();
  const brief = data.map((entry: Record<string, unknown>) => [
    entry.type,
    entry.account,
    entry.amount,
    entry.balance_after,
    entry.source,
  ]);
  expect(brief).toEqual([
    ["payment_succeeded", "service_fee_due", 60, 60, publicId("attempt", direct_id)],
    ["payment_succeeded", "collected_directly", 10_000, 10_000, publicId("attempt", direct_id)],
    ["refund_succeeded", "refund_in_transit", -1_000, 0, publicId("refund", refund_id)],
    ["refund_initiated", "refund_in_transit", 1_000, 1_000, publicId("refund", refund_id)],
    ["refund_initiated", "pending", -994, 8_946, publicId("refund", refund_id)],
    ["payment_succeeded", "pending", 9_940, 9_940, publicId("attempt", attempt_id)],
  ]);
  expect(has_more).toBe(false);
  expect(data[5]).toMatchObject({
    object: "balance_entry",
    livemode: true,
    currency: "CNY",
    created_at: "2026-11-20T04:00:00.000Z",
  });
});

test("pages lead through all entries in both directions, also between two of one transaction", async () => {
  const all = (await get("/v1/balance/entries")).json().data.map((entry: { id: string }) => entry.id);
  const page = async (query: string) => {
    const { data, has_more } = (await get(`/v1/balance/entries?${query}`)).json();
    return [data.map((entry: { id: string }) => entry.id), has_more];
  };
  expect(await page("limit=4")).toEqual([all.slice(0, 4), true]);
  expect(await page(`limit=4&starting_after=${all[3]}`)).toEqual([all.slice(4), false]);
  expect(await page(`limit=2&ending_before=${all[4]}`)).toEqual([all.slice(2, 4), true]);
  expect(await page(`limit=9&ending_before=${all[4]}`)).toEqual([all.slice(0, 4), false]);
  expect((await page("account=pending"))[0]).toEqual([all[4], all[5]]);
});

test.each([
  "account=fee_income",
  "limit=0",
  "starting_after=txn_1",
  "starting_after=att_00000000000000000000000000",
  "sort=id",
])("400 for %s", async (query) => {
  const answer = await get(`/v1/balance/entries?${query}`);
  expect(answer.statusCode).toBe(400);
  expect(answer.json().error.type).toBe("invalid_request_error");
});

test("a made-up cursor shows nothing of anybody", async () => {
  const last = publicId("ledger_transaction", "ffffffff-ffff-ffff-ffff-ffffffffffff");
  const answer = await get(`/v1/balance/entries?starting_after=${last}`);
  expect([answer.statusCode, answer.json().data]).toEqual([200, []]);
});
