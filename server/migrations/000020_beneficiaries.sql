-- Whom money may be paid out to. What names an account is sealed; what is shown of it is masked.

-- The key of fingerprints, sealed (kit/crypto). There is one: with another key the same account would look new.
create table beneficiary_keys (
  single boolean primary key default true check (single),
  id uuid not null,
  key_sealed bytea not null,
  created_at timestamptz not null
);

create table beneficiary_settings (
  merchant_id uuid not null,
  livemode boolean not null,
  -- After an account was entered or changed, nothing is paid to it for so long.
  cooling_s integer not null check (cooling_s between 0 and 2592000),
  verification text not null check (verification in ('operator', 'known_account', 'automatic')),
  updated_at timestamptz not null,
  primary key (merchant_id, livemode)
);

create table beneficiaries (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  status text not null check (status in ('unverified', 'verified', 'disabled', 'deleted')),
  -- The version that is paid to.
  version integer not null check (version > 0),
  -- Of that version's account: HMAC-SHA-256 by the key above.
  fingerprint bytea not null,
  label text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  primary key (merchant_id, id)
);
-- An account is entered once; it may be entered again after it was deleted.
create unique index beneficiaries_account on beneficiaries (merchant_id, livemode, fingerprint)
  where status <> 'deleted';

-- Never changed but for its verification: a change of the account is another version.
create table beneficiary_versions (
  merchant_id uuid not null,
  beneficiary_id uuid not null,
  version integer not null,
  type text not null check (type in ('bank_card', 'alipay', 'wechat')),
  -- Account and name, sealed for this row.
  account_sealed bytea not null,
  account_masked text not null,
  name_masked text,
  -- What is not personal: the bank and its branch, the kind of number, the appid that an openid belongs to.
  details jsonb not null,
  payable_from timestamptz not null,
  verified_at timestamptz,
  created_at timestamptz not null,
  primary key (merchant_id, beneficiary_id, version),
  foreign key (merchant_id, beneficiary_id) references beneficiaries (merchant_id, id)
);

-- Who did what to it.
create table beneficiary_changes (
  merchant_id uuid not null,
  beneficiary_id uuid not null,
  number integer not null,
  action text not null check (action in ('created', 'changed', 'verified', 'refused', 'disabled', 'enabled', 'deleted')),
  version integer not null,
  -- An API key, an operator, the command line, or the rule that verified it.
  actor text not null,
  note text,
  created_at timestamptz not null,
  primary key (merchant_id, beneficiary_id, number),
  foreign key (merchant_id, beneficiary_id) references beneficiaries (merchant_id, id)
);
