-- Which account takes a payment: rules, limits, and what is counted for them.

create table routing_rules (
  merchant_id uuid not null references merchants (id),
  id uuid not null,
  livemode boolean not null,
  -- Null means any.
  app_id uuid,
  -- Smaller ones are tried first; equal ones in the order of their ids, which is that of time.
  priority integer not null,
  name text not null check (length(name) between 1 and 100),
  -- CEL over the payment, checked when saved.
  condition text not null,
  -- Where it leads: {"kind": "account" | "weighted" | "cheapest" | "best_success_rate", …}, with UUIDs of accounts.
  target jsonb not null,
  -- A payer stays with the account that last took their money.
  sticky boolean not null,
  -- What hour and weekday mean in the condition.
  time_zone text not null,
  created_at timestamptz not null,
  primary key (merchant_id, id)
);

-- What one account may take of one merchant in one currency. Null is no limit.
create table routing_limits (
  merchant_id uuid not null,
  channel_account_id uuid not null,
  currency text not null,
  amount_min bigint check (amount_min >= 0),
  amount_max bigint check (amount_max >= amount_min),
  -- Of what succeeds on one day of the time zone.
  day_amount_max bigint check (day_amount_max >= 0),
  -- HH:MM; both or none.
  opens_at text,
  closes_at text check ((closes_at is null) = (opens_at is null)),
  time_zone text not null,
  primary key (merchant_id, channel_account_id, currency),
  foreign key (merchant_id, channel_account_id) references channel_bindings (merchant_id, channel_account_id)
    on delete cascade
);

-- What has succeeded through an account on a day, counted only where a limit of the day is set.
create table routing_usage (
  merchant_id uuid not null,
  channel_account_id uuid not null,
  currency text not null,
  -- Of the limit's time zone.
  day date not null,
  amount bigint not null,
  primary key (merchant_id, channel_account_id, currency, day)
);

-- The account that last took a payer's money, kept only where a rule is sticky. The payer is a hash.
create table routing_payers (
  merchant_id uuid not null,
  livemode boolean not null,
  payer text not null,
  channel_account_id uuid not null,
  succeeded_at timestamptz not null,
  primary key (merchant_id, livemode, payer)
);

-- Which accounts could have taken the attempt, which did, and why.
alter table attempts add column routing jsonb;
