/** What the tables of bills have in common: columns found by their names, cells, decimals, times of Beijing. */
import { BillRefused } from "./bill-refused.ts";

/** Columns of a table, by their names in its header. */
export type ColumnIndex<Name extends string> = Readonly<Record<Name, number>>;

/** What a column may be called; the first name that is there counts. */
export interface ColumnNames {
  readonly names: readonly string[];
  readonly optional?: true;
}

/**
 * Finds columns by name: channels add and move them. -1 for an optional one that is not there.
 * @param table for the sentence, such as "a trade bill of WeChat Pay". Throws BillRefused with the names that are missing.
 */
export function indexColumns<Name extends string>(
  header: readonly string[],
  wanted: Readonly<Record<Name, ColumnNames>>,
  table: string,
): ColumnIndex<Name> {
  const names = header.map((cell) => cell.trim());
  const index = {} as Record<Name, number>;
  const missing: string[] = [];
  for (const key of Object.keys(wanted) as Name[]) {
    const column = wanted[key];
    const found = column.names.find((name) => names.includes(name));
    index[key] = found === undefined ? -1 : names.indexOf(found);
    if (found === undefined && !column.optional) missing.push(column.names.join(" or "));
    if (found !== undefined && names.lastIndexOf(found) !== index[key])
      throw new BillRefused("columns_missing", `The header has the column ${found} twice: which one counts?`);
  }
  if (missing.length > 0)
    throw new BillRefused("columns_missing", `The header lacks ${missing.join(", ")}: this is not ${table}.`);
  return index;
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKTICK = 0x60;

/** Where the cells of a line begin and end; used again for each line. */
export interface CellCutter {
  /** Finds the cells, at most as many as there is room for; answers how many there are. */
  cut(text: string): number;
  /** The cell without what wraps it (a backtick, quotes, blanks and tabs around it); "" where the line has no such cell. */
  cell(at: number): string;
}

const CELLS_MAX = 256;

/** Commas part cells. In a line that begins with a backtick, as all cells of WeChat Pay's do, only those before another do. */
export function createCellCutter(): CellCutter {
  const starts = new Int32Array(CELLS_MAX + 1);
  let line = "";
  let count = 0;
  /** The end of a quoted cell that begins here; -1 for a cell that only begins with a quote. */
  function quotedEnd(from: number): number {
    for (let at = line.indexOf('"', from + 1); at !== -1; at = line.indexOf('"', at + 1)) {
      if (line.charCodeAt(at + 1) === QUOTE) at += 1;
      else if (at + 1 === line.length || line.charCodeAt(at + 1) === COMMA) return at + 1;
      else return -1;
    }
    return -1;
  }
  function nextComma(from: number, ticked: boolean): number {
    if (line.charCodeAt(from) === QUOTE) {
      const end = quotedEnd(from);
      if (end !== -1) return end === line.length ? -1 : end;
    }
    let at = line.indexOf(",", from);
    while (ticked && at !== -1 && line.charCodeAt(at + 1) !== BACKTICK) at = line.indexOf(",", at + 1);
    return at;
  }
  return {
    cut(text) {
      line = text;
      count = 0;
      const ticked = text.charCodeAt(0) === BACKTICK;
      for (let from = 0; ; ) {
        starts[count] = from;
        count += 1;
        const comma = nextComma(from, ticked);
        if (comma === -1 || count === CELLS_MAX) break;
        from = comma + 1;
      }
      starts[count] = text.length + 1;
      return count;
    },
    cell(at) {
      if (at < 0 || at >= count) return "";
      return unwrap(line, starts[at]!, starts[at + 1]! - 1);
    },
  };
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

function unwrap(line: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  if (start < end && line.charCodeAt(start) === BACKTICK) start += 1;
  if (end - start < 2 || line.charCodeAt(start) !== QUOTE || line.charCodeAt(end - 1) !== QUOTE)
    return line.slice(start, end);
  return line
    .slice(start + 1, end - 1)
    .replaceAll('""', '"')
    .trim();
}

/**
 * Decimal text, `"-1,234.50"`, as a whole number of the unit with so many decimals; NaN when it is none, has more decimals
 * that are not zero, or is beyond what a number holds exactly.
 */
export function readDecimal(text: string, decimals: number): number {
  let value = 0;
  let digits = 0;
  let after = -1;
  let negative = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      digits += 1;
      if (after === decimals) {
        if (code !== 0x30) return Number.NaN;
        continue;
      }
      value = value * 10 + code - 0x30;
      if (after >= 0) after += 1;
    } else if (code === 0x2e && after < 0 && digits > 0) after = 0;
    else if (code === COMMA && after < 0 && digits > 0 && isThousands(text, at)) continue;
    else if (at === 0 && (code === 0x2d || code === 0x2b)) negative = code === 0x2d;
    else return Number.NaN;
  }
  if (digits === 0 || text.endsWith(".")) return Number.NaN;
  for (let left = Math.max(after, 0); left < decimals; left += 1) value *= 10;
  if (!Number.isSafeInteger(value)) return Number.NaN;
  return negative && value !== 0 ? -value : value;
}

/** Three digits follow, and no fourth. */
function isThousands(text: string, comma: number): boolean {
  return /^,\d{3}(?!\d)/.test(text.slice(comma, comma + 5));
}

/** A part of a unit (WeChat Pay writes fees with five decimals) in whole units: to the nearest, halves away from zero. */
export function roundUnits(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  const size = Math.abs(value);
  const whole = Math.floor(size / scale) + (size % scale >= scale / 2 ? 1 : 0);
  return value < 0 && whole !== 0 ? -whole : whole;
}

const BEIJING_MS = 8 * 3_600_000;

/** Reads `2026-11-20 12:00:00` of Beijing as epoch milliseconds; NaN when it is none. The last day is remembered. */
export function createBeijingClock(): (text: string) => number {
  let day = "";
  let midnight = Number.NaN;
  return (text) => {
    if (text.length !== 19 || text.charCodeAt(10) !== 0x20) return Number.NaN;
    if (!text.startsWith(day) || day === "") {
      const date = text.slice(0, 10);
      midnight = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(date) - BEIJING_MS : Number.NaN;
      // 30 February is no day, although it parses as one of March.
      if (!Number.isNaN(midnight) && !new Date(midnight + BEIJING_MS).toISOString().startsWith(date))
        midnight = Number.NaN;
      day = date;
    }
    if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return Number.NaN;
    return midnight + 3_600_000 * pair(text, 11, 24) + 60_000 * pair(text, 14, 60) + 1_000 * pair(text, 17, 60);
  };
}

/** Two digits below a limit, else NaN. */
export function pair(text: string, at: number, limit: number): number {
  const [tens, ones] = [text.charCodeAt(at) - 0x30, text.charCodeAt(at + 1) - 0x30];
  const value = tens * 10 + ones;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 && value < limit ? value : Number.NaN;
}

/** Whole minor units as the file would write them, for sentences and comparison: `"12.34"`. */
export function writeDecimal(value: bigint, decimals: number): string {
  const size = value < 0n ? -value : value;
  const digits = size.toString().padStart(decimals + 1, "0");
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  return value < 0n ? `-${text}` : text;
}
