-- Events, and their delivery to merchants by Standard Webhooks.

create table events (
  merchant_id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  type text not null,
  -- The object the event is about.
  object_id uuid not null,
  -- The object as the API showed it at that moment. json, not jsonb: kept and delivered byte for byte.
  data json not null,
  created_at timestamptz not null,
  -- In this order so that one index finds an event and pages through a book of an app.
  primary key (merchant_id, app_id, livemode, id)
);
create index events_object on events (merchant_id, object_id);

create table webhook_endpoints (
  merchant_id uuid not null,
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  url text not null,
  description text,
  -- Empty means all.
  event_types text[] not null default '{}',
  status text not null default 'enabled' check (status in ('enabled', 'disabled')),
  disabled_reason text,
  secret_sealed bytea not null,
  -- After a rotation the old secret signs too, until then.
  previous_secret_sealed bytea,
  previous_secret_until timestamptz,
  created_at timestamptz not null,
  primary key (merchant_id, id),
  check ((previous_secret_sealed is null) = (previous_secret_until is null))
);
create index webhook_endpoints_app on webhook_endpoints (merchant_id, app_id, livemode);

create table webhook_deliveries (
  merchant_id uuid not null,
  event_id uuid not null,
  -- Made in the database (a UUIDv7), because only it knows how many endpoints an event meets.
  id uuid not null,
  app_id uuid not null,
  livemode boolean not null,
  -- Null for a payment's own notify_url.
  endpoint_id uuid,
  url text not null,
  -- Name and port: deliveries to one receiver share a bounded number of connections.
  receiver text not null generated always as (coalesce(substring(url from '//([^/?#]*)'), '')) stored,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed', 'canceled')),
  -- Tries begun, one cut short by a crash included.
  attempt_count integer not null default 0,
  -- Why the last try failed, and how the receiver answered.
  last_error text,
  last_status_code integer,
  last_duration_ms integer,
  created_at timestamptz not null,
  delivered_at timestamptz,
  -- When the worker next tries; null once it is over. Moved forward by claims.
  due_at timestamptz,
  primary key (merchant_id, event_id, id),
  foreign key (merchant_id, app_id, livemode, event_id) references events (merchant_id, app_id, livemode, id),
  check ((status = 'pending') = (due_at is not null))
)
-- Each delivery is written three times: clean up early, so that the index of due rows stays short.
with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
create index webhook_deliveries_due on webhook_deliveries (due_at) where due_at is not null;
