/** How WeChat Pay writes bills: UTF-8 with a mark, CRLF, a plain head, and a backtick before every cell of data. */

/** Whole fen as yuan with two decimals, or more. */
export function formatYuan(fen: bigint, decimals = 2): string {
  const size = fen < 0n ? -fen : fen;
  const yuan = `${size / 100n}.${String(size % 100n).padStart(2, "0")}`;
  return `${fen < 0n ? "-" : ""}${yuan}${"0".repeat(decimals - 2)}`;
}

/** A table of named cells. Commas and line ends in a cell would break it, and become blanks. */
export function writeTable(columns: string, rows: readonly Readonly<Record<string, string>>[]): string[] {
  const names = columns.split(",");
  const write = (row: Readonly<Record<string, string>>) =>
    names.map((name) => `\`${(row[name] ?? "").replace(/[,\r\n]/g, " ")}`).join(",");
  return [columns, ...rows.map(write)];
}

export function toFile(lines: readonly string[]): string {
  return `\uFEFF${lines.join("\r\n")}\r\n`;
}
