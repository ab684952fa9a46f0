/**
 * The form of WeChat Pay's bills: UTF-8 with a mark, a plain header, rows whose cells each stand behind a backtick, and at the
 * end a header and a row of sums.
 */
import { BillRefused } from "../bill-refused.ts";
import type { TableRow } from "../bill-table.ts";
import type { BillLine, LineReader, LineSink, StatedTotal } from "../contract.ts";

/** What a kind of bill makes of its rows. */
export interface WechatTable<Name extends string> {
  /** For sentences. */
  readonly title: string;
  readonly row: TableRow<Name>;
  /** The first column's name, which no other line begins with. */
  readonly first_column: string;
  readonly first_sum: string;
  /** The line of a row; throws LineRejected. */
  readRow(line_no: number): BillLine;
  /** Compares a sum. `rows` counts the rejected ones too; undefined for a sum that is not known. */
  compare(name: string, stated: string, counts: { rows: number; rejected: number }): StatedTotal | undefined;
}

type Stage = "header" | "rows" | "sums" | "end";

/** Reads a file of the form. */
export function createWechatReader<Name extends string>(table: WechatTable<Name>): LineReader {
  const { row, title, first_column, first_sum } = table;
  let stage: Stage = "header";
  let [rows, good] = [0, 0];
  let sumNames: string[] = [];
  const stated: StatedTotal[] = [];

  function readRow(line_no: number, sink: LineSink): void {
    rows += 1;
    const line = table.readRow(line_no);
    good += 1;
    sink.line(line);
  }

  /** A line that may be no row: of a header or of sums. */
  function readOther(line_no: number, sink: LineSink): void {
    const cells = row.cells().map((cell) => cell.trim());
    if (stage === "sums") {
      stage = "end";
      if (cells.length < sumNames.length)
        throw new BillRefused("truncated", "The file ends within its sums: it was cut.");
      const counts = { rows, rejected: rows - good };
      stated.push(...cells.flatMap((cell, index) => table.compare(sumNames[index] ?? "", cell, counts) ?? []));
    } else if (stage === "header") {
      row.takeHeader();
      stage = "rows";
    } else if (stage === "rows" && cells[0] === first_sum) {
      sumNames = cells;
      stage = "sums";
    } else if (cells.includes(first_column)) {
      throw new BillRefused("doubled", `Line ${line_no} is a second header: the file is doubled, or two in one.`);
    } else if (stage === "end") {
      throw new BillRefused("doubled", `Line ${line_no} comes after the sums: the file is more than one bill.`);
    } else {
      readRow(line_no, sink);
    }
  }

  return {
    read(text, line_no, sink) {
      if (text.length === 0 || text.trim() === "") return;
      row.cut(text);
      // Names of columns are Chinese; a row begins with a time, unless columns were moved.
      if (stage === "rows" && beginsInAscii(text)) readRow(line_no, sink);
      else readOther(line_no, sink);
    },
    end() {
      if (stage === "header") throw new BillRefused("columns_missing", `The file has no header of ${title}.`);
      if (stage !== "end") throw new BillRefused("truncated", "The file ends before its sums: it was cut.");
      return stated;
    },
  };
}

function beginsInAscii(text: string): boolean {
  const code = text.charCodeAt(0);
  return (code === 0x60 || code === 0x22 ? text.charCodeAt(1) : code) < 0x80;
}
