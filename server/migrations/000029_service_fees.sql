-- Direct mode: service fees are invoiced, and paid from the bank, out of a prepaid balance, or of what is available.

alter type ledger_transaction_kind add value 'service_fee_topped_up';
alter type ledger_transaction_kind add value 'service_fee_returned';
alter type ledger_transaction_kind add value 'service_fee_paid';
alter type ledger_transaction_kind add value 'service_fee_deducted';
alter type ledger_transaction_kind add value 'service_fee_collected';

create table service_fee_settings (
  merchant_id uuid not null references merchants (id),
  livemode boolean not null,
  currency text not null,
  cycle text not null check (cycle in ('daily', 'weekly', 'monthly', 'on_request')),
  -- Where the money comes from: transfers that an operator records, what was paid in advance, or the settled balance.
  collection text not null check (collection in ('bank', 'prepaid', 'available')),
  issue text not null check (issue in ('automatic', 'manual')),
  -- Until when an invoice is to be paid, in days of the merchant's calendar after its issue.
  due_days integer not null check (due_days between 0 and 365),
  -- What is left of the prepaid balance after fees that are not deducted yet: below the first a warning, below the
  -- second no new payment in direct mode. Null is never; the second may be below zero.
  warn_below bigint,
  stop_below bigint,
  -- The day on which the next invoice is made, as 2026-11-20, and when a worker looks; null on request.
  next_day text,
  due_at timestamptz,
  -- When the balance is looked at next; null where nothing follows from it.
  watch_due_at timestamptz,
  low_since timestamptz,
  stopped_at timestamptz,
  updated_at timestamptz not null,
  primary key (merchant_id, livemode, currency),
  check (collection = 'prepaid' or (warn_below is null and stop_below is null)),
  check (stopped_at is null or stop_below is not null)
);
create index service_fee_settings_due on service_fee_settings (due_at) where due_at is not null;
create index service_fee_settings_watch_due on service_fee_settings (watch_due_at) where watch_due_at is not null;
create index service_fee_settings_stopped on service_fee_settings (merchant_id) where stopped_at is not null;

-- An invoice is a range of the numbers of a book's transactions, as a settlement is.
create table service_fee_invoices (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  cycle text not null,
  -- Where the invoice before ended; null for the first.
  period_from timestamptz,
  cut_off_at timestamptz not null,
  first_number bigint not null,
  last_number bigint not null check (last_number >= first_number),
  -- Payments and refunds that moved fees: what they were of, and the fees.
  payment_count bigint not null,
  payment_amount bigint not null,
  fee_amount bigint not null,
  refund_count bigint not null,
  refund_amount bigint not null,
  -- Fees that came back (negative), less what refunds that failed gave up again.
  returned_amount bigint not null,
  adjustment_count bigint not null,
  adjustment_amount bigint not null,
  -- Of invoices that were made void.
  brought_forward bigint not null check (brought_forward >= 0),
  amount bigint not null check (amount > 0),
  paid_amount bigint not null default 0 check (paid_amount between 0 and amount),
  status text not null check (status in ('open', 'issued', 'partly_paid', 'paid', 'overdue', 'void')),
  created_at timestamptz not null,
  issued_at timestamptz,
  pay_by timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  -- The invoice that a void one's amount was brought forward to.
  taken_up_by uuid,
  -- When a worker looks: to collect, or because it becomes overdue.
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, livemode, currency, first_number),
  unique (merchant_id, livemode, currency, cut_off_at),
  check (fee_amount + returned_amount + adjustment_amount + brought_forward = amount),
  check ((status = 'paid') = (paid_amount = amount)),
  check (status in ('partly_paid', 'overdue', 'paid') or paid_amount = 0),
  check ((status in ('open', 'void') or issued_at is not null) and (issued_at is null) = (pay_by is null)),
  check ((status = 'void') = (voided_at is not null) and (taken_up_by is null or status = 'void'))
);
create index service_fee_invoices_due on service_fee_invoices (due_at) where due_at is not null;

-- What was paid of invoices, each with its posting.
create table service_fee_payments (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  invoice_id uuid not null,
  source text not null check (source in ('bank', 'prepaid', 'available')),
  amount bigint not null check (amount > 0),
  -- The bank's, where it came from there; once for each invoice.
  reference text check (length(reference) between 1 and 128),
  made_by uuid,
  -- The book's transaction.
  number bigint not null,
  created_at timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, invoice_id, reference),
  foreign key (merchant_id, invoice_id) references service_fee_invoices (merchant_id, id),
  check ((source = 'bank') = (reference is not null))
);

-- What was paid in advance, and given back of it.
create table service_fee_deposits (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  kind text not null check (kind in ('top_up', 'return')),
  amount bigint not null check (amount > 0),
  reference text not null check (length(reference) between 1 and 128),
  made_by uuid,
  number bigint not null,
  created_at timestamptz not null,
  primary key (merchant_id, id),
  -- A transfer is booked once.
  unique (merchant_id, livemode, currency, kind, reference)
);
