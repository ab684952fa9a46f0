-- Reconciliation: channels' bills, line by line, against the books. Days, bills and differences belong to the platform's
-- register of channel accounts, as accounts do: one account may collect for many merchants.

-- How an account is reconciled; without a row, the module's own rules hold.
create table reconciliation_rules (
  channel_account_id uuid not null references channel_accounts (id),
  -- Whose days the channel's bills are of.
  time_zone text not null,
  -- The first day that is reconciled.
  first_day date not null,
  -- Whether bills are fetched by themselves; uploaded by hand otherwise.
  fetches boolean not null,
  -- A fee may differ by so much, of a line and of a day, and is booked; more is a case. In minor units.
  fee_tolerance bigint not null check (fee_tolerance >= 0),
  fee_tolerance_day bigint not null check (fee_tolerance_day >= 0),
  -- How many days an item waits for its pair before it is a case.
  carry_days integer not null check (carry_days between 0 and 90),
  -- A day does not close by itself while a case above this is open.
  case_limit bigint not null check (case_limit >= 0),
  -- Until when the bill of a day ought to be there, in hours after the day's end.
  late_hours integer not null check (late_hours between 1 and 720),
  updated_at timestamptz not null,
  primary key (channel_account_id)
);

-- A business day of a channel account.
create table reconciliation_days (
  channel_account_id uuid not null references channel_accounts (id),
  day date not null,
  state text not null check (state in ('waiting', 'fetched', 'loaded', 'matched', 'open', 'closed')),
  -- When a worker looks next; null when nothing is left to do without news.
  due_at timestamptz,
  -- How often the channel was asked for what is missing, and what came of it last.
  tries integer not null default 0,
  problem text,
  -- Since when somebody has been told that the bill is late.
  late_since timestamptz,
  -- What was matched last: figures by currency, as JSON.
  totals jsonb,
  run uuid,
  matched_at timestamptz,
  -- Two operators agree that it closes whatever is open; a new bill takes that back.
  agreed_by uuid,
  approved_by uuid,
  agreed_reason text,
  primary key (channel_account_id, day)
);
create index reconciliation_days_due on reconciliation_days (due_at) where due_at is not null;

create sequence reconciliation_bill_numbers;

-- A bill as it came. The newest of a kind and day counts; those before are kept as files, their lines are dropped.
create table reconciliation_bills (
  id uuid not null,
  -- By which its lines name it: short, and rising, so that lines lie together.
  number bigint not null,
  channel_account_id uuid not null,
  day date not null,
  kind text not null check (kind in ('trade', 'fund_flow', 'bank')),
  version integer not null check (version > 0),
  status text not null check (status in ('current', 'replaced')),
  source text not null check (source in ('fetched', 'uploaded', 'empty')),
  -- Who uploaded it.
  uploaded_by text,
  -- Where its files are kept, as they came or decompressed: [{"name", "key", "bytes", "sha256"}].
  files jsonb not null,
  -- Of the file's bytes, or of the hashes of several; null of a day on which nothing happened.
  sha256 bytea,
  lines bigint not null,
  rejected bigint not null,
  -- What its lines come to, and what the file says of itself, as JSON.
  totals jsonb not null,
  created_at timestamptz not null,
  primary key (id),
  unique (channel_account_id, day, kind, version),
  foreign key (channel_account_id, day) references reconciliation_days (channel_account_id, day)
);
create unique index reconciliation_bills_current on reconciliation_bills (channel_account_id, day, kind)
  where status = 'current';
create unique index reconciliation_bills_number on reconciliation_bills (number);

-- Written once, by COPY, a bill at a time, so that a block range index finds a bill's lines and costs nothing to keep.
create table reconciliation_lines (
  bill bigint not null,
  file_no integer not null,
  line_no integer not null,
  entry text not null,
  status text not null,
  -- Our number, where it has the form of one of ours; as text otherwise.
  our_id uuid,
  our_no text,
  -- Of a refund: the attempt.
  original_id uuid,
  channel_trade_no text,
  channel_refund_no text,
  merchant_no text,
  currency text not null,
  amount bigint not null,
  fee bigint not null,
  occurred_at timestamptz not null,
  balance_after bigint,
  note text
);
create index reconciliation_lines_bill on reconciliation_lines using brin (bill) with (pages_per_range = 16);

-- Lines that could not be read.
create table reconciliation_rejected_lines (
  bill bigint not null,
  file_no integer not null,
  line_no integer not null,
  reason text not null,
  text text not null,
  primary key (bill, file_no, line_no)
);

-- How far a merchant's journal had come when a day of an account was matched: what is posted later, about a day that has
-- been closed, is of the first day that has not.
create table reconciliation_positions (
  merchant_id uuid not null,
  livemode boolean not null,
  channel_account_id uuid not null,
  day date not null,
  number bigint not null,
  -- All transactions up to this one are of days that are closed; known once the day is.
  floor_number bigint not null,
  primary key (merchant_id, livemode, channel_account_id, day)
);
create index reconciliation_positions_account on reconciliation_positions (channel_account_id, day);

