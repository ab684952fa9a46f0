-- Differences that people look into, and what reconciling books.

alter type ledger_transaction_kind add value 'channel_settled';
alter type ledger_transaction_kind add value 'channel_fee_adjusted';
alter type ledger_transaction_kind add value 'difference_suspended';
alter type ledger_transaction_kind add value 'difference_recovered';
alter type ledger_transaction_kind add value 'difference_written_off';
alter type ledger_transaction_kind add value 'difference_adjusted';

-- One row for each transaction that reconciling has booked, in the merchant's book.
create table reconciliation_postings (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  -- The kind of the ledger's transaction.
  kind text not null,
  channel_account_id uuid not null,
  -- The business day that it is about.
  day date not null,
  currency text not null,
  -- Below zero: the sides of the template exchanged.
  amount bigint not null check (amount <> 0),
  -- What it is about, unless it is about the whole day.
  difference_id uuid,
  created_at timestamptz not null,
  primary key (merchant_id, id)
);
create index reconciliation_postings_day on reconciliation_postings (merchant_id, channel_account_id, day);

-- What a person looks into: one difference, or very many of one type and day.
create table reconciliation_cases (
  id uuid not null,
  channel_account_id uuid not null,
  day date not null,
  type text not null,
  currency text not null,
  at_risk bigint not null,
  differences bigint not null,
  -- proposed: somebody has asked for an action, and a second person decides.
  state text not null check (state in ('open', 'proposed', 'resolved')),
  -- The operator who looks into it.
  owner_id uuid,
  action text check (action in ('adjust', 'refund_payer', 'claim', 'write_off', 'explain')),
  approval_id uuid,
  opened_at timestamptz not null,
  resolved_at timestamptz,
  -- decided: by people. gone: the difference is none any more.
  outcome text check (outcome in ('decided', 'gone')),
  reopened integer not null default 0,
  primary key (id),
  foreign key (channel_account_id, day) references reconciliation_days (channel_account_id, day),
  check ((state = 'resolved') = (outcome is not null))
);
create index reconciliation_cases_day on reconciliation_cases (channel_account_id, day);
create index reconciliation_cases_open on reconciliation_cases (opened_at) where state <> 'resolved';

-- What people say to a case, with a file if there is one.
create table reconciliation_case_comments (
  case_id uuid not null references reconciliation_cases (id),
  id uuid not null,
  author text not null,
  text text not null,
  attachment_name text,
  attachment_key text,
  created_at timestamptz not null,
  primary key (case_id, id)
);
