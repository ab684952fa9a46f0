/** What the readers of tables share: numbers, amounts, kinds, and what a file states of itself. */
import { type ColumnNames, createCellCutter, indexColumns, readDecimal, writeDecimal } from "./bill-cells.ts";
import { LineRejected } from "./bill-refused.ts";
import { createSum, type RunningSum } from "./bill-tally.ts";
import type { BillFileHead, StatedTotal } from "./contract.ts";

const NUMBER_LENGTH_MAX = 128;
const NOTE_LENGTH_MAX = 200;

/** A number of an order, or null for a cell that holds none. Throws LineRejected for one that nobody can have issued. */
export function readNumber(cell: string, column: string): string | null {
  if (cell === "" || cell === "0") return null;
  if (cell.length > NUMBER_LENGTH_MAX)
    throw new LineRejected(`${column} is longer than ${NUMBER_LENGTH_MAX} characters.`);
  return cell;
}

/** Most texts are: looking for what Unicode calls a control character takes ten times as long. */
const PLAIN = /^[ -~]*$/;

/** A text of others: bounded, in one line. Null for none. */
export function readNote(text: string): string | null {
  if (text === "") return null;
  const clean = (PLAIN.test(text) ? text : text.replace(/\p{C}/gu, " ")).trim().slice(0, NOTE_LENGTH_MAX);
  return clean === "" ? null : clean;
}

/** A count that a file states. `found` includes rejected lines where it counts them all. */
export function statedCount(name: string, stated: string, found: number | null): StatedTotal {
  const digits = stated.replaceAll(",", "");
  return { name, stated: /^\d+$/.test(digits) ? String(Number(digits)) : stated, found: found?.toString() ?? null };
}

/**
 * A sum that a file states, with as many decimals as it pleases. `found` counts in units of so many decimals; null when
 * rejected lines leave it unknown. What is stated shorter is compared shorter, rounded to the nearest.
 */
export function statedSum(name: string, stated: string, found: bigint | null, decimals: number): StatedTotal {
  const plain = stated.replaceAll(",", "").replace(/^\+/, "");
  const shown = /^-?\d+(?:\.(\d+))?$/.exec(plain);
  if (!shown) return { name, stated, found: found === null ? null : writeDecimal(found, decimals) };
  const given = shown[1]?.length ?? 0;
  const units = BigInt(plain.replace(".", ""));
  if (found === null) return { name, stated: writeDecimal(units, given), found: null };
  const common = Math.max(given, decimals);
  const left = units * 10n ** BigInt(common - given);
  const right = found * 10n ** BigInt(common - decimals);
  const step = 10n ** BigInt(common - Math.min(given, decimals));
  const agrees = given < decimals ? abs(left - right) * 2n <= step : left === right;
  const text = writeDecimal(left, common);
  return { name, stated: text, found: agrees ? text : writeDecimal(right, common) };
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** The cells of one line after the other, by the names of a table's columns. */
export interface TableRow<Name extends string> {
  /** Finds the cells of a line; answers how many there are. */
  cut(text: string): number;
  /** All cells of the line as text: of a header. */
  cells(): string[];
  /** Takes the line for the header. Throws BillRefused for columns that are missing. */
  takeHeader(): void;
  has(name: Name): boolean;
  /** The bytes of a cell; "" where there is no such column. */
  cell(name: Name): string;
  /** The text of a cell. */
  text(name: Name): string;
  /** See `readNumber`. */
  number(name: Name): string | null;
  /** A decimal in units of so many decimals; 0 for an empty cell or no such column. Throws LineRejected. */
  amount(name: Name, decimals: number): number;
  /** Throws LineRejected for a line that has other cells than the header. */
  checkWidth(): void;
}

/** @param table for the sentence, such as "a trade bill of WeChat Pay". */
export function createTableRow<Name extends string>(
  file: BillFileHead,
  wanted: Readonly<Record<Name, ColumnNames>>,
  table: string,
): TableRow<Name> {
  const cutter = createCellCutter();
  let at = {} as Readonly<Record<Name, number>>;
  let [count, width] = [0, 0];
  const cells = () => Array.from({ length: count }, (_, index) => file.decode(cutter.cell(index)));
  const titleOf = (name: Name) => wanted[name].names[0]!;
  return {
    cut(text) {
      count = cutter.cut(text);
      return count;
    },
    cells,
    takeHeader() {
      at = indexColumns(cells(), wanted, table);
      width = count;
    },
    has: (name) => at[name] >= 0,
    cell: (name) => cutter.cell(at[name]),
    text: (name) => file.decode(cutter.cell(at[name])),
    number: (name) => readNumber(file.decode(cutter.cell(at[name])), titleOf(name)),
    amount(name, decimals) {
      const cell = cutter.cell(at[name]);
      if (cell === "" || cell === "0.00") return 0;
      const value = readDecimal(cell, decimals);
      if (Number.isNaN(value))
        throw new LineRejected(`${titleOf(name)} is "${clip(file.decode(cell))}", which is no amount.`);
      return value;
    },
    checkWidth() {
      if (count !== width) throw new LineRejected(`The line has ${count} cells, the header ${width}.`);
    },
  };
}

/** A cell as a sentence quotes it. */
export function clip(text: string): string {
  return readNote(text)?.slice(0, 60) ?? "";
}

/** Sums by name. */
export type SumsOf<Name extends string> = Readonly<Record<Name, RunningSum>>;

/** All at zero. */
export function createSums<Name extends string>(names: readonly Name[]): SumsOf<Name> {
  return Object.fromEntries(names.map((name) => [name, createSum()])) as unknown as SumsOf<Name>;
}
