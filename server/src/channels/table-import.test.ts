/**
 * Guarantee: a table of another source becomes lines exactly as its mapping says: dates, decimals, signs and words of any of the
 * usual forms; what the mapping does not explain is kept with its reason; what lacks a column is refused; missing rows of a
 * bank's statement show in its balances.
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toDecimal } from "../kit/money.ts";
import { writeXlsx } from "../kit/table/xlsx.ts";
import { checkTableMapping, importBank, importBill, type TableMapping } from "./table-import.ts";
import { createTimeReader, readAmount } from "./table-values.ts";

async function read<Line>(
  reading: ReturnType<typeof importBank> | ReturnType<typeof importBill>,
): Promise<{ lines: Line[]; rejected: string[]; totals: ReturnType<typeof reading.totals> }> {
  const lines: Line[] = [];
  const rejected: string[] = [];
  for await (const batch of reading.batches) {
    lines.push(...(batch.lines as Line[]));
    rejected.push(...batch.rejected.map(({ line_no, reason }) => `${line_no}: ${reason}`));
  }
  return { lines, rejected, totals: reading.totals() };
}

const stream = (text: string | Buffer) => Readable.from([Buffer.from(text)]);

/** A statement as Chinese banks write it. */
const chinese: TableMapping = {
  rows: "bank",
  header_row: 3,
  skip_rows_beginning: ["合计"],
  time_zone: "Asia/Shanghai",
  date_format: "yyyyMMdd HH:mm:ss",
  currency: "CNY",
  fields: {
    time: ["交易日期", "交易时间"],
    income: "贷方金额",
    expense: "借方金额",
    balance: "余额",
    bank_no: "流水号",
    counterparty_name: "对方户名",
    counterparty_account: "对方账号",
    reference: ["摘要", "附言"],
  },
};
const statement = [
  "账户明细",
  "账号：,6222000000000000",
  "交易日期,交易时间,借方金额,贷方金额,余额,流水号,对方户名,对方账号,摘要,附言",
  '20261120,12:00:00,,"1,000.00","1,500.00",S1,财付通支付科技有限公司,2433,结算,20261119',
  "20261120,12:30:00,200.00,,1300.00,S2,某某,6222,转账,",
  "合计,,200.00,1000.00,,,,,,",
  "",
].join("\r\n");

describe("a bank's statement", () => {
  it("becomes lines with signs, moments of its zone, and balances that follow", async () => {
    const { lines, rejected, totals } = await read(importBank(chinese, stream(statement)));
    expect(rejected).toEqual([]);
    expect(lines).toEqual([
      {
        line_no: 4,
        booked_at: Date.parse("2026-11-20T12:00:00+08:00"),
        amount: 100_000n,
        currency: "CNY",
        bank_no: "S1",
        counterparty_name: "财付通支付科技有限公司",
        counterparty_account: "2433",
        reference: "结算 20261119",
        balance_after: 150_000n,
      },
      expect.objectContaining({ line_no: 5, amount: -20_000n, balance_after: 130_000n, reference: "转账" }),
    ]);
    expect(totals).toEqual({
      ...{ lines: 2, rejected: 0, skipped: 1, balance_breaks: 0 },
      sums: [{ currency: "CNY", count: 2, income: 100_000n, expense: 20_000n }],
    });
  });

  it("of which a row is missing has a break in its balances, whichever end it begins at", async () => {
    const simple: TableMapping = {
      ...{ rows: "bank", time_zone: "UTC", date_format: "yyyy-MM-dd", currency: "EUR" },
      fields: { time: "d", amount: "a", balance: "b" },
    };
    const rows = ["2026-11-18,1.00,1.00", "2026-11-19,2.00,3.00", "2026-11-20,3.00,6.00"];
    const breaks = async (given: string[]) =>
      (await read(importBank(simple, stream(["d,a,b", ...given].join("\n"))))).totals.balance_breaks;
    expect(await breaks(rows)).toBe(0);
    expect(await breaks(rows.toReversed())).toBe(0);
    expect(await breaks([rows[0]!, rows[2]!])).toBe(1);
  });

  it("keeps rows that its mapping does not explain", async () => {
    const european: TableMapping = {
      ...{ rows: "bank", delimiter: ";", time_zone: "Europe/Berlin", date_format: "dd.MM.yyyy", decimal_point: "," },
      direction: { in: ["H"], out: ["S"] },
      fields: { time: "Buchung", amount: "Betrag", currency: "W", direction: "S/H", reference: "Zweck" },
    };
    const text = [
      "Buchung;Betrag;W;S/H;Zweck",
      "20.11.2026;1.234,50;EUR;H;=SUM(A1)",
      "20.11.2026;10,00;EUR;S;b",
      "31.02.2026;1,00;EUR;H;c",
      "20.11.2026;1.2,3;EUR;H;d",
      "20.11.2026;1,00;XXQ;H;e",
      "20.11.2026;1,00;EUR;?;f",
      "20.11.2026;;EUR;H;g",
    ].join("\n");
    const { lines, rejected } = await read(importBank(european, stream(text)));
    expect(lines).toMatchObject([
      { amount: 123_450n, booked_at: Date.parse("2026-11-20T00:00:00+01:00"), reference: "=SUM(A1)" },
      { amount: -1_000n },
    ]);
    expect(rejected).toEqual([
      '4: The time is "31.02.2026", which is not dd.MM.yyyy.',
      '5: amount is "1.2,3", which is no amount of EUR.',
      '6: The currency is "XXQ", which is not known.',
      '7: direction is "?", which the mapping takes for neither in nor out.',
      "8: The row has no amount.",
    ]);
  });

  it("without a column of the mapping, or of another kind, is refused", async () => {
    const refused = (text: string) =>
      read(importBank(chinese, stream(text))).catch(({ code, message }) => [code, message]);
    expect(await refused(statement.replace("余额", "结余"))).toEqual(["columns_missing", "Row 3 has no column 余额."]);
    expect(await refused("one line\n")).toEqual(["columns_missing", expect.stringContaining("ends before")]);
    expect(await refused("")).toEqual(["unknown_format", "The file is empty."]);
  });
});

