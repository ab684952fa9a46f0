-- A payment is what the merchant wants paid; an attempt is one try through one channel account by one method.

create table payments (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  out_trade_no text not null,
  -- SHA-256 of the create request's content: the same number with another content is a conflict.
  request_hash bytea not null,
  status text not null check (status in ('created', 'processing', 'succeeded', 'closed', 'failed')),
  amount bigint not null check (amount > 0),
  currency text not null,
  subject text not null,
  description text,
  -- Null where the merchant left the choice to the payer (method "cashier").
  method text,
  notify_url text,
  return_url text,
  store text,
  metadata jsonb not null default '{}',
  expires_at timestamptz not null,
  created_at timestamptz not null,
  succeeded_at timestamptz,
  closed_at timestamptz,
  -- The merchant asked to close it; the worker goes on until the channel has answered.
  close_requested boolean not null default false,
  -- The attempt that won, with its two numbers.
  succeeded_attempt_id uuid,
  channel_trade_no text,
  refunded_amount bigint not null default 0 check (refunded_amount >= 0),
  -- Claimed by refunds whose result is not known yet.
  refunding_amount bigint not null default 0 check (refunding_amount >= 0),
  -- When the worker next looks at this payment to close it; null once nothing is left to do. Moved forward by claims.
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, app_id, livemode, out_trade_no),
  constraint payments_refund_within_amount check (refunded_amount + refunding_amount <= amount),
  constraint payments_success_has_attempt check ((status = 'succeeded') = (succeeded_attempt_id is not null))
);
create index payments_due on payments (due_at) where due_at is not null;

create table attempts (
  merchant_id uuid not null,
  id uuid not null,
  payment_id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  -- Sent to the channel as its out_trade_no: the 26 characters of id.
  serial_no text not null,
  channel_account_id uuid not null,
  channel text not null,
  funding_mode text not null check (funding_mode in ('direct', 'pooled')),
  method text not null,
  status text not null check (status in ('created', 'sent', 'unknown', 'succeeded', 'failed', 'closed')),
  amount bigint not null check (amount > 0),
  currency text not null,
  -- What the payer gave for this attempt (openid, buyer_id, ip); personal data.
  payer jsonb not null default '{}',
  action jsonb,
  channel_trade_no text,
  -- The payer as the channel named them; personal data.
  channel_payer text,
  failure_code text,
  failure_message text,
  unknown_reason text,
  -- A later attempt took its place, or the payment is being closed: the worker closes it at the channel.
  close_requested boolean not null default false,
  -- It succeeded after another attempt of the payment had: its money goes back to the payer.
  duplicate boolean not null default false,
  fee_rule_id uuid,
  fee_amount bigint not null default 0,
  fee_returns boolean not null default true,
  cost_amount bigint not null default 0,
  cost_returns boolean not null default true,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  sent_at timestamptz,
  finished_at timestamptz,
  query_count integer not null default 0,
  -- When the worker next asks the channel; null once nothing is left to ask. Moved forward by claims.
  due_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, payment_id) references payments (merchant_id, id)
);
create index attempts_payment on attempts (merchant_id, payment_id);
create index attempts_due on attempts (due_at) where due_at is not null;

create table refunds (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  attempt_id uuid not null,
  -- The merchant's number; null for refunds that the platform starts by itself (a second success).
  out_refund_no text,
  request_hash bytea,
  -- Sent to the channel: the 26 characters of id.
  refund_no text not null,
  status text not null check (status in ('created', 'sent', 'unknown', 'succeeded', 'failed')),
  amount bigint not null check (amount > 0),
  currency text not null,
  reason text,
  -- Parts of the attempt's fee and cost that come back with this refund.
  fee_amount bigint not null default 0,
  cost_amount bigint not null default 0,
  channel_refund_no text,
  failure_code text,
  failure_message text,
  unknown_reason text,
  created_at timestamptz not null,
  sent_at timestamptz,
  finished_at timestamptz,
  query_count integer not null default 0,
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, app_id, livemode, out_refund_no),
  foreign key (merchant_id, payment_id) references payments (merchant_id, id),
  foreign key (merchant_id, attempt_id) references attempts (merchant_id, id)
);
create index refunds_payment on refunds (merchant_id, payment_id);
-- A duplicate success is refunded once.
create unique index refunds_automatic on refunds (merchant_id, attempt_id) where out_refund_no is null;
create index refunds_due on refunds (due_at) where due_at is not null;

-- Idempotency-Key of every POST, written in the effect's own transaction; kept 30 days.
create table idempotency_keys (
  merchant_id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  key text not null,
  -- Method, path and body.
  request_hash bytea not null,
  -- What the request made: a replay shows it as it is now.
  object_type text not null,
  object_id uuid not null,
  created_at timestamptz not null,
  primary key (merchant_id, app_id, livemode, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);
