/**
 * `docs/COVERAGE.md`: what the conformance suite has tested of each channel. Made of what its runs keep
 * (`channels/conformance/coverage/*.json`) by `npm run coverage`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type Capability,
  type Cell,
  capabilities,
  cell,
  type Fact,
  facts,
  offers,
  requiredOf,
} from "../channels/conformance/coverage-cells.ts";
import { absent } from "../channels/conformance/coverage-own.ts";
import { channels } from "../channels/registry.ts";

export const coveragePagePath = fileURLToPath(new URL("../../../docs/COVERAGE.md", import.meta.url));
const kept = new URL("../channels/conformance/coverage/", import.meta.url);

export type Coverage = Readonly<Record<string, ReadonlySet<Cell>>>;

/** What is kept of each channel's run; a channel whose run was never kept has nothing. */
export function readCoverage(): Coverage {
  const read = (id: string): Cell[] => {
    const path = new URL(`${id}.json`, kept);
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
  };
  return Object.fromEntries(Object.keys(channels).map((id) => [id, new Set(read(id))]));
}

/** Cells that a channel's offers ask for, that nothing has tested and that no reason excuses. */
export function findGaps(coverage: Coverage): string[] {
  return Object.values(channels).flatMap((channel) =>
    capabilities
      .flatMap((capability) => requiredOf(channel, capability).map((fact) => cell(capability, fact)))
      .filter((wanted) => !coverage[channel.id]?.has(wanted) && absent[channel.id]?.[wanted] === undefined)
      .map((wanted) => `${channel.id}: ${wanted}`),
  );
}

/** The whole page. The same coverage gives the same text. */
export function renderCoveragePage(coverage: Coverage): string {
  const reasons: string[] = [];
  const tables = capabilities.map((capability) => renderTable(capability, coverage, reasons));
  const notes = reasons.map((reason, index) => `${index + 1}. ${reason}`);
  return `${[HEAD, ...tables.filter((table) => table !== ""), "## Why not", notes.join("\n")].join("\n\n")}\n`;
}

const HEAD = `# Coverage

What the conformance suite (\`server/src/channels/conformance\`) has tested of each channel, against its simulator over HTTP:
by capability, what may happen to it and, in the columns, the channels that offer it. Written by \`npm run coverage\` from what
the runs keep (\`vitest run -u\` renews that); a test fails while this page is stale, or while a channel offers something that
has an untested cell. Which tests make a cell is in \`conformance/coverage.ts\` and \`coverage-own.ts\`.

Bank transfers use no wire: what can only happen to an exchange is not asked of them.

✓ tested · a number: not possible there, for the reason below · a dot: no case of its own`;

const names: Readonly<Record<Capability, string>> = {
  pay: "Pay",
  query: "Query",
  close: "Close",
  cancel: "Cancel",
  barcode: "Code payments",
  refund: "Refund",
  refund_query: "Refund query",
  notice: "Notices",
  account: "Account as it is typed in",
  connection: "Check of the connection",
  identity: "Payer's identity",
  sharing: "Sharing",
  transfers: "Transfers to persons",
  bills: "Bills",
  disputes: "Disputes",
};

function renderTable(capability: Capability, coverage: Coverage, reasons: string[]): string {
  const offering = Object.values(channels).filter((channel) => offers(channel, capability));
  if (offering.length === 0) return "";
  const isShown = (fact: Fact) =>
    offering.some((channel) => requiredOf(channel, capability).includes(fact)) ||
    offering.some(({ id }) => coverage[id]?.has(cell(capability, fact)));
  const rows = (Object.keys(facts) as Fact[]).filter(isShown).map((fact) => {
    const marks = offering.map(({ id }) => mark(coverage, id, cell(capability, fact), reasons));
    return [facts[fact], ...marks];
  });
  return `## ${names[capability]}\n\n${renderGrid([["", ...offering.map(({ label }) => label.en)], ...rows])}`;
}

function mark(coverage: Coverage, id: string, wanted: Cell, reasons: string[]): string {
  if (coverage[id]?.has(wanted)) return "✓";
  const reason = absent[id]?.[wanted];
  if (reason === undefined) return "·";
  if (!reasons.includes(reason)) reasons.push(reason);
  return String(reasons.indexOf(reason) + 1);
}

/** A table whose columns line up in the source too. */
function renderGrid(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((text, at) => text.padEnd(widths[at]!)).join(" | ")} |`;
  const [head, ...body] = rows.map(line);
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const coverage = readCoverage();
  writeFileSync(coveragePagePath, renderCoveragePage(coverage));
  for (const gap of findGaps(coverage)) process.stdout.write(`untested: ${gap}\n`);
}
