-- A channel account is what the platform (pooled) or a merchant (direct) has with a channel.

create table channel_accounts (
  id uuid primary key,
  -- The merchant whose own account it is (direct), or null for the platform's (pooled).
  owner_merchant_id uuid references merchants (id),
  channel text not null,
  name text not null check (length(name) between 1 and 100),
  funding_mode text not null check (funding_mode in ('direct', 'pooled')),
  livemode boolean not null,
  status text not null default 'enabled' check (status in ('enabled', 'disabled')),
  methods text[] not null,
  config jsonb not null,
  -- All secret fields as one JSON object, sealed (kit/crypto).
  secrets_sealed bytea not null,
  -- Rises with every change of config or secrets; names cached keys.
  version integer not null default 1,
  created_at timestamptz not null,
  check ((funding_mode = 'direct') = (owner_merchant_id is not null))
);

-- Which merchants may collect through which account, in which order they are tried.
create table channel_bindings (
  merchant_id uuid not null references merchants (id),
  channel_account_id uuid not null references channel_accounts (id),
  livemode boolean not null,
  priority integer not null default 100,
  created_at timestamptz not null,
  primary key (merchant_id, channel_account_id)
);
