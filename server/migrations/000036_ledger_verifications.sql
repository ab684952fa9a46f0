-- What verification has proved, so that the next one may go on from there.

-- One row for each run.
create table ledger_verifications (
  id uuid primary key,
  -- From the beginning, or from where the run before ended.
  kind text not null check (kind in ('full', 'incremental')),
  started_at timestamptz not null,
  finished_at timestamptz not null,
  -- What was looked at, and the first of what differed.
  findings jsonb not null,
  difference_count bigint not null
);
create index ledger_verifications_started on ledger_verifications (started_at);

-- How far each book was proved by a run that found nothing wrong, and its balances there, by position of the account.
create table ledger_verified_books (
  merchant_id uuid not null,
  livemode boolean not null,
  number bigint not null,
  balances bigint[] not null,
  primary key (merchant_id, livemode)
);
