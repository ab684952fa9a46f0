// Guarantee: a table becomes a file that spreadsheet programs open as it is meant: no text is run as a formula, no digit is
// lost, amounts are exact; and its rows are asked for only as fast as the file is read.
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { readZip } from "../../channels/zip.ts";
import { writeCsv } from "./csv.ts";
import type { Cell, Row } from "./table.ts";
import { readXlsx, unzip } from "./testing/read-xlsx.ts";
import { writeXlsx } from "./xlsx.ts";
import { writeZip } from "./zip-writer.ts";

const columns = ["时间", "a,b", "C"].map((heading) => ({ heading, width: 12 }));

async function* toPages(...pages: Row[][]): AsyncGenerator<Row[]> {
  yield* pages;
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const csvOf = async (...pages: Row[][]) => (await collect(writeCsv({ columns, pages: toPages(...pages) }))).toString();
const xlsxOf = async (rows: Row[], rows_max?: number) =>
  readXlsx(await collect(writeXlsx([{ name: "明细", columns, pages: toPages(rows) }], rows_max)));
/** The one field of a file with one cell. */
const fieldOf = async (cell: Cell) => (await csvOf([[cell]])).split("\r\n")[1];

describe("CSV", () => {
  test("begins with a byte order mark and has a line for each row", async () => {
    const rows: Row[] = [[{ local: "2026-11-20 12:00:00" }, "tea", { amount: -1_234n, currency: "CNY" }]];
    expect(await csvOf(rows, [], [[null, 7, 'says "no"\r\n']])).toBe(
      '\ufeff时间,"a,b",C\r\n2026-11-20 12:00:00,tea,-12.34\r\n,7,"says ""no""\r\n"\r\n',
    );
  });

  test.each([
    ["=1+1", "'=1+1"],
    ["+86", "'+86"],
    ["-cmd", "'-cmd"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["＝1", "'＝1"],
    ['=HYPERLINK("x","y")', `"'=HYPERLINK(""x"",""y"")"`],
    // Harmless texts stay as they are.
    ["a=1", "a=1"],
    ["01K0ZZ", "01K0ZZ"],
    ["", ""],
  ])("a text that would be a formula is made harmless: %o", async (text, field) => {
    expect(await fieldOf(text)).toBe(field);
  });

  test.each(["4200001234567890123456789012", "0012", "12E5", "1,5", "2026-11-20", "3/4", "12:30", "MAR26", "1 Jan"])(
    "%s is kept as a text by a tab behind it",
    async (text) => expect((await fieldOf(text))?.replaceAll('"', "")).toBe(`${text}\t`),
  );

  test.each([
    ["CNY", 5n, "0.05"],
    ["CNY", -5n, "-0.05"],
    ["JPY", 1_500n, "1500"],
    ["KWD", 1n, "0.001"],
    ["CNY", 9_223_372_036_854_775_807n, "92233720368547758.07"],
  ])("amounts of %s are exact: %s", async (currency, amount, field) => {
    expect(await fieldOf({ amount, currency })).toBe(field);
  });
});

describe("XLSX", () => {
  test("has texts as texts, amounts as numbers with the currency's decimals, instants as dates", async () => {
    const rows: Row[] = [
      [{ local: "2026-11-20 12:00:00" }, "=1+1", { amount: -1_234n, currency: "CNY" }],
      [null, "4200001234567890123456789012", { amount: 5n, currency: "JPY" }],
      [null, '<&> "x"', { amount: 5n, currency: "KWD" }],
      [3, "\u0001 _x0041_", { amount: 9_223_372_036_854_775_807n, currency: "CNY" }],
    ];
    const [sheet] = await xlsxOf(rows);
    expect(sheet).toEqual({
      name: "明细",
      rows: [
        ["时间", "a,b", "C"],
        ["46346.5000000000", "=1+1", "-12.34"],
        [null, "4200001234567890123456789012", "5"],
        [null, '<&> "x"', "0.005"],
        ["3", "_x0001_ _x005F_x0041_", "92233720368547758.07"],
      ],
      formats: [
        [1, 1, 1],
        [3, 2, 5],
        [0, 2, 4],
        [0, 2, 6],
        [0, 2, 2],
      ],
    });
  });

  test("any texts come back as they were, and the file is sound for a program that reads it as it arrives", async () => {
    const anyText = fc
      .string({ unit: "grapheme", maxLength: 20 })
      .filter((text) => !/\p{Cc}|[\ufffe\uffff]|_x/u.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyText, anyText, anyText), { maxLength: 8 }), async (rows) => {
        const file = await collect(writeXlsx([{ name: "S", columns, pages: toPages(rows) }]));
        expect(readXlsx(file)[0]!.rows.slice(1)).toEqual(rows);
        for await (const { chunks } of readZip(toStream(file)))
          expect((await collect(chunks)).length).toBeGreaterThan(0);
      }),
      { numRuns: 30 },
    );
  });

  test("a full sheet is continued in another one, each with its headings", async () => {
    const rows = Array.from({ length: 7 }, (_, index): Row => [index]);
    const sheets = await xlsxOf(rows, 4);
    expect(sheets.map(({ name, rows: [, ...own] }) => [name, own.flat()])).toEqual([
      ["明细", ["0", "1", "2"]],
      ["明细 2", ["3", "4", "5"]],
      ["明细 3", ["6"]],
    ]);
    // Not an empty one where the last is just full.
    expect((await xlsxOf(rows.slice(0, 6), 4)).length).toBe(2);
    expect((await xlsxOf([], 4)).map((sheet) => sheet.rows.length)).toEqual([1]);
  });
});

