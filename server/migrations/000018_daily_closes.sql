-- The close of a merchant's day: what its book was at the end, with a hash chain over every transaction, signed.

create table ledger_signing_keys (
  id uuid primary key,
  -- Ed25519, SubjectPublicKeyInfo in DER.
  public_key bytea not null,
  -- PKCS #8 in PEM, sealed (kit/crypto).
  private_key_sealed bytea not null,
  created_at timestamptz not null
);

-- Days without a transaction have none. Append-only, like the books.
create table ledger_closes (
  merchant_id uuid not null,
  livemode boolean not null,
  -- In the merchant's time zone.
  day date not null,
  -- The transactions of the day: those after the close before, up to this one.
  last_number bigint not null,
  -- SHA-256 of the chain up to and including the last.
  closing_hash bytea not null,
  -- The exact text that was signed: it says all of the above, and every account's opening and closing.
  statement text not null,
  key_id uuid not null references ledger_signing_keys (id),
  signature bytea not null,
  primary key (merchant_id, livemode, day),
  unique (merchant_id, livemode, last_number)
);
create function ledger_closes_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the close of a day is never changed or deleted' using errcode = 'restrict_violation';
end $$;
create trigger ledger_closes_append_only before update or delete or truncate on ledger_closes
  for each statement execute function ledger_closes_refuse_change();
