-- Merchants, their apps and API keys. Small tables, read on every request: on a distributed database they are
-- reference tables, so api_keys may be looked up by its prefix without knowing the merchant.

create table merchants (
  id uuid primary key,
  name text not null check (length(name) between 1 and 100),
  status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  time_zone text not null default 'Asia/Shanghai',
  created_at timestamptz not null
);

create table apps (
  merchant_id uuid not null references merchants (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 100),
  status text not null default 'active' check (status in ('active', 'disabled')),
  -- Signs deliveries to a payment's own notify_url; endpoints have secrets of their own. Sealed (kit/crypto).
  webhook_secret_sealed bytea not null,
  -- After a rotation the old secret signs too, until then.
  previous_webhook_secret_sealed bytea,
  previous_webhook_secret_until timestamptz,
  created_at timestamptz not null,
  primary key (merchant_id, id)
);

create table api_keys (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  name text not null default '',
  -- The first characters of the key, shown in lists and used to find it: sk_test_ and 12 more.
  prefix text not null,
  -- SHA-256 of the whole key. A key has 190 random bits, so a fast hash is enough.
  hash bytea not null,
  created_at timestamptz not null,
  -- Set when a successor was made: both keys work until then.
  expires_at timestamptz,
  revoked_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, app_id) references apps (merchant_id, id)
);
create index api_keys_prefix on api_keys (prefix);
