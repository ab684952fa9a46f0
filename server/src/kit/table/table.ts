/** A table of any length on its way into a file. */
import type { Money } from "../money.ts";

/** A text, a count, an amount, an instant as clocks of its place show it (`2026-11-20 12:00:00`), or nothing. */
export type Cell = string | number | Money | LocalInstant | null;

export interface LocalInstant {
  readonly local: string;
}

export interface Column {
  readonly heading: string;
  /** In characters; for programs that show columns. */
  readonly width: number;
}

export type Row = readonly Cell[];

export interface Table {
  readonly columns: readonly Column[];
  /** Rows, some at a time; what makes them is asked for more when there is room. */
  readonly pages: AsyncIterable<readonly Row[]>;
}
