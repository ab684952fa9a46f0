-- The books. A merchant has two, test and live; each balances to zero by itself in every currency.
--
-- A transaction and its entries are one row, and a book's balances are one row: a posting is one insert, and one update
-- however many accounts it moves. With a row per entry and per account the same machine posted a third as much
-- (docs/adr/0009-one-row-per-posting.md). The views below show one row per entry and per account.

create type ledger_transaction_kind as enum (
  'payment_succeeded',
  'duplicate_payment_succeeded',
  'refund_initiated',
  'refund_succeeded',
  'refund_failed',
  'duplicate_refund_succeeded',
  'reversal'
);

-- Whether every balance is at its minimum or above; no minimum is null.
create function ledger_bounds_hold(balances bigint[], minimums bigint[]) returns boolean
  immutable parallel safe language plpgsql as $$
begin
  for i in 1 .. cardinality(balances) loop
    if balances[i] < minimums[i] then
      return false;
    end if;
  end loop;
  return true;
end $$;

-- The three arrays run in parallel, an element for each account in the order of their first posting. Who posts locks
-- this row first, so transactions of one book are numbered without gaps and their balances form an unbroken chain.
create table ledger_books (
  merchant_id uuid not null,
  livemode boolean not null,
  -- Number of the last transaction.
  number bigint not null default 0,
  accounts bigint[] not null default '{}',
  balances bigint[] not null default '{}',
  minimums bigint[] not null default '{}',
  primary key (merchant_id, livemode),
  constraint ledger_books_same_length check (
    cardinality(accounts) = cardinality(balances) and cardinality(accounts) = cardinality(minimums)
  ),
  -- Written out, because the function costs more than the rest of the update; a missing element is null and passes.
  constraint ledger_books_bounds check (
    balances[1] >= minimums[1] and balances[2] >= minimums[2] and balances[3] >= minimums[3]
    and balances[4] >= minimums[4] and balances[5] >= minimums[5] and balances[6] >= minimums[6]
    and balances[7] >= minimums[7] and balances[8] >= minimums[8]
    and (cardinality(balances) <= 8 or ledger_bounds_hold(balances, minimums))
  )
) with (fillfactor = 50);

-- What stands at each position of a book's arrays. The id is a hash of kind, currency and scope (ledger/accounts.ts),
-- negative for accounts whose balance grows on the credit side, so the same account has the same id in every book.
create table ledger_accounts (
  merchant_id uuid not null,
  livemode boolean not null,
  -- Counts from 1; never changes.
  position integer not null,
  id bigint not null,
  kind text not null,
  currency text not null,
  -- The channel account it is kept for, or zero.
  scope uuid not null,
  primary key (merchant_id, livemode, position)
);

create table ledger_transactions (
  merchant_id uuid not null,
  livemode boolean not null,
  -- Counts from 1 within the book.
  number bigint not null,
  -- The attempt or refund that it books. With the kind it is the natural key: nothing is booked twice.
  source_id uuid not null,
  occurred_at timestamptz not null,
  posted_at timestamptz not null,
  kind ledger_transaction_kind not null,
  -- Number of the transaction whose entries this one takes back.
  reverses bigint,
  -- One entry each: {position of the account, amount, balance after}. The amount is the change of the account's balance,
  -- so a debit is positive on a debit account and negative on a credit account.
  entries bigint[] not null check (array_length(entries, 2) = 3),
  primary key (merchant_id, livemode, number),
  constraint ledger_transactions_natural_key unique (merchant_id, source_id, kind)
);
create unique index ledger_transactions_reversed_once on ledger_transactions (merchant_id, livemode, reverses)
  where reverses is not null;

-- Append-only: a wrong transaction is reversed. The triggers fire per statement, so inserts do not pay for them, and
-- look at nothing, so they may be allowed on a distributed table (citus.enable_unsafe_triggers).
create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger transactions are never changed or deleted: reverse them' using errcode = 'restrict_violation';
end $$;
create trigger ledger_transactions_append_only before update or delete or truncate on ledger_transactions
  for each statement execute function ledger_refuse_change();

create view ledger_entries as
select t.merchant_id, t.livemode, t.number, line, t.kind as transaction_kind, t.source_id, t.occurred_at, t.posted_at,
  a.kind as account_kind, a.currency, a.scope, a.id as account_id,
  t.entries[line][1] as account_position,
  t.entries[line][2] as amount, t.entries[line][3] as balance_after
from ledger_transactions t
cross join generate_subscripts(t.entries, 1) as line
left join ledger_accounts a
  on a.merchant_id = t.merchant_id and a.livemode = t.livemode and a.position = t.entries[line][1];

create view ledger_balances as
select b.merchant_id, b.livemode, a.kind as account_kind, a.currency, a.scope, u.account_id, u.position as account_position,
  u.balance, u.minimum
from ledger_books b
cross join unnest(b.accounts, b.balances, b.minimums) with ordinality as u (account_id, balance, minimum, position)
left join ledger_accounts a
  on a.merchant_id = b.merchant_id and a.livemode = b.livemode and a.position = u.position;