async function* toStream(file: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += 1_000) yield file.subarray(at, at + 1_000);
}

describe("a table of any length", () => {
  const page: Row[] = Array.from({ length: 500 }, (_, index) => [`${index}`, "tea", { amount: 100n, currency: "CNY" }]);

  /** Reads `taken` chunks of a file of 2,000 pages and leaves. Gives how many pages were asked for until then. */
  async function readSome(write: typeof writeCsv, taken: number) {
    const seen = { pages: 0, ended: false };
    const pages = async function* () {
      try {
        for (; seen.pages < 2_000; seen.pages += 1) yield page;
      } finally {
        seen.ended = true;
      }
    };
    const file = write({ columns, pages: pages() });
    for (let index = 0; index < taken; index += 1) await file.next();
    // Whoever reads ahead has had the time to.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const asked = seen.pages;
    await file.return(undefined);
    await vi.waitFor(() => expect(seen.ended).toBe(true));
    return asked;
  }

  test("CSV asks for a page when the one before was read", async () => {
    expect(await readSome(writeCsv, 3)).toBe(1);
  });

  test("XLSX asks for no more pages than fit its buffers, and lets go of them when its reader leaves", async () => {
    const write: typeof writeCsv = (table) => writeXlsx([{ name: "S", ...table }]);
    // A page is 80 kB of XML and, being so alike, 2 kB when packed: what was taken and the packer's buffers hold dozens.
    expect(await readSome(write, 3)).toBeLessThan(200);
  });

  test("a failure of the rows is the file's", async () => {
    const pages = async function* () {
      yield page;
      throw new Error("the database is gone");
    };
    await expect(collect(writeXlsx([{ name: "S", columns, pages: pages() }]))).rejects.toThrow("the database is gone");
    await expect(collect(writeCsv({ columns, pages: pages() }))).rejects.toThrow("the database is gone");
  });
});

test("a zip file may have no parts, and empty ones", async () => {
  const none = async function* () {};
  expect(unzip(await collect(writeZip(none()))).size).toBe(0);
  const empty = async function* () {
    yield { name: "空.txt", chunks: [] };
  };
  expect([...unzip(await collect(writeZip(empty())))]).toEqual([["空.txt", Buffer.alloc(0)]]);
});
