-- Some channels are asked for an order by a number of their own, which they give when it is made.
alter table attempts add column channel_order_no text;

-- The payer asked the channel, not the merchant, for the money back: what the channel states of it, the newest statement.
create table disputes (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  attempt_id uuid not null,
  channel text not null,
  channel_account_id uuid not null,
  channel_dispute_no text not null,
  status text not null check (status in ('needs_response', 'under_review', 'won', 'lost', 'closed')),
  amount bigint not null check (amount >= 0),
  currency text not null,
  -- The channel's own word.
  reason text not null,
  -- Until when the channel takes evidence.
  respond_by timestamptz,
  -- When the channel said so: an older statement never replaces a newer one.
  stated_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, channel_account_id, channel_dispute_no),
  foreign key (merchant_id, payment_id) references payments (merchant_id, id),
  foreign key (merchant_id, attempt_id) references attempts (merchant_id, id)
);
create index disputes_payment on disputes (merchant_id, payment_id);
create index disputes_listed on disputes (merchant_id, app_id, livemode, id);
