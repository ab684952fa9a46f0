/**
 * Checks books against what they are about. A source is a row that calls for transactions: each is booked again by the
 * templates, and what comes out must be exactly the transactions that name it.
 */
import { type IdKind, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement, type Statement } from "../../kit/sql/statement.ts";
import { changeOf, type NewPosting, type TransactionKind } from "../posting.ts";
import { type Counted, type Findings, report } from "./findings.ts";

const SOURCES_IN_PAGE = 5_000;
const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

/** What every source's query gives. */
export interface SourceRow {
  merchant_id: string;
  source_id: string;
  livemode: boolean;
  status: string;
}

/** One row for each transaction of a source; its columns are null when there is none. */
interface Written {
  transaction_kind: string | null;
  transaction_livemode: boolean | null;
  entries: string | null;
  /** The book's account ids, by position. */
  accounts: string | null;
}

export interface Source<Row extends SourceRow = SourceRow> {
  /** The noun of its public ids. */
  readonly noun: IdKind;
  /** Where findings count its rows. */
  readonly counted: Counted;
  /** The kinds of transactions that it alone calls for. */
  readonly kinds: readonly TransactionKind[];
  /**
   * A query of all rows that call for transactions, with the columns of `SourceRow` and what `book` reads besides. Keys
   * are looked for outside of it, so it joins and filters, but neither groups nor orders.
   */
  readonly rows: string;
  /** What the row should have posted. When it happened is not compared. */
  book(row: Row): NewPosting[];
}

/** A source and its statements; the type of its rows is its own affair. */
export interface SourceCheck {
  readonly noun: IdKind;
  readonly kinds: readonly TransactionKind[];
  /** Compares all rows, and reports transactions that no row calls for. */
  verifyAll(sql: Sql, findings: Findings): Promise<void>;
}

/** Makes the check of a source. */
export function checkSource<Row extends SourceRow>(source: Source<Row>): SourceCheck {
  const { noun, kinds, counted } = source;
  const page = pageStatement(source);
  const strays = strayStatement(source);
  return {
    noun,
    kinds,
    async verifyAll(sql, findings) {
      for await (const rows of readPages<Row & Written>(sql, page)) {
        for (const ofSource of groupBySource(rows)) {
          findings[counted] += 1;
          compare(findings, source, ofSource);
        }
      }
      await reportStrays(sql, findings, noun, strays);
    },
  };
}

function pageStatement({ noun, rows }: Pick<Source, "noun" | "rows">): Statement {
  return platformStatement(
    `ledger.verify_${noun}`,
    `select s.*, t.kind::text as transaction_kind, t.livemode as transaction_livemode,
       array_to_string(t.entries, ',') as entries, array_to_string(b.accounts, ',') as accounts
     from (
       select * from (${rows}) r where (merchant_id, source_id) > ($1::uuid, $2::uuid)
       order by merchant_id, source_id limit ${SOURCES_IN_PAGE}
     ) s
     left join ledger_transactions t on t.merchant_id = s.merchant_id and t.source_id = s.source_id
     left join ledger_books b on b.merchant_id = t.merchant_id and b.livemode = t.livemode
     order by s.merchant_id, s.source_id`,
  );
}

function strayStatement({ noun, kinds, rows }: Pick<Source, "noun" | "kinds" | "rows">): Statement {
  return platformStatement(
    `ledger.verify_${noun}_strays`,
    `select t.merchant_id, t.source_id, t.kind::text from ledger_transactions t
     where t.kind in (${kinds.map((kind) => `'${kind}'`).join(", ")}) and not exists (
       select from (${rows}) r where r.merchant_id = t.merchant_id and r.source_id = t.source_id)`,
  );
}

/** Pages in the order of keys; the database reads the next one while one is looked at. */
async function* readPages<Row extends SourceRow>(sql: Sql, statement: Statement): AsyncGenerator<Row[]> {
  const read = ({ merchant_id, source_id }: Pick<SourceRow, "merchant_id" | "source_id">) =>
    sql.query<Row>(statement, [merchant_id, source_id]);
  let pending = read({ merchant_id: FIRST_UUID, source_id: FIRST_UUID });
  for (;;) {
    const rows = await pending;
    const last = rows.at(-1);
    if (last === undefined) return;
    pending = read(last);
    pending.catch(() => undefined);
    yield rows;
  }
}

/** Rows of one source stand together. */
function* groupBySource<Row extends SourceRow>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < rows.length; ) {
    const { merchant_id, source_id } = rows[from]!;
    let to = from + 1;
    while (rows[to]?.source_id === source_id && rows[to]?.merchant_id === merchant_id) to += 1;
    yield rows.slice(from, to);
    from = to;
  }
}

function compare<Row extends SourceRow>(
  findings: Findings,
  source: Source<Row>,
  rows: readonly (Row & Written)[],
): void {
  const { merchant_id, source_id, status } = rows[0]!;
  const label = publicId(source.noun, source_id);
  const missing = new Map<string, NewPosting>(source.book(rows[0]!).map((posting) => [posting.kind, posting]));
  for (const row of rows) {
    if (row.transaction_kind === null) continue;
    const posting = missing.get(row.transaction_kind);
    missing.delete(row.transaction_kind);
    if (posting === undefined) {
      const sentence = `${label} is ${status} and has ${row.transaction_kind}, which it does not call for.`;
      report(findings, "unexpected_posting", merchant_id, sentence);
    } else if (posting.livemode !== row.transaction_livemode || expectedLines(posting) !== writtenLines(row)) {
      const sentence = `${label} has ${row.transaction_kind} with other lines than it calls for.`;
      report(findings, "wrong_posting", merchant_id, sentence);
    }
  }
  for (const kind of missing.keys()) {
    report(findings, "missing_posting", merchant_id, `${label} is ${status} but has no ${kind}.`);
  }
}

function expectedLines(posting: NewPosting): string {
  return posting.lines.map((line) => `${line.account.id} ${changeOf(line)}`).join();
}

function writtenLines(row: Written): string {
  const accounts = (row.accounts ?? "").split(",");
  const fields = (row.entries ?? "").split(",");
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 3) lines.push(`${accounts[Number(fields[at]) - 1]} ${fields[at + 1]}`);
  return lines.join();
}

async function reportStrays(sql: Sql, findings: Findings, noun: IdKind, statement: Statement): Promise<void> {
  const rows = await sql.query<{ merchant_id: string; source_id: string; kind: string }>(statement);
  for (const { merchant_id, source_id, kind } of rows) {
    const sentence = `${kind} of ${publicId(noun, source_id)} is posted, but no such ${noun} calls for it.`;
    report(findings, "unexpected_posting", merchant_id, sentence);
  }
}
