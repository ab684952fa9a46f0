-- Monthly settlement of agents' commission: each merchant's book gives its part to interbook, and the agent's own book
-- takes all parts from there. Two books are two postings: the settlement is written first, and a worker goes on with it
-- until both sides stand.

alter type ledger_transaction_kind add value 'commission_settled';
alter type ledger_transaction_kind add value 'commission_received';

-- The first month that is not settled, by the agent's clock, and when a worker looks. Who made or changed something: the
-- person who was signed in; null for the command line.
alter table agents add column next_month text check (next_month ~ '^\d{4}-\d{2}$');
alter table agents add column due_at timestamptz;
alter table agents add column created_by uuid;
create index agents_due on agents (due_at) where due_at is not null;
alter table agent_prices add column created_by uuid;
alter table agent_bindings add column created_by uuid;

-- Which books owe an agent commission: few accounts, looked for by the agent.
create index ledger_accounts_commission on ledger_accounts (scope) where kind = 'commission_payable';

-- One for each agent, mode, currency and month. merchant_id is the agent's own book.
create table commission_settlements (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  month text not null check (month ~ '^\d{4}-\d{2}$'),
  -- When the month ended, by the agent's clock; what was posted later is not in it.
  ends_at timestamptz not null,
  status text not null check (status in ('collecting', 'settled')),
  -- The merchants whose books give a part, fixed when it begins.
  members uuid[] not null,
  -- All parts together; negative where refunds took back more than was earned.
  total bigint not null default 0,
  -- What the month before left, and what this one leaves: negative, or held while the agent's account takes nothing.
  brought_forward bigint not null default 0,
  carried_forward bigint not null default 0,
  -- What became available.
  amount bigint not null default 0 check (amount >= 0),
  created_at timestamptz not null,
  settled_at timestamptz,
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, livemode, currency, month),
  check ((status = 'collecting') = (settled_at is null)),
  check (brought_forward + total = amount + carried_forward)
);
create index commission_settlements_due on commission_settlements (due_at) where due_at is not null;

-- What one merchant's book gives to a settlement: a range of its transactions, each in one part.
create table commission_parts (
  merchant_id uuid not null,
  id uuid not null,
  agent_id uuid not null,
  settlement_id uuid not null,
  livemode boolean not null,
  currency text not null,
  ends_at timestamptz not null,
  first_number bigint not null,
  -- One less than the first where nothing was booked.
  last_number bigint not null check (last_number >= first_number - 1),
  -- Above zero to the agent, below zero from it, zero where nothing moves.
  amount bigint not null,
  created_at timestamptz not null,
  primary key (merchant_id, id),
  -- A merchant gives one part, and a range is given once.
  unique (merchant_id, settlement_id),
  unique (merchant_id, agent_id, livemode, currency, ends_at)
);
create index commission_parts_settlement on commission_parts (settlement_id);

-- What a part consists of, by method; '' for corrections.
create table commission_lines (
  merchant_id uuid not null,
  part_id uuid not null,
  method text not null,
  payment_count bigint not null,
  payment_amount bigint not null,
  -- Earned with payments, and given back with refunds (negative).
  earned bigint not null,
  refund_count bigint not null,
  refund_amount bigint not null,
  returned bigint not null,
  primary key (merchant_id, part_id, method),
  foreign key (merchant_id, part_id) references commission_parts (merchant_id, id)
);

-- People of an agent see its subtree.
alter table users add column agent_id uuid references agents (id);
alter table users drop constraint users_role_check;
alter table users add constraint users_role_check check (role in ('operator', 'merchant', 'agent'));
alter table users add constraint users_agent_of_role check ((role = 'agent') = (agent_id is not null));
