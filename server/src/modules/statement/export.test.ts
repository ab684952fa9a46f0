// Guarantee: a day's entries come as files that hold each entry once with the numbers of its payment, in both languages and
// formats, exact and harmless in a spreadsheet; and a file of any length is made a page at a time, as fast as it is read.
import { randomUUID } from "node:crypto";
import { get } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { publicId } from "../../kit/id.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { readXlsx, unzip } from "../../kit/table/testing/read-xlsx.ts";
import {
  paymentPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
  reverse,
  TRANSACTIONS_IN_PAGE,
} from "../../ledger/index.ts";
import { insertPayment, insertRefund, paid, refundOf, run } from "../../ledger/testing/books.ts";
import { type EntryFile, exportEntries } from "./index.ts";
import { clock, openStage, type StatementStage } from "./testing/server.ts";

let stage: StatementStage;

beforeAll(async () => {
  stage = await openStage();
});

afterAll(() => stage.close());

const MORNING = Date.UTC(2026, 10, 19, 1);

/** A merchant with a payment, its refund and a direct payment in yen, whose numbers try to be formulas and numbers. */
async function prepareDay() {
  const merchant_id = await stage.addMerchant();
  const attempt = paid({ merchant_id, occurred_at: MORNING - 3_000 });
  const refund = refundOf(attempt, { occurred_at: MORNING });
  const yen = paid({ merchant_id, funding_mode: "direct", amount: { amount: 1_500n, currency: "JPY" }, fee: 9n });
  const payment_id = await insertPayment(stage.db, attempt);
  await insertPayment(stage.db, yen);
  await insertRefund(stage.db, payment_id, attempt, refund, "succeeded", "R,1");
  await run(stage.db, "update payments set out_trade_no = '=cmd|1' where merchant_id = $1 and id = $2", [
    merchant_id,
    payment_id,
  ]);
  await run(
    stage.db,
    `update attempts set channel_trade_no = '4200001234567890123456789012', serial_no = '01K0SERIAL'
     where merchant_id = $1 and id = $2`,
    [merchant_id, attempt.attempt_id],
  );
  await stage.postAt(MORNING, [
    paymentPosting(attempt),
    refundInitiatedPosting(refund),
    refundSucceededPosting(refund),
  ]);
  await stage.postAt(MORNING + 60_000, [paymentPosting(yen)]);
  return { merchant_id, refund, payment_id, yen };
}

const fetchFile = (merchant_id: string, file: string) => stage.get(merchant_id, `/v1/statements/2026-11-19/${file}`);

test("CSV has a line for each entry, with the numbers by which everybody knows it", async () => {
  const { merchant_id, refund, payment_id, yen } = await prepareDay();
  const answer = await fetchFile(merchant_id, "entries.csv?lang=en");
  expect(answer.headers).toMatchObject({
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": 'attachment; filename="statement-2026-11-19.csv"',
  });
  expect(
    answer.body.startsWith("\ufeffBooked at,Occurred at,Type,Account,Currency,Amount,Balance after,out_trade_no,"),
  ).toBe(true);
  const lines = answer.body.slice(1).split("\r\n").slice(1, -1);
  const payment = publicId("payment", payment_id);
  const ofPayment = "'=cmd|1,01K0SERIAL,4200001234567890123456789012\t";
  const ofRefund = `${ofPayment},"R,1",${refund.refund_id},,wechat.native,,${payment}`;
  const account = publicId("channel_account", yen.channel_account_id);
  expect(lines.map((line) => line.slice(0, line.lastIndexOf(",")))).toEqual([
    `2026-11-19 09:00:00,2026-11-19 08:59:57,payment succeeded,pending,CNY,99.40,99.40,${ofPayment},,,,wechat.native,,${payment}`,
    `2026-11-19 09:00:00,2026-11-19 09:00:00,refund initiated,pending,CNY,-49.70,49.70,${ofRefund}`,
    `2026-11-19 09:00:00,2026-11-19 09:00:00,refund initiated,refund in transit,CNY,50.00,50.00,${ofRefund}`,
    `2026-11-19 09:00:00,2026-11-19 09:00:00,refund succeeded,refund in transit,CNY,-50.00,0.00,${ofRefund}`,
    expect.stringMatching(
      new RegExp(`^2026-11-19 09:01:00,.*,payment succeeded,collected directly,JPY,1500,1500,.*,${account},pay_`),
    ),
    expect.stringMatching(/^2026-11-19 09:01:00,.*,payment succeeded,service fee due,JPY,9,9,.*,,pay_/),
  ]);
  const ids = lines.map((line) => line.slice(line.lastIndexOf(",") + 1));
  expect(new Set(ids).size).toBe(6);
  expect(ids.every((id) => id.startsWith("txn_"))).toBe(true);
});

