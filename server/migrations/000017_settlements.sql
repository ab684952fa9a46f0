-- Settlement: what was pending becomes available, in batches. A batch is a range of the numbers of a book's transactions,
-- so its payments and refunds are found in the books and are not written again.

alter type ledger_transaction_kind add value 'settlement_created';

-- What the settled balance paid of a refund, because too little was pending.
alter table refunds add column from_available bigint not null default 0 check (from_available >= 0);

create table settlement_settings (
  merchant_id uuid not null,
  livemode boolean not null,
  currency text not null,
  -- T+1, D+3, weekly:1,4, monthly:15,31 or on_request.
  cycle text not null,
  calendar text not null,
  -- When on its day a run happens, in minutes since midnight by the merchant's clock.
  run_minute integer not null check (run_minute between 0 and 1439),
  -- Less than this waits for the next run.
  minimum_amount bigint not null check (minimum_amount >= 0),
  -- The day of the next run, as 2026-11-20; null on request.
  next_day text,
  -- When a worker looks; past next_day while one is at it.
  due_at timestamptz,
  updated_at timestamptz not null,
  primary key (merchant_id, livemode, currency)
);
create index settlement_settings_due on settlement_settings (due_at) where due_at is not null;

create table settlements (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  -- The cycle by which it was made.
  cycle text not null,
  -- Business days end here: what was posted later is not in it.
  cut_off_at timestamptz not null,
  -- The book's transactions that it settles, and the one that books it.
  first_number bigint not null,
  last_number bigint not null check (last_number >= first_number),
  number bigint not null check (number > last_number),
  payment_count bigint not null,
  payment_amount bigint not null,
  refund_count bigint not null,
  refund_amount bigint not null,
  adjustment_count bigint not null,
  adjustment_amount bigint not null,
  -- Fees taken (negative) and given back.
  fee_amount bigint not null,
  -- What the settled balance paid of refunds.
  from_available bigint not null,
  -- What the batch before left, and what this one leaves: refunds after the cut-off hold it back.
  brought_forward bigint not null,
  carried_forward bigint not null,
  amount bigint not null check (amount > 0),
  created_at timestamptz not null,
  primary key (merchant_id, id),
  -- A transaction is settled once.
  unique (merchant_id, livemode, currency, first_number),
  unique (merchant_id, livemode, currency, cut_off_at),
  check (
    brought_forward + payment_amount + refund_amount + adjustment_amount + fee_amount + from_available
    = amount + carried_forward
  )
);

-- Arrangements of workdays beside those that come with the program; one of the same year replaces it.
create table settlement_calendar_years (
  calendar text not null,
  year integer not null,
  arrangement jsonb not null,
  updated_at timestamptz not null,
  primary key (calendar, year)
);
