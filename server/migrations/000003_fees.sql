-- What the platform takes from a merchant (fee_rules) and what a channel takes from the platform (channel_cost_rules).
-- The most specific rule that is in force prices an attempt; the attempt keeps the rule.

create table fee_rules (
  merchant_id uuid not null references merchants (id),
  id uuid not null,
  livemode boolean not null,
  -- Null means any.
  app_id uuid,
  channel_account_id uuid,
  method text,
  currency text not null,
  rate_ppm bigint not null check (rate_ppm between 0 and 1000000),
  fixed_amount bigint not null default 0 check (fixed_amount >= 0),
  floor_amount bigint not null default 0 check (floor_amount >= 0),
  cap_amount bigint check (cap_amount >= floor_amount),
  rounding text not null default 'half_up' check (rounding in ('half_up', 'half_even', 'up', 'down')),
  refund_returns_fee boolean not null default true,
  effective_from timestamptz not null,
  created_at timestamptz not null,
  primary key (merchant_id, id)
);

create table channel_cost_rules (
  channel_account_id uuid not null references channel_accounts (id),
  id uuid not null,
  method text,
  currency text not null,
  rate_ppm bigint not null check (rate_ppm between 0 and 1000000),
  fixed_amount bigint not null default 0 check (fixed_amount >= 0),
  floor_amount bigint not null default 0 check (floor_amount >= 0),
  cap_amount bigint check (cap_amount >= floor_amount),
  rounding text not null default 'half_up' check (rounding in ('half_up', 'half_even', 'up', 'down')),
  refund_returns_cost boolean not null default true,
  effective_from timestamptz not null,
  created_at timestamptz not null,
  primary key (channel_account_id, id)
);
