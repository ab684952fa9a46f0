-- Payouts: what is available to a merchant leaves to a beneficiary.

alter type ledger_transaction_kind add value 'payout_initiated';
alter type ledger_transaction_kind add value 'payout_succeeded';
alter type ledger_transaction_kind add value 'payout_failed';
alter type ledger_transaction_kind add value 'payout_cancelled';
alter type ledger_transaction_kind add value 'payout_returned';

-- How a merchant is paid out, for each of its books and currencies. Null sets no limit.
create table payout_settings (
  merchant_id uuid not null,
  livemode boolean not null,
  currency text not null,
  fee_rate_ppm bigint not null default 0 check (fee_rate_ppm between 0 and 1000000),
  fee_fixed_amount bigint not null default 0 check (fee_fixed_amount >= 0),
  fee_floor_amount bigint not null default 0 check (fee_floor_amount >= 0),
  fee_cap_amount bigint check (fee_cap_amount >= fee_floor_amount),
  -- Taken besides the amount, or out of it; and given back when a bank returns what was paid, or kept.
  fee_on_top boolean not null default true,
  fee_returns boolean not null default false,
  single_minimum bigint not null default 1 check (single_minimum > 0),
  single_maximum bigint check (single_maximum > 0),
  day_count_maximum integer check (day_count_maximum >= 0),
  day_amount_maximum bigint check (day_amount_maximum >= 0),
  month_amount_maximum bigint check (month_amount_maximum >= 0),
  -- More than this is reviewed by a person.
  review_above bigint check (review_above >= 0),
  -- The channel accounts that pay, the preferred first; empty: in the order of the merchant's bindings.
  channel_accounts uuid[] not null default '{}',
  -- After each settlement all but `automatic_keep` goes to this beneficiary, when it is `automatic_minimum` or more.
  automatic_beneficiary_id uuid,
  automatic_minimum bigint not null default 1 check (automatic_minimum > 0),
  automatic_keep bigint not null default 0 check (automatic_keep >= 0),
  updated_at timestamptz not null,
  primary key (merchant_id, livemode, currency)
);

-- Settlements that ask for a payout, the latest of each. A table of its own: who settles holds the book when it writes here, and
-- who pays out takes the settings before the book.
create table payout_automatic (
  merchant_id uuid not null,
  livemode boolean not null,
  currency text not null,
  settlement_id uuid not null,
  due_at timestamptz not null,
  primary key (merchant_id, livemode, currency)
);
create index payout_automatic_due on payout_automatic (due_at);

-- What a transfer costs the platform, through a channel account or (zero) by its bank.
create table payout_costs (
  channel_account_id uuid not null,
  livemode boolean not null,
  currency text not null,
  rate_ppm bigint not null default 0 check (rate_ppm between 0 and 1000000),
  fixed_amount bigint not null default 0 check (fixed_amount >= 0),
  floor_amount bigint not null default 0 check (floor_amount >= 0),
  cap_amount bigint check (cap_amount >= floor_amount),
  updated_at timestamptz not null,
  primary key (channel_account_id, livemode, currency)
);

create table payout_batches (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  currency text not null,
  file_name text,
  -- SHA-256 of the file: the same file again is the same batch.
  file_hash bytea not null,
  status text not null check (status in ('invalid', 'ready', 'confirmed', 'finished', 'cancelled')),
  line_count integer not null,
  error_count integer not null,
  -- What the beneficiaries get, and the fees, by the rules at upload.
  transfer_amount bigint not null,
  fee_amount bigint not null,
  created_by text not null,
  confirmed_by text,
  created_at timestamptz not null,
  confirmed_at timestamptz,
  finished_at timestamptz,
  due_at timestamptz,
  primary key (merchant_id, id)
);
create unique index payout_batches_file on payout_batches (merchant_id, app_id, livemode, file_hash)
  where status in ('ready', 'confirmed', 'finished');
create index payout_batches_due on payout_batches (due_at) where due_at is not null;

