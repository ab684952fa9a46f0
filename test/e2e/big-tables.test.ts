// Guarantee: a list finds rare rows among many without reading the others, with plans that were made for any value.
import { Client, escapeLiteral } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "../../server/src/kit/http/pagination.ts";
import { encodeUuid, uuidFloor } from "../../server/src/kit/id.ts";
import type { Sql, SqlValue } from "../../server/src/kit/sql/database.ts";
import type { Statement } from "../../server/src/kit/sql/statement.ts";
import { listEntries } from "../../server/src/ledger/index.ts";
import { listPayments } from "../../server/src/modules/payment/store.ts";
import { listRefunds } from "../../server/src/modules/refund/store.ts";
import { createTestDatabase, type TestDatabase } from "../database/test-database.ts";

const ROWS = 50_000;
/** Reading all rows touches thousands of pages; a few rows by an index, and a page of a list, far less. */
const PAGES_MAX = 150;
const START = Date.UTC(2026, 0, 1);
const merchant_id = "00000000-0000-7000-8000-000000000001";
const app_id = "00000000-0000-7000-8000-000000000002";
const owner = { merchant_id, app_id, livemode: true };
const page: Page = { limit: 20, older_than: null, newer_than: null, order: "desc", fetch: 21 };
/** The id of row n, made in the n-th second. */
const idOf = (n: number) => uuidFloor(START + n * 1000).replace("0000-0000-", "7000-8000-");

/** Rows n = 1 … ROWS: every payment paid but the first five, which failed; the refund and its entries are old. */
const fill = `
  create temp view n as select n, ('2026-01-01Z'::timestamptz + n * interval '1 second') as at,
    overlay(overlay('00000000-0000-7000-8000-000000000000' placing
      substr(lpad(to_hex(${START}::bigint + n * 1000), 12, '0'), 1, 8) from 1)
      placing substr(lpad(to_hex(${START}::bigint + n * 1000), 12, '0'), 9) from 10)::uuid as id
    from generate_series(1, ${ROWS}) as n;
  insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency, subject,
    expires_at, created_at, closed_at, succeeded_attempt_id)
  select '${merchant_id}', id, '${app_id}', true, 'order ' || n, '', case when n <= 5 then 'failed' else 'succeeded' end,
    100, 'CNY', 'tea', at, at, case when n <= 5 then at end, case when n > 5 then id end from n;
  insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel,
    funding_mode, method, status, amount, currency, channel_trade_no, expires_at, created_at)
  select '${merchant_id}', id, id, '${app_id}', true, '', id, 'wechat', 'pooled', 'wechat.native', 'succeeded', 100, 'CNY',
    'trade ' || n, at, at from n;
  insert into refunds (merchant_id, id, app_id, livemode, payment_id, attempt_id, out_refund_no, refund_no, status,
    amount, currency, created_at, channel)
  select '${merchant_id}', id, '${app_id}', true, id, id, 'refund ' || n, '', 'succeeded', 100, 'CNY', at, 'wechat' from n;
  insert into ledger_accounts (merchant_id, livemode, position, id, kind, currency, scope)
  select '${merchant_id}', true, position, -position, kind, 'CNY', '00000000-0000-0000-0000-000000000000'
  from unnest('{merchant_pending,refund_in_transit}'::text[]) with ordinality as a (kind, position);
  insert into ledger_transactions (merchant_id, livemode, number, source_id, occurred_at, posted_at, kind, entries)
  select '${merchant_id}', true, n, id, at, at,
    case n when 3 then 'refund_initiated' else 'payment_succeeded' end::ledger_transaction_kind,
    case n when 3 then '{{1,-9,0},{2,9,9}}' else '{{1,1,1}}' end::bigint[] from n;
  analyze payments, attempts, refunds, ledger_transactions, ledger_accounts`;

let testDatabase: TestDatabase;
let client: Client;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  client = new Client({ connectionString: testDatabase.url, options: "-c TimeZone=UTC" });
  await client.connect();
  await client.query(fill);
  // Vacuumed as autovacuum would: otherwise the first reader of each page pays for it.
  await client.query("vacuum payments, attempts, refunds, ledger_transactions");
  await client.query("set plan_cache_mode = force_generic_plan; set max_parallel_workers_per_gather = 0");
});