describe("another's bill", () => {
  const mapping: TableMapping = {
    ...{ rows: "bill", time_zone: "UTC", date_format: "yyyy-MM-dd HH:mm:ss" },
    entries: { sale: "payment", refund: "refund" },
    statuses: { ok: "succeeded", wait: "pending" },
    fields: {
      ...{ time: "at", amount: "gross", fee: "fee", currency: "cur", entry: "kind", status: "state" },
      ...{ our_no: "order", channel_trade_no: "id" },
    },
  };

  it("becomes lines by its words, from a workbook whose days are counted", async () => {
    const columns = ["at", "gross", "fee", "cur", "kind", "state", "order", "id"];
    const rows = [
      [46_346.5, { amount: 1_050n, currency: "USD" }, 0.3, "usd", "sale", "ok", "A1", "T1"],
      ["2026-11-20 12:00:01", -1, 0, "USD", "refund", "wait", "R1", "T2"],
      ["2026-11-20 12:00:02", 5, 0, "JPY", "gift", "?", "", "T3"],
    ];
    const pages = Readable.from([rows]) as AsyncIterable<never[]>;
    const sheet = { name: "S", columns: columns.map((heading) => ({ heading, width: 9 })), pages };
    const bytes = await buffer(Readable.from(writeXlsx([sheet])));
    const { lines, rejected } = await read(importBill(mapping, Readable.from([bytes])));
    expect(rejected).toEqual([]);
    expect(lines).toMatchObject([
      { entry: "payment", our_no: "A1", amount: 1_050n, fee: 30n, occurred_at: Date.parse("2026-11-20T12:00:00Z") },
      { entry: "refund", status: "pending", amount: -100n, currency: "USD" },
      { entry: "other", status: "succeeded", amount: 5n, currency: "JPY", our_no: null, note: "gift" },
    ]);
  });
});

describe("a mapping", () => {
  it("is good, or says what is wrong with it", () => {
    expect(checkTableMapping(chinese)).toEqual([]);
    const wrong = (changes: object) => checkTableMapping({ ...chinese, ...changes }).join(" ");
    expect(wrong({ time_zone: "Mars/Base" })).toContain("IANA");
    expect(wrong({ currency: undefined })).toMatch(/currency/);
    expect(wrong({ currency: "XXQ" })).toContain("not known");
    expect(wrong({ fields: { time: "t" } })).toContain("amount, or both income and expense");
    expect(wrong({ fields: { ...chinese.fields, amount: "a" } })).toContain("either");
    expect(wrong({ direction: { in: [], out: [] } })).toContain("direction needs both");
    expect(wrong({ date_format: "HH:mm" })).toContain("yyyy, MM and dd");
    expect(checkTableMapping({ rows: "bank", surprise: 1 }).length).toBeGreaterThan(0);
  });
});

describe("values", () => {
  it("are read in the forms that people write them", () => {
    const usd = (text: string, more = {}) => readAmount(text, "USD", more);
    expect(["1,234.5", "+1", "-1.00", "1.00-", "(1.00)", "¥1", "1 USD", "1.000"].map((text) => usd(text))).toEqual([
      ...[123_450n, 100n, -100n, -100n, -100n, 100n, 100n, 100n],
    ]);
    expect(["", "1.001", "12,34", "1.2.3", "--1", "1e2", "NaN", "0x1"].map((text) => usd(text))).toEqual(
      Array(8).fill(undefined),
    );
    expect(usd("1.234,5", { point: "," })).toBe(123_450n);
    expect(usd("1234", { minor_units: true })).toBe(1_234n);
    expect(
      ["1234.5600000000001", "0.29999999999999999", "1.5E-2", "1.5E3"].map((t) => usd(t, { workbook: true })),
    ).toEqual([...[123_456n, 30n, undefined, 150_000n]]);
  });

  it("come back as they were written, in every currency", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
        fc.constantFrom("CNY", "JPY", "KWD"),
        (amount, currency) => {
          expect(readAmount(toDecimal({ amount, currency }), currency, {})).toBe(amount);
        },
      ),
    );
  });

  it("of time are of their zone, also where clocks change", () => {
    const berlin = createTimeReader("d/M/yy H:mm", "Europe/Berlin");
    expect(berlin("5/7/26 9:30")).toBe(Date.parse("2026-07-05T07:30:00Z"));
    expect(berlin("25/10/26")).toBe(Date.parse("2026-10-25T00:00:00+02:00"));
    expect(["5-7-26", "32/1/26", "5/7/26 24:00", ""].map(berlin)).toEqual(Array(4).fill(undefined));
  });
});