create table payout_batch_lines (
  merchant_id uuid not null,
  batch_id uuid not null,
  -- As the file counts, its heading included.
  line integer not null,
  out_payout_no text,
  amount bigint,
  beneficiary_id uuid,
  title text,
  -- What is wrong with it, a list of {column, problem}; empty when nothing is.
  problems jsonb not null default '[]',
  payout_id uuid,
  -- Why no payout was made of it after the batch was confirmed.
  failure_code text,
  failure_message text,
  primary key (merchant_id, batch_id, line),
  foreign key (merchant_id, batch_id) references payout_batches (merchant_id, id)
);
create index payout_batch_lines_open on payout_batch_lines (merchant_id, batch_id, line)
  where payout_id is null and failure_code is null;

-- Payouts that the bank is told of by a file; the bank does them, and a person says what came of each.
create table payout_bank_files (
  id uuid primary key,
  livemode boolean not null,
  currency text not null,
  payout_count integer not null,
  amount bigint not null,
  created_by text not null,
  created_at timestamptz not null
);

create table payouts (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  -- Null when the platform made it by itself after a settlement.
  app_id uuid,
  -- The merchant's number; null likewise.
  out_payout_no text,
  request_hash bytea,
  status text not null check (
    status in ('created', 'in_review', 'pending', 'sent', 'unknown', 'succeeded', 'failed', 'returned', 'cancelled')
  ),
  currency text not null,
  -- What was asked for, what the beneficiary gets, and the fee: the merchant pays the last two.
  amount bigint not null check (amount > 0),
  transfer_amount bigint not null check (transfer_amount > 0),
  fee_amount bigint not null check (fee_amount >= 0),
  fee_returns boolean not null,
  -- What the transfer costs the platform; known once it is routed.
  cost_amount bigint not null default 0 check (cost_amount >= 0),
  beneficiary_id uuid not null,
  beneficiary_version integer not null,
  title text,
  metadata jsonb not null default '{}',
  batch_id uuid,
  batch_line integer,
  settlement_id uuid,
  approval_id uuid,
  -- Who pays it: a channel through its account, or `bank` by a file. Null until it is routed.
  channel text,
  channel_account_id uuid,
  bank_file_id uuid references payout_bank_files (id),
  -- Sent to the channel: the 26 characters of id.
  transfer_no text not null,
  channel_transfer_no text,
  -- What the beneficiary must do, where the channel asks for it.
  action jsonb,
  -- Why it waits: cooling, refused (the book may not pay out), no_channel.
  waits_for text,
  failure_code text,
  failure_message text,
  unknown_reason text,
  -- Who recorded a result that no channel told.
  recorded_by text,
  created_at timestamptz not null,
  sent_at timestamptz,
  succeeded_at timestamptz,
  finished_at timestamptz,
  -- How often a worker took it to call the channel, and how often it has asked.
  call_count integer not null default 0,
  query_count integer not null default 0,
  -- When a worker next looks; null once nothing is left to do, or while a person must act. Moved forward by claims.
  due_at timestamptz,
  primary key (merchant_id, id),
  constraint payouts_number unique (merchant_id, app_id, livemode, out_payout_no),
  constraint payouts_batch_line unique (merchant_id, batch_id, batch_line),
  constraint payouts_settlement unique (merchant_id, settlement_id),
  foreign key (merchant_id, beneficiary_id) references beneficiaries (merchant_id, id),
  check ((app_id is null) = (out_payout_no is null)),
  check (status in ('created', 'in_review', 'pending', 'failed', 'cancelled') or channel is not null)
);
create index payouts_due on payouts (channel, due_at) where due_at is not null;
create index payouts_bank_pending on payouts (livemode, currency, merchant_id, id)
  where channel = 'bank' and status = 'pending';
-- For operators, who have a number from the bank and no merchant.
create index payouts_id on payouts (id);
create index payouts_bank_file on payouts (bank_file_id) where bank_file_id is not null;
