-- Agents bring merchants, in levels, and earn the difference of prices between theirs and the level below.
-- Few rows, read for pricing: on a distributed database agents and their prices are reference tables, like merchants.

-- An agent has a book like a merchant's, under its own id: its row here is what that book belongs to.
alter table merchants add column kind text not null default 'merchant' check (kind in ('merchant', 'agent'));

create table agents (
  id uuid primary key references merchants (id),
  -- Null for those directly under the platform.
  parent_id uuid references agents (id),
  -- From the topmost down to itself.
  path uuid[] not null,
  name text not null check (length(name) between 1 and 100),
  created_at timestamptz not null,
  constraint agents_path_ends check (path[cardinality(path)] = id),
  constraint agents_path_of_parent check (
    case when parent_id is null then cardinality(path) = 1 else path[cardinality(path) - 1] = parent_id end
  )
);
create index agents_parent on agents (parent_id);
create index agents_path on agents using gin (path);

-- What an agent pays to the level above, and within what it gives on to the level below. A row never changes.
create table agent_prices (
  agent_id uuid not null references agents (id),
  id uuid not null,
  -- A method (wechat.native), all of a channel (wechat.*), or null for all.
  method text,
  currency text not null,
  rate_ppm bigint not null,
  fixed_amount bigint not null,
  -- What a sub-agent pays that has no price of its own.
  default_rate_ppm bigint not null,
  default_fixed_amount bigint not null,
  minimum_rate_ppm bigint not null,
  minimum_fixed_amount bigint not null,
  maximum_rate_ppm bigint not null,
  maximum_fixed_amount bigint not null,
  effective_from timestamptz not null,
  created_at timestamptz not null,
  primary key (agent_id, id),
  check (0 <= rate_ppm and rate_ppm <= minimum_rate_ppm and minimum_rate_ppm <= default_rate_ppm
    and default_rate_ppm <= maximum_rate_ppm and maximum_rate_ppm <= 1000000),
  check (0 <= fixed_amount and fixed_amount <= minimum_fixed_amount and minimum_fixed_amount <= default_fixed_amount
    and default_fixed_amount <= maximum_fixed_amount)
);

-- Whose merchant one is, from when; a null agent ends it.
create table agent_bindings (
  merchant_id uuid not null references merchants (id),
  effective_from timestamptz not null,
  agent_id uuid references agents (id),
  created_at timestamptz not null,
  primary key (merchant_id, effective_from)
);
create index agent_bindings_agent on agent_bindings (agent_id);

-- What agents earn of the fee, as it was priced: [{"agent_id": "…", "amount": "12"}], topmost first; null is nobody.
alter table attempts add column commissions jsonb;
-- What of it comes back with this refund.
alter table refunds add column commissions jsonb;
