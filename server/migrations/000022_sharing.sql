-- Sharing (分账): parts of a collected payment are passed on to receivers, through the channel or inside the books.

alter type ledger_transaction_kind add value 'sharing_initiated';
alter type ledger_transaction_kind add value 'sharing_succeeded';
alter type ledger_transaction_kind add value 'sharing_failed';
alter type ledger_transaction_kind add value 'share_received';
alter type ledger_transaction_kind add value 'sharing_return_succeeded';
alter type ledger_transaction_kind add value 'share_returned';

-- What is to be shared of a payment once it is paid; null for nearly all.
alter table payments add column sharing jsonb;
-- What receivers have got or are about to get, less what they gave back.
alter table payments add column shared_amount bigint not null default 0;
-- Not validated: all rows before this have zero.
alter table payments add constraint payments_shared_within_amount
  check (shared_amount between 0 and amount) not valid;

-- A refund of a shared payment may wait for receivers to give back: nothing is held in the books before they have.
alter table refunds add column held boolean not null default true;
-- What receivers give back within the channel's refund: it never passes the merchant's books.
alter table refunds add column from_receivers bigint not null default 0 check (from_receivers >= 0);
alter table refunds drop constraint refunds_status_check;
alter table refunds add constraint refunds_status_check
  check (status in ('returning', 'created', 'sent', 'unknown', 'succeeded', 'failed')) not valid;

create table sharing_receivers (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  -- merchant, or how a channel names it: merchant_no, openid, user_id, login_id.
  kind text not null,
  -- Null for a merchant of this platform.
  channel text,
  receiver_merchant_id uuid,
  -- Account and name as JSON, sealed (kit/crypto). Null for a merchant of this platform.
  sealed bytea,
  account_mask text,
  name_mask text,
  -- Tells two receivers that are the same: the merchant, or channel, kind and SHA-256 of the account.
  identity text not null,
  label text,
  status text not null check (status in ('active', 'disabled')),
  created_at timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, livemode, identity),
  check ((channel is null) = (receiver_merchant_id is not null)),
  check ((channel is null) = (sealed is null))
);

-- That a channel account knows a receiver.
create table sharing_bindings (
  merchant_id uuid not null,
  receiver_id uuid not null,
  channel_account_id uuid not null,
  channel text not null,
  status text not null check (status in ('created', 'bound', 'failed', 'removing', 'removed')),
  failure_code text,
  failure_message text,
  query_count integer not null default 0,
  -- When a worker removes it; null unless it is being removed.
  due_at timestamptz,
  updated_at timestamptz not null,
  primary key (merchant_id, receiver_id, channel_account_id),
  foreign key (merchant_id, receiver_id) references sharing_receivers (merchant_id, id)
);
create index sharing_bindings_due on sharing_bindings (channel, due_at) where due_at is not null;

create table sharing_groups (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  name text not null,
  -- [{receiver_id, ratio_ppm | amount}]; never changed.
  members jsonb not null,
  status text not null check (status in ('active', 'disabled')),
  created_at timestamptz not null,
  primary key (merchant_id, id)
);
create unique index sharing_groups_name on sharing_groups (merchant_id, livemode, name) where status = 'active';

-- What is shared of every payment of a merchant or of one of its apps.
create table sharing_rules (
  merchant_id uuid not null,
  livemode boolean not null,
  -- Zero for all apps that have no rule of their own.
  app_id uuid not null,
  -- Null where the rule was taken away: who remembers rules reads what has changed.
  plan jsonb,
  updated_at timestamptz not null,
  primary key (merchant_id, livemode, app_id)
);
create index sharing_rules_updated on sharing_rules (updated_at);

create table sharing_settings (
  merchant_id uuid not null,
  livemode boolean not null,
  -- What happens when more is refunded than is left: return, refuse or merchant.
  refund_policy text not null check (refund_policy in ('return', 'refuse', 'merchant')),
  updated_at timestamptz not null,
  primary key (merchant_id, livemode)
);

-- The largest part of a payment that a channel has agreed to share through an account, in parts per million.
create table sharing_agreements (
  channel_account_id uuid primary key,
  share_ppm_max integer not null check (share_ppm_max between 1 and 1000000),
  updated_at timestamptz not null
);

