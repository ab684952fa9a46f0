-- What keeps channel accounts working while their credentials change: versions that were replaced a short time ago, and
-- which warnings of an expiry have been given. Both belong to the platform's register of accounts, as accounts do.

-- A channel goes on telling, under the old keys, what it began to tell before they were replaced.
create table channel_account_versions (
  channel_account_id uuid not null references channel_accounts (id),
  version integer not null,
  config jsonb not null,
  -- Sealed as those of the account itself.
  secrets_sealed bytea not null,
  replaced_at timestamptz not null,
  -- Until then, what these keys verify is believed.
  trusted_until timestamptz not null,
  primary key (channel_account_id, version)
);

-- One row for each warning, so that each is given once, however many workers look.
create table channel_account_warnings (
  channel_account_id uuid not null references channel_accounts (id),
  -- What expires: the field, and the certificate's serial where the field holds several.
  name text not null,
  expires_at timestamptz not null,
  -- How many days before the end it warns.
  days integer not null,
  warned_at timestamptz not null,
  primary key (channel_account_id, name, expires_at, days)
);
