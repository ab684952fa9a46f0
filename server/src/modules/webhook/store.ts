/** The SQL of events and endpoints. Deliveries have their own in `delivery-store.ts`. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { equals, listRows, UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { type Statement, tenantStatement } from "../../kit/sql/statement.ts";
import type { StoredEvent } from "./event.ts";
import type { Scope } from "./service.ts";
import type { EndpointStatus, WebhookEndpoint } from "./webhook-endpoint.ts";

/** A UUIDv7 of the given instant: time-ordered as all our ids, and made without PostgreSQL 18's own function. */
export function uuidV7Sql(at: string): string {
  const time = `substring(int8send((extract(epoch from ${at}) * 1000)::bigint) from 3)`;
  const bytes = `overlay(uuid_send(gen_random_uuid()) placing ${time} from 1 for 6)`;
  // gen_random_uuid says version 4 (0100); two more bits make it 7 (0111).
  return `encode(set_bit(set_bit(${bytes}, 52, 1), 53, 1), 'hex')::uuid`;
}

/** Inserts a batch of events with their first deliveries; values as arrays. */
export const insertEvents = tenantStatement(
  "webhook.insert_events",
  `with event as (
     select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::uuid[], $5::text[], $6::uuid[], $7::json[],
                          $8::timestamptz[], $9::text[])
       as e (merchant_id, app_id, livemode, id, type, object_id, data, created_at, notify_url)
   ), recorded as (
     insert into events (merchant_id, app_id, livemode, id, type, object_id, data, created_at)
     select merchant_id, app_id, livemode, id, type, object_id, data, created_at from event
   ), receiver as (
     select e.merchant_id, e.id, e.app_id, e.livemode, w.id as endpoint_id, w.url, e.created_at
     from event e
     join webhook_endpoints w
       on w.merchant_id = e.merchant_id and w.app_id = e.app_id and w.livemode = e.livemode
     where w.status = 'enabled' and (w.event_types = '{}' or e.type = any (w.event_types))
     union all
     select merchant_id, id, app_id, livemode, null, notify_url, created_at from event where notify_url is not null
   )
   insert into webhook_deliveries (merchant_id, event_id, id, app_id, livemode, endpoint_id, url, created_at, due_at)
   select merchant_id, id, ${uuidV7Sql("created_at")}, app_id, livemode, endpoint_id, url, created_at, created_at
   from receiver`,
);

const insertEvent = tenantStatement(
  "webhook.insert_event",
  `insert into events (merchant_id, app_id, livemode, id, type, object_id, data, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8)`,
);

/** Inserts an event without any delivery. */
export async function addEvent(tx: Transaction, event: StoredEvent & { object_id: string }): Promise<void> {
  await tx.query(insertEvent, [
    ...[event.merchant_id, event.app_id, event.livemode, event.id],
    ...[event.type, event.object_id, event.data_json, toRfc3339(event.created_at)],
  ]);
}

const EVENT_COLUMNS = "merchant_id, app_id, livemode, id, type, data::text as data_json, created_at";

const selectEvent = tenantStatement(
  "webhook.select_event",
  `select ${EVENT_COLUMNS} from events where merchant_id = $1 and app_id = $2 and livemode = $3 and id = $4`,
);

/** An event of one book, or undefined; another book's does not exist here. */
export async function loadEvent(sql: Sql, scope: Scope, id: string): Promise<StoredEvent | undefined> {
  const [event] = await sql.query<StoredEvent>(selectEvent, [...scopeValues(scope), id]);
  return event;
}

type Order = Page["order"];

/** A list's two statements: pages are read forwards and backwards. */
export function ordered(make: (order: Order) => Statement): Record<Order, Statement> {
  return { asc: make("asc"), desc: make("desc") };
}

/** What of the events to list; null leaves a part open. */
export interface EventFilter {
  type: string | null;
  object_id: string | null;
  /** Epoch milliseconds, inclusive. */
  created_from: number | null;
  /** Epoch milliseconds, exclusive. */
  created_to: number | null;
}

/** A page of the events of an app in one book. */
export async function listEventRows(sql: Sql, scope: Scope, filter: EventFilter, page: Page): Promise<StoredEvent[]> {
  return listRows<StoredEvent>(sql, {
    name: "webhook.list_events",
    select: `select ${EVENT_COLUMNS} from events`,
    owner: scope,
    page,
    period: { from: filter.created_from, to: filter.created_to },
    conditions: [...equals("type", filter.type), ...equals("object_id", filter.object_id)],
  });
}

