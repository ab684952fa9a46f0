/** SQL of verification: pages in the order of primary keys, across all merchants. Reads other rooms' tables on purpose. */
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { FundingMode } from "../templates/payment.ts";

export const FIRST_UUID = "00000000-0000-0000-0000-000000000000";
export const LAST_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const BOOKS_IN_PAGE = 1_000;
const TRANSACTIONS_IN_PAGE = 20_000;
const SOURCES_IN_PAGE = 5_000;

export interface BookPlace {
  merchant_id: string;
  livemode: boolean;
}

export interface BookRow extends BookPlace {
  number: bigint;
  accounts: string;
  balances: string;
  minimums: string;
}

const booksStatement = platformStatement(
  "ledger.verify_books",
  `select merchant_id, livemode, number, accounts::text, balances::text, minimums::text from ledger_books
   where (merchant_id, livemode) > ($1::uuid, $2::boolean) order by merchant_id, livemode limit ${BOOKS_IN_PAGE}`,
);

/** The next page of books; fewer than a page's worth is the last. */
export async function readBooks(sql: Sql, after: BookPlace): Promise<{ books: BookRow[]; last: boolean }> {
  const books = await sql.query<BookRow>(booksStatement, [after.merchant_id, after.livemode]);
  return { books, last: books.length < BOOKS_IN_PAGE };
}

export interface AccountRow extends BookPlace {
  position: number;
  id: bigint;
  kind: string;
  currency: string;
  scope: string;
}

const accountsStatement = platformStatement(
  "ledger.verify_accounts",
  `select merchant_id, livemode, position, id, kind, currency, scope from ledger_accounts
   where (merchant_id, livemode) > ($1::uuid, $2::boolean) and (merchant_id, livemode) <= ($3::uuid, $4::boolean)
   order by merchant_id, livemode, position`,
);

/** Descriptions of accounts of the books after one place up to and including another. */
export function readAccounts(sql: Sql, after: BookPlace, until: BookPlace): Promise<AccountRow[]> {
  return sql.query(accountsStatement, [after.merchant_id, after.livemode, until.merchant_id, until.livemode]);
}

export interface TransactionRow extends BookPlace {
  number: bigint;
  /** Position, amount and balance after of each entry, one after another. */
  entries: string;
}

const transactionsStatement = platformStatement(
  "ledger.verify_transactions",
  `select merchant_id, livemode, number, array_to_string(entries, ',') as entries from ledger_transactions
   where (merchant_id, livemode, number) > ($1::uuid, $2::boolean, $3) and (merchant_id, livemode) <= ($4::uuid, $5::boolean)
   order by merchant_id, livemode, number limit ${TRANSACTIONS_IN_PAGE}`,
);

/** Pages of transactions after one place up to and including the books at another. */
export async function* readTransactions(
  sql: Sql,
  after: BookPlace,
  until: BookPlace,
): AsyncGenerator<TransactionRow[]> {
  const read = (from: BookPlace, number: bigint) =>
    sql.query<TransactionRow>(transactionsStatement, [
      from.merchant_id,
      from.livemode,
      number,
      until.merchant_id,
      until.livemode,
    ]);
  // Past every number of the book, which belongs to the page before.
  let pending = read(after, 2n ** 63n - 1n);
  for (;;) {
    const page = await pending;
    const end = page.at(-1);
    if (end === undefined) return;
    // The database reads the next page while this one is checked.
    pending = read(end, end.number);
    pending.catch(() => undefined);
    yield page;
  }
}

/** What a transaction is about, beside a transaction that names it. */
export interface SourceRow {
  merchant_id: string;
  /** The attempt, refund or settlement. */
  source_id: string;
  livemode: boolean;
  amount: bigint;
  currency: string;
  status: string;
  /** One row for each transaction of the source; null when it has none. */
  transaction_kind: string | null;
  transaction_livemode: boolean | null;
  entries: string | null;
  /** The book's account ids, by position. */
  accounts: string | null;
}

interface PaidRow extends SourceRow {
  channel_account_id: string;
  funding_mode: FundingMode;
  fee: bigint;
  cost: bigint;
  from_available: bigint;
  duplicate: boolean;
}

export interface AttemptSource extends PaidRow {
  status: "succeeded";
}

export interface RefundSource extends PaidRow {
  status: "created" | "sent" | "unknown" | "succeeded" | "failed";
}

const transactionColumns = `t.kind::text as transaction_kind, t.livemode as transaction_livemode,
  array_to_string(t.entries, ',') as entries, array_to_string(b.accounts, ',') as accounts`;
const transactionJoin = `left join ledger_transactions t
     on t.merchant_id = s.merchant_id and t.source_id = s.source_id
   left join ledger_books b on b.merchant_id = t.merchant_id and b.livemode = t.livemode`;

const attemptsStatement = platformStatement(
  "ledger.verify_attempts",
  `select s.*, ${transactionColumns}
   from (
     select merchant_id, id as source_id, livemode, channel_account_id, funding_mode, amount, currency,
       fee_amount as fee, cost_amount as cost, 0::bigint as from_available, duplicate, status
     from attempts where (merchant_id, id) > ($1::uuid, $2::uuid) and status = 'succeeded'
     order by merchant_id, id limit ${SOURCES_IN_PAGE}
   ) s ${transactionJoin}
   order by s.merchant_id, s.source_id`,
);

const refundsStatement = platformStatement(
  "ledger.verify_refunds",
  `select s.*, ${transactionColumns}
   from (
     select r.merchant_id, r.id as source_id, r.livemode, a.channel_account_id, a.funding_mode, r.amount, r.currency,
       r.fee_amount as fee, r.cost_amount as cost, r.from_available, a.duplicate, r.status
     from refunds r join attempts a on a.merchant_id = r.merchant_id and a.id = r.attempt_id
     where (r.merchant_id, r.id) > ($1::uuid, $2::uuid)
     order by r.merchant_id, r.id limit ${SOURCES_IN_PAGE}
   ) s ${transactionJoin}
   order by s.merchant_id, s.source_id`,
);

