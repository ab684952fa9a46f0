/** Reading what one book says between two of its transactions: sums by account, and the entries page by page. */
import { plainArray } from "../kit/sql/arrays.ts";
import type { Sql } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import type { AccountKind } from "./accounts.ts";
import type { Entry } from "./balances.ts";
import type { BookAccount } from "./past.ts";
import type { TransactionKind } from "./posting.ts";
import type { BookKey } from "./store.ts";

/** The transactions of a book with a number above `after`, up to and including `until`. */
export interface Period extends BookKey {
  readonly after: bigint;
  readonly until: bigint;
}

/** What changed an account: how often, and by how much up and down. */
export interface Turnover {
  readonly entry_count: number;
  /** Minor units; neither is below zero. */
  readonly amount_in: bigint;
  readonly amount_out: bigint;
}

const turnoverStatement = tenantStatement(
  "ledger.turnover",
  `select t.entries[line][1]::int as position, count(*)::int as entry_count,
     coalesce(sum(t.entries[line][2]) filter (where t.entries[line][2] > 0), 0)::bigint as amount_in,
     coalesce(-sum(t.entries[line][2]) filter (where t.entries[line][2] < 0), 0)::bigint as amount_out
   from ledger_transactions t cross join generate_subscripts(t.entries, 1) as line
   where t.merchant_id = $1 and t.livemode = $2 and t.number > $3 and t.number <= $4
     and t.entries[line][1] = any ($5::bigint[])
   group by 1`,
);

/** Transactions summed by one statement, so that none runs into its time limit. */
const SUMMED_MAX = 500_000n;

const min = (a: bigint, b: bigint) => (a < b ? a : b);

/** Turnover of accounts in a period, by position; accounts that did not move are left out. */
export async function sumTurnover(
  sql: Sql,
  period: Period,
  accounts: readonly BookAccount[],
): Promise<Map<number, Turnover>> {
  const { merchant_id, livemode, until } = period;
  const positions = plainArray(accounts.map(({ position }) => position));
  const sums = new Map<number, Turnover>();
  for (let after = period.after; after < until; after += SUMMED_MAX) {
    const values = [merchant_id, livemode, after, min(after + SUMMED_MAX, until), positions];
    for (const row of await sql.query<Turnover & { position: number }>(turnoverStatement, values)) {
      const { entry_count, amount_in, amount_out } = sums.get(row.position) ?? NOTHING;
      sums.set(row.position, {
        entry_count: entry_count + row.entry_count,
        amount_in: amount_in + row.amount_in,
        amount_out: amount_out + row.amount_out,
      });
    }
  }
  return sums;
}

const NOTHING: Turnover = { entry_count: 0, amount_in: 0n, amount_out: 0n };

/** Transactions read at once: what a reader of any number of entries holds in memory. */
export const TRANSACTIONS_IN_PAGE = 500;

const pageStatement = tenantStatement(
  "ledger.period_page",
  `select number, kind::text, source_id, occurred_at, posted_at, array_to_string(entries, ',') as entries
   from ledger_transactions where merchant_id = $1 and livemode = $2 and number > $3 and number <= $4
   order by merchant_id, livemode, number limit ${TRANSACTIONS_IN_PAGE}`,
);

interface PageRow {
  number: bigint;
  kind: TransactionKind;
  source_id: string;
  occurred_at: number;
  posted_at: number;
  /** Position, amount and balance after of each entry, one after another. */
  entries: string;
}

const accountsStatement = tenantStatement(
  "ledger.accounts",
  "select position, kind, currency, scope from ledger_accounts where merchant_id = $1 and livemode = $2",
);

export interface WantedEntries extends Period {
  /** Only accounts of these kinds, and of this currency where one is given. */
  readonly kinds: readonly AccountKind[];
  readonly currency?: string | undefined;
}

/**
 * The entries of a period in the order of posting, a page at a time: the next is read when it is asked for, by its key,
 * in a statement of its own. Pages without a wanted entry are left out.
 */
export async function* readEntryPages(sql: Sql, wanted: WantedEntries): AsyncGenerator<Entry[]> {
  const { merchant_id, livemode, kinds, currency } = wanted;
  const described = await sql.query<BookAccount>(accountsStatement, [merchant_id, livemode]);
  const shown = described.filter((it) => kinds.includes(it.kind) && (currency ?? it.currency) === it.currency);
  const accounts = new Map(shown.map((account) => [account.position, account]));
  for (let after = wanted.after; accounts.size > 0 && after < wanted.until; ) {
    const rows = await sql.query<PageRow>(pageStatement, [merchant_id, livemode, after, wanted.until]);
    const end = rows.at(-1);
    if (end === undefined) return;
    const page = rows.flatMap((row) => toEntries(row, accounts));
    if (page.length > 0) yield page;
    after = end.number;
  }
}

function toEntries(row: PageRow, accounts: ReadonlyMap<number, BookAccount>): Entry[] {
  const { number, kind: transaction_kind, source_id, occurred_at, posted_at } = row;
  const fields = row.entries.split(",");
  const entries: Entry[] = [];
  for (let at = 0; at < fields.length; at += 3) {
    const account = accounts.get(Number(fields[at]));
    if (!account) continue;
    const { kind, currency, scope } = account;
    const [amount, balance_after] = [BigInt(fields[at + 1]!), BigInt(fields[at + 2]!)];
    const facts = { transaction_kind, source_id, occurred_at, posted_at };
    entries.push({ number, line: at / 3 + 1, kind, currency, scope, amount, balance_after, ...facts });
  }
  return entries;
}
