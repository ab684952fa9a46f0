/** The one table that a run prints: every figure beside its limit of the same run. */
import type { BenchRow } from "./ledger.bench.ts";

const HEADINGS = ["measured", "figure", "limit, measured in the same run", "ratio", "target", ""] as const;

/** Markdown, so that it reads in a terminal and in docs/BENCHMARKS.md alike. */
export function formatTable(rows: readonly BenchRow[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${number(row.figure)} ${row.unit}`,
    row.limit_name === "" ? "" : `${number(row.limit)} ${row.unit}: ${row.limit_name}`,
    row.limit_name === "" ? "" : row.ratio.toFixed(2),
    row.target,
    row.target === "" ? "" : row.ok ? "ok" : "MISSED",
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((line) => line[column]!.length)),
  );
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text, column) => (column === 1 || column === 3 ? text.padStart(widths[column]!) : text.padEnd(widths[column]!))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 1 || column === 3 ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2))).join("|")}|`;
  return [line(HEADINGS), rule, ...cells.map(line)].join("\n");
}

/** A row without a limit or a target leaves them empty. */
export function makeRow(row: {
  name: string;
  figure: number;
  unit: string;
  limit?: { name: string; value: number };
  target?: { text: string; ok: boolean };
}): BenchRow {
  const limit = row.limit?.value ?? 0;
  return {
    name: row.name,
    figure: row.figure,
    unit: row.unit,
    limit_name: row.limit?.name ?? "",
    limit,
    ratio: limit === 0 ? 0 : row.figure / limit,
    target: row.target?.text ?? "",
    ok: row.target?.ok ?? true,
  };
}

function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The middle one of an odd number of rounds. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