-- What payments and refunds have moved with each channel account. Where the entries lie is the templates' order: a payment
-- debits what the channel owes first, a refund credits it second, and what the channel takes for it, or gives back, is a
-- later entry on the same account, among the next four. `amount` is above zero for what came in; `fee` is above zero for
-- what the channel took. Adding up all entries of an account instead costs three times as much.
create view ledger_channel_movements as
select t.merchant_id, t.livemode, t.number, t.kind, t.source_id, t.occurred_at, a.scope as channel_account_id, a.currency,
  a.kind = 'direct_collected' as is_direct,
  t.entries[place.first][2] as amount,
  case a.position when t.entries[3][1] then -t.entries[3][2] when t.entries[4][1] then -t.entries[4][2]
    when t.entries[5][1] then -t.entries[5][2] when t.entries[6][1] then -t.entries[6][2] else 0 end as fee
from ledger_accounts a
join ledger_transactions t on t.merchant_id = a.merchant_id and t.livemode = a.livemode
cross join lateral (
  select case when t.kind in ('payment_succeeded', 'duplicate_payment_succeeded') then 1 else 2 end as first
) place
where a.kind in ('channel_receivable', 'direct_collected')
  and t.kind in ('payment_succeeded', 'duplicate_payment_succeeded', 'refund_succeeded', 'duplicate_refund_succeeded')
  and t.entries[place.first][1] = a.position
  and not exists (
    select from ledger_transactions r
    where r.merchant_id = t.merchant_id and r.livemode = t.livemode and r.reverses = t.number
  );

-- What two records say differently, or only one of them says.
create table reconciliation_differences (
  id uuid not null,
  channel_account_id uuid not null,
  day date not null,
  -- What it is about, within the day: the same after every matching.
  subject text not null,
  -- 1: our attempts and refunds and the trade bill; 2: trade bill and fund flow; 3: fund flow and bank.
  layer smallint not null check (layer between 1 and 3),
  -- Whose record has it.
  side text not null check (side in ('ours', 'channel', 'both')),
  type text not null check (type in ('channel_only', 'ours_only', 'amount', 'currency', 'fee', 'status', 'duplicate',
    'refund_missing', 'unknown_number', 'cross_day', 'late_refund')),
  state text not null check (state in ('carried', 'open', 'resolved')),
  -- How it was resolved.
  resolution text check (resolution in ('healed', 'paired', 'booked', 'vanished', 'decided')),
  -- The matchings that saw it first and last.
  first_run uuid not null,
  run uuid not null,
  merchant_id uuid,
  livemode boolean not null,
  entry text not null,
  -- The attempt's or refund's.
  our_id uuid,
  our_no text,
  original_id uuid,
  channel_trade_no text,
  file_no integer,
  line_no integer,
  -- Of our side where there is one; the channel's, where the two differ.
  currency text not null,
  channel_currency text,
  our_amount bigint,
  channel_amount bigint,
  our_fee bigint,
  channel_fee bigint,
  our_status text,
  channel_status text,
  -- Money that may be wrong, in minor units of `currency`, above zero.
  at_risk bigint not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null,
  -- When the channel was asked about it, and what came of it.
  asked_at timestamptz,
  asked_result text,
  resolved_at timestamptz,
  -- The day whose matching resolved it, and its other half.
  resolved_day date,
  pair_id uuid,
  case_id uuid,
  -- What of it lies in suspense in the merchant's book: above zero where money is missing.
  suspended bigint not null default 0,
  primary key (id),
  unique (channel_account_id, day, subject),
  foreign key (channel_account_id, day) references reconciliation_days (channel_account_id, day),
  check ((state = 'resolved') = (resolution is not null))
);
create index reconciliation_differences_unresolved on reconciliation_differences (channel_account_id, our_id)
  where state <> 'resolved';
create index reconciliation_differences_case on reconciliation_differences (case_id) where case_id is not null;

-- A day as it was closed. Never changed: what becomes known later is of a later day.
create table reconciliation_closings (
  channel_account_id uuid not null,
  day date not null,
  closed_at timestamptz not null,
  -- Null where it closed by itself.
  closed_by uuid,
  approved_by uuid,
  reason text,
  -- The figures of the day, its bills and what was carried, as JSON, and the SHA-256 of that text.
  statement text not null,
  sha256 bytea not null,
  primary key (channel_account_id, day),
  foreign key (channel_account_id, day) references reconciliation_days (channel_account_id, day)
);
create function reconciliation_closings_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the closing of a day is never changed or deleted' using errcode = 'restrict_violation';
end $$;
create trigger reconciliation_closings_append_only before update or delete or truncate on reconciliation_closings
  for each statement execute function reconciliation_closings_refuse_change();
