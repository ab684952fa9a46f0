/**
 * Checks books against what they are about, both ways. A source is a row that calls for transactions: each transaction is
 * compared with what the templates make of its source, and each source is looked up in the journal.
 */
import { type IdKind, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement, type Statement } from "../../kit/sql/statement.ts";
import { changeOf, type NewPosting, type TransactionKind } from "../posting.ts";
import { type Counted, type Findings, report } from "./findings.ts";
import { type JournalRange, rangesSql, rangeValues } from "./store.ts";

/** What is read of every source. */
export interface SourceRow {
  merchant_id: string;
  source_id: string;
  livemode: boolean;
  status: string;
}

export interface Source<Row extends SourceRow = SourceRow> {
  /** The noun of its public ids. */
  readonly noun: IdKind;
  /** Of its statements, where another source has the same noun. */
  readonly name?: string;
  /** Where findings count its rows. */
  readonly counted: Counted;
  /** The kinds of transactions that it alone calls for. */
  readonly kinds: readonly TransactionKind[];
  /** The table as `s`, with what it takes to know its rows; there is one row for each of its ids. */
  readonly from: string;
  /** Which rows call for transactions; all unless given. */
  readonly where?: string;
  /** What `book` reads besides `merchant_id`, `source_id` and `livemode`; `status` must be among it. */
  readonly columns: string;
  /** An expression of the kinds of transactions that a row calls for, with commas and as `book` gives them. */
  readonly calls_for: string;
  /** An expression of when a row last came to call for something. */
  readonly changed_at: string;
  /** What the row should have posted. When it happened is not compared. */
  book(row: Row): NewPosting[];
}

/** A transaction of the journal. */
export interface WrittenTransaction {
  merchant_id: string;
  livemode: boolean;
  number: bigint;
  kind: string;
  source_id: string;
  /** Position, amount and balance after of each entry, one after another. */
  cells: readonly bigint[];
  /** The book's account ids, by position from 0. */
  accounts: readonly string[];
}

/** A source and its statements; the type of its rows is its own affair. */
export interface SourceCheck {
  readonly noun: IdKind;
  readonly kinds: readonly TransactionKind[];
  /** Reads what those of its kinds among the transactions of some ranges are about; gives what compares them. */
  read(
    sql: Sql,
    ranges: readonly JournalRange[],
  ): Promise<(findings: Findings, transaction: WrittenTransaction) => void>;
  /** Reports rows without a transaction that they call for, and counts the rows: all, or those changed since an instant. */
  verifyRows(sql: Sql, findings: Findings, changed_since: string | null): Promise<void>;
}

/** Makes the check of a source. */
export function checkSource<Row extends SourceRow>(source: Source<Row>): SourceCheck {
  const { noun, kinds, counted } = source;
  const [inJournal, missing, count] = [journalStatement(source), missingStatement(source), countStatement(source)];
  return {
    noun,
    kinds,
    async read(sql, ranges) {
      const found = new Map<string, Row>();
      for (const row of await sql.query<Row>(inJournal, rangeValues(ranges))) found.set(keyOf(row), row);
      return (findings, transaction) => compare(findings, source, found.get(keyOf(transaction)), transaction);
    },
    async verifyRows(sql, findings, changed_since) {
      const counting = sql.query<{ count: bigint }>(count, [changed_since]);
      const looking = sql.query<MissingRow>(missing, [changed_since]);
      findings[counted] += Number((await counting)[0]!.count);
      for (const { merchant_id, source_id, status, kind } of await looking) {
        const sentence = `${publicId(noun, source_id)} is ${status} but has no ${kind}.`;
        report(findings, "missing_posting", merchant_id, sentence);
      }
    },
  };
}

const keyOf = ({ merchant_id, source_id }: Pick<SourceRow, "merchant_id" | "source_id">) => merchant_id + source_id;

function journalStatement({
  noun,
  name = noun,
  kinds,
  from,
  where = "true",
  columns,
}: Omit<Source, "book">): Statement {
  return platformStatement(
    `ledger.verify_${name}`,
    `select s.merchant_id, s.id as source_id, s.livemode, ${columns}
     from ${rangesSql("merchant_id, source_id, kind")}
     join ${from} on s.merchant_id = t.merchant_id and s.id = t.source_id
     where t.kind in (${kinds.map((kind) => `'${kind}'`).join(", ")}) and ${where}`,
  );
}

interface MissingRow extends Omit<SourceRow, "livemode"> {
  kind: string;
}

const changed = ({ where = "true", changed_at }: Pick<Source, "where" | "changed_at">) =>
  `${where} and ($1::timestamptz is null or ${changed_at} >= $1)`;

function missingStatement(source: Omit<Source, "book">): Statement {
  const { noun, name = noun, from, columns, calls_for } = source;
  return platformStatement(
    `ledger.verify_${name}_missing`,
    `select r.merchant_id, r.source_id, r.status, c.kind
     from (select s.merchant_id, s.id as source_id, ${calls_for} as calls_for, ${columns} from ${from} where ${changed(source)}) r
     cross join lateral unnest(string_to_array(r.calls_for, ',')) as c (kind)
     where not exists (
       select from ledger_transactions t where t.merchant_id = r.merchant_id and t.source_id = r.source_id
         and t.kind = c.kind::ledger_transaction_kind)`,
  );
}

function countStatement(source: Omit<Source, "book">): Statement {
  return platformStatement(
    `ledger.verify_${source.name ?? source.noun}_count`,
    `select count(*) as count from ${source.from} where ${changed(source)}`,
  );
}

function compare<Row extends SourceRow>(
  findings: Findings,
  { noun, book }: Source<Row>,
  row: Row | undefined,
  transaction: WrittenTransaction,
): void {
  const { merchant_id, kind } = transaction;
  const expected = row === undefined ? [] : book(row);
  const posting = expected.find((one) => one.kind === kind);
  if (posting !== undefined && posting.livemode === transaction.livemode && hasLines(posting, transaction)) return;
  const label = publicId(noun, transaction.source_id);
  if (row === undefined) {
    const sentence = `${kind} of ${label} is posted, but no such ${noun} calls for it.`;
    report(findings, "unexpected_posting", merchant_id, sentence);
  } else if (posting === undefined) {
    const sentence = `${label} is ${row.status} and has ${kind}, which it does not call for.`;
    report(findings, "unexpected_posting", merchant_id, sentence);
  } else {
    const sentence = `${label} has ${kind} with other lines than it calls for.`;
    report(findings, "wrong_posting", merchant_id, sentence);
  }
}

/** Whether the transaction has the posting's lines, in their order. */
function hasLines({ lines }: NewPosting, { cells, accounts }: WrittenTransaction): boolean {
  if (cells.length !== 3 * lines.length) return false;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!;
    if (accounts[Number(cells[3 * index]) - 1] !== line.account.id) return false;
    if (cells[3 * index + 1] !== changeOf(line)) return false;
  }
  return true;
}