test("files are Chinese unless English is asked for, and may be of one currency", async () => {
  const { merchant_id } = await prepareDay();
  const { body, headers } = await fetchFile(merchant_id, "entries.csv?currency=JPY");
  expect(headers["content-disposition"]).toBe('attachment; filename="statement-2026-11-19-JPY.csv"');
  const lines = body.split("\r\n");
  expect(lines[0]).toBe(
    "\ufeff记账时间,发生时间,业务类型,账户,币种,金额,账户余额,商户订单号,支付流水号,渠道订单号,商户退款单号,退款流水号,渠道退款单号,支付方式,渠道账号,支付单编号,分录编号",
  );
  expect(lines.slice(1, -1).map((line) => line.split(",").slice(2, 6))).toEqual([
    ["支付成功", "直连收款", "JPY", "1500"],
    ["支付成功", "应付服务费", "JPY", "9"],
  ]);
});

test("XLSX has the accounts' openings and closings, and the same entries", async () => {
  const { merchant_id } = await prepareDay();
  const answer = await fetchFile(merchant_id, "entries.xlsx?lang=en&currency=CNY");
  expect(answer.headers["content-type"]).toBe("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
  const [summary, entries] = readXlsx(answer.rawPayload);
  expect([summary!.name, entries!.name]).toEqual(["Summary", "Entries"]);
  expect(summary!.rows.slice(0, 3)).toEqual([
    ["Date", "Time zone", "Status", "Currency", "Account", "Opening", "In", "Out", "Closing", "Entries"],
    ["2026-11-19", "Asia/Shanghai", "final", "CNY", "pending", "0.00", "99.40", "49.70", "49.70", "2"],
    ["2026-11-19", "Asia/Shanghai", "final", "CNY", "refund in transit", "0.00", "50.00", "50.00", "0.00", "2"],
  ]);
  expect(entries!.rows).toHaveLength(5);
  expect(entries!.rows[1]!.slice(2, 10)).toEqual([
    "payment succeeded",
    "pending",
    "CNY",
    "99.40",
    "99.40",
    "=cmd|1",
    "01K0SERIAL",
    "4200001234567890123456789012",
  ]);
});

test("a correction has no payment, and is in the file all the same", async () => {
  const merchant_id = await stage.addMerchant();
  const attempt = paid({ merchant_id });
  await stage.postAt(MORNING, [paymentPosting(attempt)]);
  const wrong = { merchant_id, kind: "payment_succeeded", source_id: attempt.attempt_id } as const;
  const correction = {
    kind: "reversal",
    source_id: randomUUID(),
    occurred_at: MORNING,
    on_shortfall: "throw",
  } as const;
  await stage.db.transaction((tx) => reverse(tx, wrong, correction, MORNING + 60_000));
  const { body } = await fetchFile(merchant_id, "entries.csv?lang=en");
  expect(body.split("\r\n").at(-2)).toMatch(/,reversal,pending,CNY,-99\.40,0\.00,,,,,,,,,,txn_\w{26}$/);
});

test.each(["entries.csv", "entries.xlsx"])("%s of no day, or of a day that has not begun, is no file", async (file) => {
  const merchant_id = await stage.addMerchant();
  for (const date of ["2026-11-21", "x"]) {
    const answer = await stage.get(merchant_id, `/v1/statements/${date}/${file}`);
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, "statement.not_found"]);
  }
  const answer = await stage.get(merchant_id, `/v1/statements/2026-11-19/${file}?lang=fr`);
  expect([answer.statusCode, answer.json().error.param]).toEqual([400, "lang"]);
});

