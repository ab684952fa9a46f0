/**
 * Tables as XLSX (ECMA-376, SpreadsheetML): the parts that a workbook needs and no more, each written once, from its
 * beginning to its end. The parts that list the sheets come last, when it is known how many there are.
 */
import { currencyExponent, toDecimal } from "../money.ts";
import type { Cell, LocalInstant, Row, Table } from "./table.ts";
import { writeZip, type ZipPart } from "./zip-writer.ts";

export interface Sheet extends Table {
  /** Up to 25 characters without `[]:*?/\`; sheets that continue it get a number. */
  readonly name: string;
}

/** What spreadsheet programs take in one sheet, its headings included. */
export const SHEET_ROWS_MAX = 1_048_576;
/** Their numbers have no more digits; an amount that has is written as a text. */
const DIGITS_MAX = 15;

const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** Formats of cells by their place in `xl/styles.xml`. */
const HEADING = 1;
const TEXT = 2;
const INSTANT = 3;
const AMOUNT = 4;
/** Decimal places for which there is a format, from `AMOUNT` on. */
const EXPONENTS = [0, 2, 3, 4];

const styles = `<styleSheet xmlns="${MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/><numFmt numFmtId="165" formatCode="#,##0.000"/><numFmt numFmtId="166" formatCode="#,##0.0000"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="8">${[
  '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
  '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>',
  ...[49, 164, 3, 4, 165, 166].map(
    (id) => `<xf numFmtId="${id}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`,
  ),
].join("")}</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;

/** The bytes of a workbook. Sheets are written one after the other, and continued in another one where they are full. */
export function writeXlsx(sheets: readonly Sheet[], rows_max: number = SHEET_ROWS_MAX): AsyncGenerator<Buffer> {
  return writeZip(writeParts(sheets, rows_max));
}

async function* writeParts(sheets: readonly Sheet[], rows_max: number): AsyncGenerator<ZipPart> {
  const names: string[] = [];
  for (const sheet of sheets) {
    const rows = createRowSource(sheet.pages);
    try {
      for (let part = 1; part === 1 || (await rows.hasMore()); part += 1) {
        names.push(part === 1 ? sheet.name : `${sheet.name} ${part}`);
        yield { name: `xl/worksheets/sheet${names.length}.xml`, chunks: writeSheet(sheet, rows, rows_max) };
      }
    } finally {
      await rows.close();
    }
  }
  const part = (name: string, xml: string) => ({ name, chunks: [Buffer.from(DECLARATION + xml)] });
  yield part("xl/styles.xml", styles);
  yield part("xl/workbook.xml", workbook(names));
  yield part("xl/_rels/workbook.xml.rels", workbookRelations(names.length));
  yield part("_rels/.rels", relations([["officeDocument", "xl/workbook.xml"]]));
  yield part("[Content_Types].xml", contentTypes(names.length));
}

interface RowSource {
  /** The next rows, `count` at most; empty when there are none left. */
  take(count: number): Promise<readonly Row[]>;
  hasMore(): Promise<boolean>;
  /** Lets go of what makes the rows, however far it has come. */
  close(): Promise<void>;
}

/** Pages cut where a sheet ends. Holds what is left of one page. */
function createRowSource(pages: AsyncIterable<readonly Row[]>): RowSource {
  const iterator = pages[Symbol.asyncIterator]();
  let held: readonly Row[] = [];
  const fill = async () => {
    while (held.length === 0) {
      const next = await iterator.next();
      if (next.done) return;
      held = next.value;
    }
  };
  return {
    async take(count) {
      await fill();
      const taken = held.slice(0, count);
      held = held.slice(count);
      return taken;
    },
    async hasMore() {
      await fill();
      return held.length > 0;
    },
    async close() {
      await iterator.return?.();
    },
  };
}

async function* writeSheet({ columns }: Sheet, rows: RowSource, rows_max: number): AsyncGenerator<Buffer> {
  const widths = columns.map(
    ({ width }, index) => `<col min="${index + 1}" max="${index + 1}" width="${width}" customWidth="1"/>`,
  );
  const headings = columns.map(({ heading }) => textCell(heading, HEADING)).join("");
  yield Buffer.from(
    `${DECLARATION}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${widths.join("")}</cols><sheetData><row>${headings}</row>`,
  );
  for (let room = rows_max - 1; room > 0; ) {
    const page = await rows.take(room);
    if (page.length === 0) break;
    room -= page.length;
    yield Buffer.from(page.map((row) => `<row>${row.map(toCell).join("")}</row>`).join(""));
  }
  yield Buffer.from("</sheetData></worksheet>");
}

function toCell(cell: Cell): string {
  if (cell === null) return "<c/>";
  if (typeof cell === "string") return textCell(cell, TEXT);
  if (typeof cell === "number") return `<c><v>${cell}</v></c>`;
  if ("local" in cell) return `<c s="${INSTANT}"><v>${serialOf(cell)}</v></c>`;
  const decimal = toDecimal(cell);
  if (decimal.replace(/\D/g, "").length > DIGITS_MAX) return textCell(decimal, TEXT);
  const format = EXPONENTS.indexOf(currencyExponent(cell.currency));
  return `<c s="${format === -1 ? 0 : AMOUNT + format}"><v>${decimal}</v></c>`;
}

const DAY_MS = 86_400_000;
/** Days from the calendar's zero, 30 December 1899, to 1970. */
const EPOCH_DAYS = 25_569;

/** Days since the calendar's zero. */
function serialOf({ local }: LocalInstant): string {
  return (Date.parse(`${local.replace(" ", "T")}Z`) / DAY_MS + EPOCH_DAYS).toFixed(10);
}

function textCell(text: string, style: number): string {
  return `<c s="${style}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(text)}</t></is></c>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML cannot carry are written `_x0001_`, and what looks like that already is kept apart. */
function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids, and CR, which it changes.
      .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, (character) => {
        return `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`;
      })
      .replace(/[&<>"]/g, (character) => entities[character]!)
  );
}

function workbook(names: readonly string[]): string {
  const sheets = names.map((name, index) => {
    return `<sheet name="${escapeXml(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`;
  });
  return `<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets>${sheets.join("")}</sheets></workbook>`;
}

function workbookRelations(sheet_count: number): string {
  const sheets = Array.from({ length: sheet_count }, (_, index): [string, string] => {
    return ["worksheet", `worksheets/sheet${index + 1}.xml`];
  });
  return relations([...sheets, ["styles", "styles.xml"]]);
}

function relations(targets: readonly (readonly [type: string, target: string])[]): string {
  const listed = targets.map(([type, target], index) => {
    return `<Relationship Id="rId${index + 1}" Type="${RELATIONS}/${type}" Target="${target}"/>`;
  });
  return `<Relationships xmlns="${PACKAGE}/relationships">${listed.join("")}</Relationships>`;
}

function contentTypes(sheet_count: number): string {
  const spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const override = (part: string, type: string) =>
    `<Override PartName="/xl/${part}.xml" ContentType="${spreadsheet}.${type}+xml"/>`;
  const sheets = Array.from({ length: sheet_count }, (_, index) =>
    override(`worksheets/sheet${index + 1}`, "worksheet"),
  );
  return `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${override("workbook", "sheet.main")}${sheets.join("")}${override("styles", "styles")}</Types>`;
}
