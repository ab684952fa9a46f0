/** What the readers of tables share. */

/** The file is no table that can be read. The message is a sentence for who handed it in. */
export class TableUnreadable extends Error {
  override readonly name = "TableUnreadable";
}

export interface ReadRow {
  /** Of the file, from 1: its line, or its row in the sheet. */
  readonly row_no: number;
  readonly cells: readonly string[];
}
