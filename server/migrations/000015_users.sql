-- People who sign in to the consoles: operators of the platform, and people of a merchant. Few rows, read at every
-- request of a console: on a distributed database they are reference tables, like merchants.

create table users (
  id uuid primary key,
  -- In lower case; with it a person signs in.
  email text not null unique check (email = lower(email) and length(email) between 3 and 254),
  name text not null check (length(name) between 1 and 100),
  role text not null check (role in ('operator', 'merchant')),
  -- Whose books a person of a merchant sees; null for operators.
  merchant_id uuid references merchants (id),
  -- Argon2id in PHC form, which carries its salt and costs.
  password_hash text not null,
  status text not null default 'active' check (status in ('active', 'disabled')),
  created_at timestamptz not null,
  constraint users_merchant_of_role check ((role = 'merchant') = (merchant_id is not null))
);

create table sessions (
  -- SHA-256 of the token. A token has 190 random bits, so a fast hash is enough.
  token_hash bytea primary key,
  user_id uuid not null references users (id),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index sessions_user on sessions (user_id);