afterAll(async () => {
  await client.end();
  await testDatabase.drop();
});

/** Pages that a plan made for any value touches. */
async function countPages({ text }: Statement, values: readonly SqlValue[]): Promise<number> {
  const literals = values.map((value) => (value === null ? "null" : escapeLiteral(String(value))));
  await client.query(`prepare measured as ${text}`);
  const explain = `explain (analyze, buffers, format json) execute measured (${literals.join(", ")})`;
  const { rows } = await client.query(explain);
  await client.query("deallocate measured");
  const plan = rows[0]["QUERY PLAN"][0].Plan;
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

/** Runs a list. Gives its rows, and the pages that all its statements touched. */
async function measure<Row>(list: (sql: Sql) => Promise<Row[]>): Promise<{ rows: Row[]; pages: number }> {
  let pages = 0;
  const sql: Sql = {
    async query<Found>(statement: Statement, values: readonly SqlValue[] = []) {
      pages += await countPages(statement, values);
      return (await client.query(statement.text, values as unknown[])).rows as Found[];
    },
  };
  const rows = await list(sql);
  return { rows, pages };
}

const nothing = { status: null, out_trade_no: null, created_from: null, created_to: null, number: null };

describe("payments", () => {
  const list = (filter: Partial<Parameters<typeof listPayments>[1]>) =>
    measure((sql) => listPayments(sql, { ...owner, page, ...nothing, ...filter }));
  const period = { created_from: START + 7_000, created_to: START + 10_000 };
  const backward: Page = { ...page, newer_than: idOf(8), order: "asc", fetch: 1 };

  test.each([
    ["all", {}, Array.from({ length: 21 }, (_, index) => ROWS - index)],
    ["of our number", { number: encodeUuid(idOf(7)) }, [7]],
    ["of the channel's number", { number: "trade 7" }, [7]],
    ["of a number that nobody has", { number: "7" }, []],
    ["of the merchant's number", { out_trade_no: "order 7" }, [7]],
    ["of a number and another status", { out_trade_no: "order 7", status: "failed" }, []],
    ["of a rare status", { status: "failed" }, [5, 4, 3, 2, 1]],
    ["of a status that none has", { status: "closed" }, []],
    ["of a period long ago, from its beginning until before its end", period, [9, 8, 7]],
    ["of a period, backwards", { ...period, page: backward }, [9]],
    ["of a period, number and status", { ...period, number: "trade 8", status: "succeeded" }, [8]],
  ])("%s", async (_, filter, expected) => {
    const { rows, pages } = await list(filter);
    expect(rows.map(({ id }) => id)).toEqual(expected.map(idOf));
    expect(pages).toBeLessThan(PAGES_MAX);
  });
});

test.each([
  ["of a payment", { payment_id: idOf(7) }],
  ["of the merchant's number", { out_refund_no: "refund 7" }],
  ["of both and a status", { payment_id: idOf(7), out_refund_no: "refund 7", status: "succeeded" }],
])("refunds %s", async (_, filter) => {
  const open = { payment_id: null, status: null, out_refund_no: null };
  const { rows, pages } = await measure((sql) => listRefunds(sql, { ...owner, page, ...open, ...filter }));
  expect(rows.map(({ id }) => id)).toEqual([idOf(7)]);
  expect(pages).toBeLessThan(PAGES_MAX);
});

test.each([
  ["that payments move", "merchant_pending", 21],
  ["that only refunds move", "refund_in_transit", 1],
  ["that the book does not have, though payments move such", "direct_collected", 0],
] as const)("entries of accounts %s", async (_, kind, count) => {
  const book = { merchant_id, livemode: true, kinds: [kind], limit: 21 };
  const older = await measure((sql) => listEntries(sql, book));
  const newer = await measure((sql) => listEntries(sql, { ...book, ending_before: { number: 0n, line: 0 } }));
  for (const { rows, pages } of [older, newer]) {
    expect(rows).toHaveLength(count);
    expect(pages).toBeLessThan(PAGES_MAX);
  }
});
