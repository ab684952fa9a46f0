/** A day's entries as a file of any length, made while it is read. */

import { publicId } from "../../kit/id.ts";
import { localText } from "../../kit/local-day.ts";
import { type Money, money } from "../../kit/money.ts";
import { writeCsv } from "../../kit/table/csv.ts";
import type { Cell, Column, Row, Table } from "../../kit/table/table.ts";
import { writeXlsx } from "../../kit/table/xlsx.ts";
import { type Entry, NO_SCOPE, readEntryPages } from "../../ledger/index.ts";
import { entryId, type ShownKind, shownAccounts, shownKinds } from "../balance/index.ts";
import { type EntryNumbers, loadEntryNumbers } from "./entry-numbers.ts";
import { linesOf } from "./present-statement.ts";
import { findDay, readStatement } from "./read-statement.ts";
import type { StatementServices } from "./services.ts";
import type { Statement, StatementDay, StatementRequest } from "./statement.ts";
import {
  accountWords,
  type EntryColumn,
  entryHeadings,
  kindWords,
  type Language,
  sheetWords,
  statusWords,
  summaryHeadings,
} from "./words.ts";

export const exportFormats = ["csv", "xlsx"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportRequest extends StatementRequest {
  readonly format: ExportFormat;
  readonly language: Language;
}

export interface EntryFile {
  /** `statement-2026-11-20-CNY.csv`: ASCII, fit for a header and a folder. */
  readonly name: string;
  /** Pulls the next page of entries when it is asked for the next chunk; leaving it early is fine. */
  readonly chunks: AsyncGenerator<Buffer>;
}

/**
 * A day's entries with the numbers of their payments; XLSX begins with a sheet of the accounts' openings and closings.
 * @throws statement.not_found, merchant.not_found, before anything is written; `chunks` throws when the database is lost.
 */
export async function exportEntries(services: StatementServices, request: ExportRequest): Promise<EntryFile> {
  const { date, currency, format, language } = request;
  const name = `statement-${date}${currency === undefined ? "" : `-${currency}`}.${format}`;
  if (format === "csv") return { name, chunks: writeCsv(toTable(services, await findDay(services, request), request)) };
  const statement = await readStatement(services, request);
  const chunks = writeXlsx([
    { name: sheetWords.summary[language], ...summarize(statement, language) },
    { name: sheetWords.entries[language], ...toTable(services, statement, request) },
  ]);
  return { name, chunks };
}

type Headings = Readonly<Record<string, readonly [Readonly<Record<Language, string>>, number]>>;

function toColumns(headings: Headings, language: Language): Column[] {
  return Object.values(headings).map(([words, width]) => ({ heading: words[language], width }));
}

function summarize(statement: Statement, language: Language): Table {
  const { date, time_zone, is_final } = statement;
  const status = statusWords[is_final ? "final" : "open"][language];
  const rows = linesOf(statement).flatMap(({ currency, lines }) => {
    const amount = (value: bigint): Money => money(value, currency);
    return lines.map(({ account, opening, amount_in, amount_out, closing, entry_count }): Row => {
      const amounts = [opening, amount_in, amount_out, closing].map(amount);
      return [date, time_zone, status, currency, accountWords[account][language], ...amounts, entry_count];
    });
  });
  return { columns: toColumns(summaryHeadings, language), pages: once(rows) };
}

async function* once(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows;
}

function toTable(services: StatementServices, day: StatementDay, request: ExportRequest): Table {
  return { columns: toColumns(entryHeadings, request.language), pages: readRows(services, day, request) };
}

async function* readRows(
  services: StatementServices,
  { period, time_zone }: StatementDay,
  { merchant_id, currency, language }: ExportRequest,
): AsyncGenerator<readonly Row[]> {
  const columns = Object.keys(entryHeadings) as EntryColumn[];
  for await (const entries of readEntryPages(services.db, { ...period, kinds: shownKinds, currency })) {
    const numbers = await loadEntryNumbers(services, merchant_id, entries);
    yield entries.map((entry) => {
      const cells = toCells(entry, numbers.get(entry.source_id) ?? {}, { time_zone, language });
      return columns.map((column) => cells[column]);
    });
  }
}

function toCells(
  entry: Entry,
  { attempt, refund }: EntryNumbers,
  { time_zone, language }: { time_zone: string; language: Language },
): Record<EntryColumn, Cell> {
  const { currency, scope } = entry;
  const instant = (at: number) => ({ local: localText(at, time_zone) });
  return {
    booked_at: instant(entry.posted_at),
    occurred_at: instant(entry.occurred_at),
    kind: kindWords[entry.transaction_kind][language],
    account: accountWords[shownAccounts[entry.kind as ShownKind]][language],
    currency,
    amount: money(entry.amount, currency),
    balance_after: money(entry.balance_after, currency),
    out_trade_no: attempt?.out_trade_no ?? null,
    serial_no: attempt?.serial_no ?? null,
    channel_trade_no: attempt?.channel_trade_no ?? null,
    out_refund_no: refund?.out_refund_no ?? null,
    refund_no: refund?.refund_no ?? null,
    channel_refund_no: refund?.channel_refund_no ?? null,
    method: attempt?.method ?? null,
    channel_account: scope === NO_SCOPE ? null : publicId("channel_account", scope),
    payment: attempt ? publicId("payment", attempt.payment_id) : null,
    entry: entryId(entry),
  };
}
