/**
 * Guarantees: a table is read as its maker meant it, CSV in any of two character sets with quotes and line ends in its cells, and
 * a workbook with shared and inline texts; what our own writers wrote comes back; what is damaged, another thing, or made to
 * explode is refused with a sentence.
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { encodeGbk } from "../../../../sandbox/kit/gbk.ts";
import { writeZip } from "../../../../sandbox/kit/zip.ts";
import { money } from "../money.ts";
import { writeCsv } from "./csv.ts";
import { openTable, type ReadTableOptions } from "./read-table.ts";
import type { Table } from "./table.ts";
import { writeXlsx } from "./xlsx.ts";

async function read(bytes: Buffer | string, options: ReadTableOptions = {}, size = 1_000) {
  const whole = Buffer.from(bytes);
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; at += size) parts.push(whole.subarray(at, at + size));
  const table = await openTable(Readable.from(parts), options);
  const rows = [];
  for await (const batch of table.rows) rows.push(...batch);
  return { ...table, rows: rows.map(({ row_no, cells }) => [row_no, ...cells]) };
}

const refusal = (bytes: Buffer | string, options?: ReadTableOptions) =>
  read(bytes, options).then(
    () => "read",
    ({ name, message }) => `${name}: ${message}`,
  );

const table: Table = {
  columns: ["When", "Who", "Amount"].map((heading) => ({ heading, width: 10 })),
  pages: Readable.from([[[{ local: "2026-11-20 12:00:00" }, "小满, 茶铺", money(123_456n, "CNY")]]]),
};

/** A workbook as another program writes it: texts shared, cells left out, names with a prefix. */
function workbook(sheet: string, more: Record<string, string> = {}): Buffer {
  const parts: Record<string, string> = {
    "[Content_Types].xml": "<Types/>",
    "xl/workbook.xml":
      '<x:workbook xmlns:x="m" xmlns:r="r"><x:workbookPr date1904="1"/><x:sheets><x:sheet name="一" sheetId="1" r:id="rId7"/></x:sheets></x:workbook>',
    "xl/_rels/workbook.xml.rels":
      '<Relationships><Relationship Id="rId7" Target="worksheets/one.xml" Type="t"/></Relationships>',
    "xl/sharedStrings.xml":
      "<sst><si><t>Date</t></si><si><r><t>Am</t></r><r><t>ount</t></r><rPh><t>hint</t></rPh></si></sst>",
    "xl/worksheets/one.xml": sheet,
    ...more,
  };
  const files = Object.entries(parts).map(([name, xml]) => ({ name, content: Buffer.from(xml) }));
  return writeZip(files, "20261120000000");
}

const sheet =
  '<x:worksheet xmlns:x="m"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c><x:c r="C1" t="s"><x:v>1</x:v></x:c></x:row>' +
  '<x:row r="3"><x:c r="A3"><x:v>45981.5</x:v></x:c><x:c r="B3" t="inlineStr"><x:is><x:t>a &amp; b</x:t></x:is></x:c><x:c r="C3"><x:f>1+1</x:f><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>';

describe("CSV", () => {
  it("is read with quotes, line ends in cells, short and long rows", async () => {
    const { rows } = await read('a,b\r\n"x, ""y""\nz",1\n\n2\n3,4,5\n');
    expect(rows.map((row) => row.slice(1))).toEqual([["a", "b"], ['x, "y"\nz', "1"], [""], ["2"], ["3", "4", "5"]]);
  });

  it("is read in UTF-8 with its mark, in GB 18030, and by another delimiter, however it is cut", async () => {
    const text = "日期;金额\n二〇二六;1,5\n";
    for (const bytes of [Buffer.from(`\ufeff${text}`), encodeGbk(text)])
      for (const size of [1, 7, 1_000])
        expect((await read(bytes, { delimiter: ";" }, size)).rows).toEqual([
          [1, "日期", "金额"],
          [2, "二〇二六", "1,5"],
        ]);
  });

  it("of our own comes back", async () => {
    const { rows } = await read(await buffer(Readable.from(writeCsv(table))));
    expect(rows).toEqual([
      [1, "When", "Who", "Amount"],
      [2, "2026-11-20 12:00:00", "小满, 茶铺", "1234.56"],
    ]);
  });

  it.each([
    ["no byte", "", "The file is empty."],
    ["a NUL byte", Buffer.from("a,b\n\u0000,1\n"), "NUL bytes"],
    ["foreign bytes", Buffer.from([0x61, 0x0a, 0xff, 0xff, 0x0a]), "another character set"],
    ["a cell without end", `a,b\n"${"x".repeat(70_000)}`, "65536 characters"],
    ["an open quote", 'a,b\n"open', "not closed"],
    ["an old workbook", Buffer.from("d0cf11e0a1b11ae1", "hex"), "save it as .xlsx"],
  ])("with %s is refused", async (_, bytes, sentence) => {
    expect(await refusal(bytes)).toMatch(new RegExp(`^TableUnreadable: .*${sentence}`));
  });
});

describe("a workbook", () => {
  it("is read with shared and inline texts, cells left out, and what was stored of a formula", async () => {
    expect(await read(workbook(sheet))).toMatchObject({
      ...{ kind: "xlsx", from_1904: true },
      rows: [
        [1, "Date", "", "Amount"],
        [3, "45981.5", "a & b", "2"],
      ],
    });
  });

  it("of our own comes back", async () => {
    const own: Table = { ...table, pages: Readable.from([[["x", "小满, 茶铺", money(123_456n, "CNY")]]]) };
    const { rows } = await read(await buffer(Readable.from(writeXlsx([{ ...own, name: "S" }]))));
    expect(rows).toEqual([
      [1, "When", "Who", "Amount"],
      [2, "x", "小满, 茶铺", "1234.56"],
    ]);
  });

  it("is refused when it is damaged, has no such sheet, or defines entities", async () => {
    const whole = workbook(sheet);
    expect(await refusal(whole.subarray(0, -30))).toMatch(/^TableUnreadable: .*no good workbook/);
    expect(await refusal(workbook("<worksheet><sheetData><row>"))).toMatch(/^TableUnreadable: .*no good workbook/);
    expect(await refusal(workbook(sheet), { sheet: "二" })).toMatch(/^TableUnreadable: No sheet is "二": 一/);
    const laughs =
      '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet><sheetData><row><c><v>&b;</v></c></row></sheetData></worksheet>';
    expect(await refusal(workbook(laughs))).toMatch(/^TableUnreadable: .*entity/);
  });

  it("that unpacks to far more than it holds is refused", async () => {
    const bomb = workbook(`<worksheet>${" ".repeat(64 * 2 ** 20)}</worksheet>`);
    expect(await refusal(bomb)).toMatch(/^TableUnreadable: .*far more/);
  });
});