const insertEndpoint = tenantStatement(
  "webhook.insert_endpoint",
  `insert into webhook_endpoints (merchant_id, app_id, livemode, id, url, description, event_types, secret_sealed,
     created_at)
   select $1, $2, $3, $4, $5, $6, $7::text[], $8, $9
   where (select count(*) from webhook_endpoints where merchant_id = $1 and app_id = $2 and livemode = $3) < $10
   returning 1 as one`,
);

/** Inserts an endpoint; false when the app has `limit` in this book already. */
export async function addEndpoint(tx: Transaction, endpoint: WebhookEndpoint, limit: number): Promise<boolean> {
  const inserted = await tx.query(insertEndpoint, [
    ...scopeValues(endpoint),
    ...[endpoint.id, endpoint.url, endpoint.description, textArray(endpoint.event_types), endpoint.secret_sealed],
    ...[toRfc3339(endpoint.created_at), limit],
  ]);
  return inserted.length === 1;
}

const selectEndpoint = tenantStatement(
  "webhook.select_endpoint",
  "select * from webhook_endpoints where merchant_id = $1 and app_id = $2 and livemode = $3 and id = $4",
);

/** An endpoint of one book, or undefined; another book's does not exist here. */
export async function loadEndpoint(sql: Sql, scope: Scope, id: string): Promise<WebhookEndpoint | undefined> {
  const [endpoint] = await sql.query<WebhookEndpoint>(selectEndpoint, [...scopeValues(scope), id]);
  return endpoint;
}

const selectEndpoints = ordered((order) =>
  tenantStatement(
    `webhook.select_endpoints_${order}`,
    `select * from webhook_endpoints
     where merchant_id = $1 and app_id = $2 and livemode = $3 and id > $4 and id < $5 order by id ${order} limit $6`,
  ),
);

/** A page of endpoints. */
export async function listEndpointRows(sql: Sql, scope: Scope, page: Page): Promise<WebhookEndpoint[]> {
  const values = [...scopeValues(scope), page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<WebhookEndpoint>(selectEndpoints[page.order], values);
}

const updateEndpoint = tenantStatement(
  "webhook.update_endpoint",
  `update webhook_endpoints
   set url = coalesce($5, url), event_types = coalesce($6::text[], event_types), status = coalesce($7, status),
       disabled_reason = case when $7 is null then disabled_reason end,
       description = case when $8 then $9 else description end
   where merchant_id = $1 and app_id = $2 and livemode = $3 and id = $4
   returning *`,
);

/** What of an endpoint can be changed; undefined leaves it. */
export interface EndpointChange {
  url?: string | undefined;
  event_types?: string[] | undefined;
  status?: EndpointStatus | undefined;
  description?: string | null | undefined;
}

/** Changes an endpoint and gives it as it is now, or undefined when there is none. */
export async function changeEndpoint(
  sql: Sql,
  scope: Scope,
  id: string,
  change: EndpointChange,
): Promise<WebhookEndpoint | undefined> {
  const [endpoint] = await sql.query<WebhookEndpoint>(updateEndpoint, [
    ...scopeValues(scope),
    ...[id, change.url ?? null, change.event_types ? textArray(change.event_types) : null, change.status ?? null],
    ...[change.description !== undefined, change.description ?? null],
  ]);
  return endpoint;
}

const replaceSecret = tenantStatement(
  "webhook.replace_secret",
  `update webhook_endpoints
   set previous_secret_sealed = case when $6::timestamptz is not null then secret_sealed end,
       previous_secret_until = $6::timestamptz, secret_sealed = $5
   where merchant_id = $1 and app_id = $2 and livemode = $3 and id = $4
   returning 1 as one`,
);

/** Puts a new secret in; the old one goes on signing until `overlap_until`, or stops at once when that is null. */
export async function swapSecret(
  tx: Transaction,
  scope: Scope,
  id: string,
  secret_sealed: Buffer,
  overlap_until: number | null,
): Promise<boolean> {
  const until = overlap_until === null ? null : toRfc3339(overlap_until);
  return (await tx.query(replaceSecret, [...scopeValues(scope), id, secret_sealed, until])).length === 1;
}

const deleteEndpoint = tenantStatement(
  "webhook.delete_endpoint",
  `delete from webhook_endpoints where merchant_id = $1 and app_id = $2 and livemode = $3 and id = $4
   returning 1 as one`,
);

/** Deletes an endpoint; false when there is none. */
export async function removeEndpoint(sql: Sql, scope: Scope, id: string): Promise<boolean> {
  return (await sql.query(deleteEndpoint, [...scopeValues(scope), id])).length === 1;
}

function scopeValues(scope: Scope): [string, string, boolean] {
  return [scope.merchant_id, scope.app_id, scope.livemode];
}