/** Succeeded attempts with the transactions that name them. */
export function readAttempts(sql: Sql): AsyncGenerator<AttemptSource[][]> {
  return readSources<AttemptSource>((merchant_id, id) => sql.query(attemptsStatement, [merchant_id, id]));
}

/** Refunds with the transactions that name them. */
export function readRefunds(sql: Sql): AsyncGenerator<RefundSource[][]> {
  return readSources<RefundSource>((merchant_id, id) => sql.query(refundsStatement, [merchant_id, id]));
}

const settlementsStatement = platformStatement(
  "ledger.verify_settlements",
  `select s.*, ${transactionColumns}
   from (
     select merchant_id, id as source_id, livemode, amount, currency, 'created' as status
     from settlements where (merchant_id, id) > ($1::uuid, $2::uuid)
     order by merchant_id, id limit ${SOURCES_IN_PAGE}
   ) s ${transactionJoin}
   order by s.merchant_id, s.source_id`,
);

/** Settlements with the transactions that name them. */
export function readSettlements(sql: Sql): AsyncGenerator<SourceRow[][]> {
  return readSources<SourceRow>((merchant_id, id) => sql.query(settlementsStatement, [merchant_id, id]));
}

/** Pages of sources, each with its rows together. */
async function* readSources<Row extends SourceRow>(
  read: (merchant_id: string, id: string) => Promise<Row[]>,
): AsyncGenerator<Row[][]> {
  for (let place = { merchant_id: FIRST_UUID, source_id: FIRST_UUID }; ; ) {
    const rows = await read(place.merchant_id, place.source_id);
    const last = rows.at(-1);
    if (last === undefined) return;
    const sources = new Map<string, Row[]>();
    for (const row of rows) {
      const name = `${row.merchant_id} ${row.source_id}`;
      sources.set(name, [...(sources.get(name) ?? []), row]);
    }
    yield [...sources.values()];
    place = last;
  }
}

export interface StrayRow {
  merchant_id: string;
  source_id: string;
  kind: string;
}

const strayStatement = platformStatement(
  "ledger.verify_strays",
  `select t.merchant_id, t.source_id, t.kind::text from ledger_transactions t
   where (t.kind in ('payment_succeeded', 'duplicate_payment_succeeded') and not exists (
       select from attempts a where a.merchant_id = t.merchant_id and a.id = t.source_id and a.status = 'succeeded'))
     or (t.kind in ('refund_initiated', 'refund_succeeded', 'refund_failed', 'duplicate_refund_succeeded') and not exists (
       select from refunds r where r.merchant_id = t.merchant_id and r.id = t.source_id))
     or (t.kind = 'settlement_created' and not exists (
       select from settlements s where s.merchant_id = t.merchant_id and s.id = t.source_id))`,
);

/** Transactions whose attempt did not succeed, or whose attempt, refund or settlement does not exist. */
export function readStrays(sql: Sql): Promise<StrayRow[]> {
  return sql.query(strayStatement);
}

export interface PaymentRow {
  merchant_id: string;
  id: string;
  refunded_amount: bigint;
  refunding_amount: bigint;
  refunded: bigint;
  refunding: bigint;
}

// Refunds without out_refund_no give duplicate payments back and do not touch the payment's amounts.
const refundTotalsStatement = platformStatement(
  "ledger.verify_refund_totals",
  `select p.merchant_id, p.id, p.refunded_amount, p.refunding_amount, coalesce(r.refunded, 0)::bigint as refunded,
     coalesce(r.refunding, 0)::bigint as refunding
   from payments p
   left join (
     select merchant_id, payment_id, sum(amount) filter (where status = 'succeeded') as refunded,
       sum(amount) filter (where status in ('created', 'sent', 'unknown')) as refunding
     from refunds where out_refund_no is not null group by merchant_id, payment_id
   ) r on r.merchant_id = p.merchant_id and r.payment_id = p.id
   where p.refunded_amount <> coalesce(r.refunded, 0) or p.refunding_amount <> coalesce(r.refunding, 0)`,
);

/** Payments whose amounts are not those of their refunds. */
export function readWrongRefundTotals(sql: Sql): Promise<PaymentRow[]> {
  return sql.query(refundTotalsStatement);
}

const wrongWinnersStatement = platformStatement(
  "ledger.verify_winners",
  `select p.merchant_id, p.id from payments p
   where p.status = 'succeeded' and not exists (
     select from attempts a where a.merchant_id = p.merchant_id and a.id = p.succeeded_attempt_id and a.payment_id = p.id
       and a.status = 'succeeded' and not a.duplicate and a.amount = p.amount and a.currency = p.currency)
   union all
   select a.merchant_id, a.payment_id from attempts a
   join payments p on p.merchant_id = a.merchant_id and p.id = a.payment_id
   where a.status = 'succeeded' and not a.duplicate and p.succeeded_attempt_id is distinct from a.id`,
);

/** Succeeded payments without a proper winner, and payments that a winner has but do not know it. */
export function readWrongWinners(sql: Sql): Promise<{ merchant_id: string; id: string }[]> {
  return sql.query(wrongWinnersStatement);
}

const paymentCountStatement = platformStatement(
  "ledger.verify_payment_count",
  "select count(*) as count from payments",
);

/** How many payments there are. */
export async function countPayments(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ count: bigint }>(paymentCountStatement);
  return Number(row?.count ?? 0n);
}