create table sharing_orders (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  attempt_id uuid not null,
  -- Whose worker looks after it: the attempt's channel, or books where no channel takes part.
  lane text not null,
  channel text not null,
  channel_account_id uuid not null,
  funding_mode text not null check (funding_mode in ('direct', 'pooled')),
  -- The merchant's number; null for one that a rule or the payment asked for.
  out_sharing_no text,
  request_hash bytea,
  status text not null
    check (status in ('scheduled', 'created', 'processing', 'succeeded', 'partially_succeeded', 'failed')),
  currency text not null,
  -- What was asked for while it is scheduled.
  plan jsonb,
  -- Whether the rest is released at the channel once every part has succeeded.
  release_rest boolean not null,
  refund_policy text not null check (refund_policy in ('return', 'refuse', 'merchant')),
  -- Of the channel's sharing that is under way or was the last: the parts name it.
  sharing_no text not null,
  -- The channel may have been told of sharing_no.
  sent_at timestamptz,
  channel_sharing_no text,
  failure_code text,
  failure_message text,
  unknown_reason text,
  created_at timestamptz not null,
  -- Not sooner than this, because the channel asks to wait.
  ready_at timestamptz not null,
  finished_at timestamptz,
  query_count integer not null default 0,
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, app_id, livemode, out_sharing_no),
  foreign key (merchant_id, payment_id) references payments (merchant_id, id)
);
create index sharing_orders_payment on sharing_orders (merchant_id, payment_id);
create unique index sharing_orders_automatic on sharing_orders (merchant_id, payment_id) where out_sharing_no is null;
create index sharing_orders_due on sharing_orders (lane, due_at) where due_at is not null;

create table sharing_parts (
  merchant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  payment_id uuid not null,
  livemode boolean not null,
  receiver_id uuid not null,
  -- books: to a merchant of this platform; channel: the channel moves the money.
  mode text not null check (mode in ('books', 'channel')),
  receiver_merchant_id uuid,
  sharing_no text not null,
  status text not null check (status in ('created', 'sent', 'unknown', 'succeeded', 'failed')),
  amount bigint not null check (amount > 0),
  currency text not null,
  description text not null,
  -- What the settled balance pays, because too little is pending.
  from_available bigint not null default 0 check (from_available >= 0),
  returned_amount bigint not null default 0 check (returned_amount >= 0),
  -- Claimed by returns, and by refunds that take it back, whose results are not known yet.
  returning_amount bigint not null default 0 check (returning_amount >= 0),
  refunding_amount bigint not null default 0 check (refunding_amount >= 0),
  -- It failed, and another part took its place.
  retried boolean not null default false,
  failure_code text,
  failure_message text,
  created_at timestamptz not null,
  finished_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, order_id) references sharing_orders (merchant_id, id),
  constraint sharing_parts_returns_within_amount
    check (returned_amount + returning_amount + refunding_amount <= amount)
);
create index sharing_parts_order on sharing_parts (merchant_id, order_id);
create index sharing_parts_payment on sharing_parts (merchant_id, payment_id);
-- A merchant of the platform is found by what it got.
create index sharing_parts_received on sharing_parts (receiver_merchant_id, id) where receiver_merchant_id is not null;

create table sharing_returns (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  order_id uuid not null,
  part_id uuid not null,
  payment_id uuid not null,
  lane text not null,
  -- The merchant's number; null for one that a refund asked for.
  out_return_no text,
  request_hash bytea,
  -- The refund that waits for it, or that takes it back itself (carried).
  refund_id uuid,
  carried boolean not null,
  return_no text not null,
  status text not null check (status in ('created', 'sent', 'unknown', 'succeeded', 'failed')),
  amount bigint not null check (amount > 0),
  currency text not null,
  -- In the books: what the receiver's settled balance paid.
  from_available bigint not null default 0 check (from_available >= 0),
  failure_code text,
  failure_message text,
  unknown_reason text,
  created_at timestamptz not null,
  finished_at timestamptz,
  query_count integer not null default 0,
  due_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, app_id, livemode, out_return_no),
  foreign key (merchant_id, part_id) references sharing_parts (merchant_id, id)
);
create index sharing_returns_order on sharing_returns (merchant_id, order_id);
create index sharing_returns_refund on sharing_returns (merchant_id, refund_id) where refund_id is not null;
create index sharing_returns_due on sharing_returns (lane, due_at) where due_at is not null;

-- Ends sharing at the channel: what is left is the merchant's.
create table sharing_releases (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  attempt_id uuid not null,
  channel text not null,
  -- A number of its own at the channel.
  release_no text not null,
  status text not null check (status in ('created', 'sent', 'unknown', 'succeeded', 'failed')),
  failure_code text,
  failure_message text,
  unknown_reason text,
  created_at timestamptz not null,
  finished_at timestamptz,
  query_count integer not null default 0,
  due_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, payment_id) references payments (merchant_id, id)
);
create unique index sharing_releases_payment on sharing_releases (merchant_id, payment_id) where status <> 'failed';
create index sharing_releases_due on sharing_releases (channel, due_at) where due_at is not null;
