/** The SQL of events and endpoints. Deliveries have their own in `delivery-store.ts`. */
import { tenantStatement } from "../../kit/sql/statement.ts";

/** A UUIDv7 of the given instant: time-ordered as all our ids, and made without PostgreSQL 18's own function. */
export function uuidV7Sql(at: string): string {
  const time = `substring(int8send((extract(epoch from ${at}) * 1000)::bigint) from 3)`;
  const bytes = `overlay(uuid_send(gen_random_uuid()) placing ${time} from 1 for 6)`;
  // gen_random_uuid says version 4 (0100); two more bits make it 7 (0111).
  return `encode(set_bit(set_bit(${bytes}, 52, 1), 53, 1), 'hex')::uuid`;
}

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
