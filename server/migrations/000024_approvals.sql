-- Maker and checker: what one operator asks for and another decides, whatever it is about. Few rows, of the platform's own
-- register; what is asked for about a merchant names it, and what is asked for about the platform names none.

create table approvals (
  id uuid primary key,
  -- What is done when it is approved: main registers a handler for each kind.
  kind text not null check (length(kind) between 1 and 64),
  merchant_id uuid,
  livemode boolean,
  -- The object that it is about, where there is one.
  subject_id uuid,
  -- What the handler needs. Operators see it, so it holds no secret.
  payload jsonb not null,
  -- By which limits are compared, and lists are read.
  amount bigint,
  currency text,
  reason text not null check (length(reason) between 1 and 500),
  maker_type text not null check (maker_type in ('user', 'api_key', 'system')),
  maker_id uuid,
  status text not null check (status in ('pending', 'approved', 'rejected', 'cancelled', 'expired')),
  -- Null while it is pending, and where no checker was needed.
  checker_id uuid references users (id),
  comment text check (length(comment) <= 500),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  decided_at timestamptz,
  -- When a worker looks: the expiry, or the end of a lease.
  due_at timestamptz,
  constraint approvals_maker_named check ((maker_type = 'system') = (maker_id is null)),
  constraint approvals_amount_has_currency check ((amount is null) = (currency is null)),
  -- Nobody checks what they made.
  constraint approvals_four_eyes check (checker_id is null or maker_type <> 'user' or checker_id <> maker_id),
  constraint approvals_decided check ((status = 'pending') = (decided_at is null)),
  constraint approvals_due check ((status = 'pending') = (due_at is not null))
);
create index approvals_due_at on approvals (due_at) where due_at is not null;
create index approvals_merchant on approvals (merchant_id, id) where merchant_id is not null;

-- From where on a checker is needed. Where a kind has no policy, what is asked for is done at once, and still recorded.
create table approval_policies (
  kind text not null,
  -- '*' stands for currencies without a policy of their own, and for what has no amount.
  currency text not null check (currency = '*' or currency ~ '^[A-Z]{3}$'),
  -- In minor units: more than this needs a checker.
  above bigint not null check (above >= 0),
  updated_at timestamptz not null,
  primary key (kind, currency)
);
