-- Reserves: a part of what is settled is held back against refunds and chargebacks, and released later.

alter type ledger_transaction_kind add value 'reserve_released';

-- What the reserve paid of a refund, because too little was pending and available.
alter table refunds add column from_reserve bigint not null default 0 check (from_reserve >= 0);

-- What is held back from when on. Rows are never changed: the latest that has begun counts.
create table reserve_settings (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  effective_from timestamptz not null,
  -- Of each settlement this many parts per million are held for so many days.
  rolling_rate_ppm bigint not null check (rolling_rate_ppm between 0 and 1000000),
  rolling_days integer not null check (rolling_days between 0 and 3650),
  -- Beside it settlements fill this sum, and it is kept.
  fixed_amount bigint not null check (fixed_amount >= 0),
  -- Whether refunds that neither pending nor available money can pay may draw on the reserve.
  covers_refunds boolean not null,
  created_at timestamptz not null,
  primary key (merchant_id, id),
  check ((rolling_rate_ppm = 0) = (rolling_days = 0))
);
create index reserve_settings_in_force on reserve_settings (merchant_id, livemode, currency, effective_from, id);

-- A part that a settlement left behind. What is held of it is its amount less what was released and what refunds drew.
create table reserves (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  kind text not null check (kind in ('rolling', 'fixed')),
  settlement_id uuid not null,
  amount bigint not null check (amount > 0),
  released_amount bigint not null default 0 check (released_amount >= 0),
  drawn_amount bigint not null default 0 check (drawn_amount >= 0),
  -- When a rolling part is released; a fixed one when the agreed sum is lowered.
  release_at timestamptz,
  created_at timestamptz not null,
  -- When a worker looks.
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, settlement_id, kind),
  check (released_amount + drawn_amount <= amount),
  check ((kind = 'rolling') = (release_at is not null))
);
create index reserves_due on reserves (due_at) where due_at is not null;
create index reserves_held on reserves (merchant_id, livemode, currency, kind, id)
  where released_amount + drawn_amount < amount;

-- What became available again. The ledger's reserve_released is of such a row.
create table reserve_releases (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  reserve_id uuid not null,
  amount bigint not null check (amount > 0),
  -- due: its time has come; lowered: the agreed sum was; early: decided by a person.
  reason text not null check (reason in ('due', 'lowered', 'early')),
  created_at timestamptz not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, reserve_id) references reserves
);
create index reserve_releases_of on reserve_releases (merchant_id, reserve_id);

-- What refunds drew on which part; one that failed has given it back.
create table reserve_draws (
  merchant_id uuid not null,
  refund_id uuid not null,
  reserve_id uuid not null,
  amount bigint not null check (amount > 0),
  returned_at timestamptz,
  primary key (merchant_id, refund_id, reserve_id),
  foreign key (merchant_id, reserve_id) references reserves
);
create index reserve_draws_of on reserve_draws (merchant_id, reserve_id);