describe("a day of 100,000 entries", () => {
  const ENTRIES = 100_000;
  let merchant_id: string;

  beforeAll(async () => {
    merchant_id = await stage.addMerchant();
    const payments = Array.from({ length: ENTRIES }, () => paid({ merchant_id }));
    for (let at = 0; at < ENTRIES; at += 2_000) {
      const batch = payments.slice(at, at + 2_000);
      await stage.postAt(MORNING + at, batch.map(paymentPosting));
      await insertPaid(merchant_id, plainArray(batch.map(({ attempt_id }) => attempt_id)));
    }
  }, 120_000);

  /** What a reader has caused: pages read, and the most rows that one statement gave. */
  function watch() {
    const seen = { pages: 0, rows_max: 0 };
    const db: Sql = {
      async query<Row>(...[statement, values]: Parameters<Sql["query"]>) {
        if (statement.name === "ledger.period_page") seen.pages += 1;
        const rows = await stage.db.query<Row>(statement, values);
        seen.rows_max = Math.max(seen.rows_max, rows.length);
        return rows;
      },
    };
    return { seen, services: { db, clock } };
  }

  const request = (format: "csv" | "xlsx") =>
    ({ merchant_id, livemode: true, date: "2026-11-19", format, language: "zh" }) as const;
  const PAGES = ENTRIES / TRANSACTIONS_IN_PAGE;

  test("CSV reads a page when the one before has been taken, and holds no more", async () => {
    const { seen, services } = watch();
    const { chunks } = await exportEntries(services, request("csv"));
    let lines = -1;
    let taken = -1;
    for await (const chunk of chunks) {
      taken += 1;
      expect(seen.pages).toBe(taken);
      lines += chunk.toString().split("\r\n").length - 1;
    }
    expect([lines, taken, seen.rows_max]).toEqual([ENTRIES, PAGES, TRANSACTIONS_IN_PAGE]);
  }, 120_000);

  test("XLSX reads no further ahead than its buffers, and holds no more", async () => {
    const { seen, services } = watch();
    const { chunks }: EntryFile = await exportEntries(services, request("xlsx"));
    const file: Buffer[] = [];
    for await (const chunk of chunks) file.push(chunk);
    const sheet = unzip(Buffer.concat(file)).get("xl/worksheets/sheet2.xml")!.toString();
    expect([sheet.split("<row>").length - 2, seen.rows_max]).toEqual([ENTRIES, TRANSACTIONS_IN_PAGE]);
    // The last balance: 99.40 of each payment.
    expect(sheet.lastIndexOf("<v>9940000.00</v>")).toBeGreaterThan(sheet.lastIndexOf("<row>"));
  }, 120_000);

  test("over HTTP, a client that does not read holds the file up, and one that leaves ends it", async () => {
    const { seen, services } = watch();
    const server = await stage.listenWith(services);
    const { port } = server.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/v1/statements/2026-11-19/entries.csv`;
    const client = get(url, { headers: { "x-caller": `${merchant_id} live` } });
    await new Promise<void>((resolve) => {
      client.on("response", (response) => {
        response.pause();
        resolve();
      });
    });
    // Whatever fits the buffers on the way is read, and then nothing more, though there is time.
    await vi.waitFor(() => expect(seen.pages).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(seen.pages).toBeLessThan(PAGES);
    client.on("error", () => undefined);
    client.destroy();
    // The server can only close once the file was given up.
    await server.close();
    expect(seen.pages).toBeLessThan(PAGES);
  }, 120_000);
});

/** Writes succeeded payments, each with its attempt. */
async function insertPaid(merchant_id: string, attempt_ids: string): Promise<void> {
  await run(
    stage.db,
    `with made as (select id from unnest($2::uuid[]) as id), paid as (
       insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency,
         subject, expires_at, created_at, succeeded_attempt_id)
       select $1, id, $1, true, id::text, '', 'succeeded', 10000, 'CNY', 's', now(), now(), id from made)
     insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel,
       funding_mode, method, status, amount, currency, channel_trade_no, expires_at, created_at)
     select $1, id, id, $1, true, id::text, id, 'wechat', 'pooled', 'wechat.native', 'succeeded', 10000, 'CNY', id::text,
       now(), now() from made`,
    [merchant_id, attempt_ids],
  );
}
