/** The SQL of deliveries. */

import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { DeliveryStatus } from "./delivery.ts";
import type { StoredEvent } from "./event.ts";
import { type LaneState, PARKED_MS_MAX } from "./receiver-lanes.ts";
import { ordered, uuidV7Sql } from "./store.ts";

/** A delivery that this worker now holds, with all that a try needs. */
export interface ClaimedDelivery {
  merchant_id: string;
  event_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  endpoint_id: string | null;
  url: string;
  receiver: string;
  /** This try included. */
  attempt_count: number;
  type: string;
  data_json: string;
  event_created_at: number;
  /** All null for a notify_url, and for an endpoint that was deleted. */
  endpoint_url: string | null;
  endpoint_status: "enabled" | "disabled" | null;
  secret_sealed: Buffer | null;
  previous_secret_sealed: Buffer | null;
  previous_secret_until: number | null;
}

/** A delivery that was put off because its receiver has no place free. */
export interface ParkedDelivery {
  receiver: string;
}

/** Rows that one claim looks at. A number in the text, so that the planner always expects few and uses the indexes. */
export const CLAIM_MAX = 256;

/**
 * Takes due deliveries, oldest first, at most `free` of each receiver; puts off those of slow receivers beyond that and
 * leaves those of quick ones.
 */
const claimDeliveries = platformStatement(
  "webhook.claim_deliveries",
  `with candidate as (
     select * from (
       select merchant_id, event_id, id, receiver, due_at from webhook_deliveries
       where due_at <= $1::timestamptz
       order by due_at limit ${CLAIM_MAX} for update skip locked
     ) due limit $2
   ), ranked as (
     select *, row_number() over (partition by receiver order by due_at) as position from candidate
   ), placed as (
     select r.merchant_id, r.event_id, r.id, r.position <= coalesce(l.free, $4) as taken, coalesce(l.pace_ms, 0) as pace_ms,
            least(l.parked_ms + (r.position - l.free) * l.pace_ms, ${PARKED_MS_MAX}) as parked_ms
     from ranked r
     left join unnest($5::text[], $6::int[], $7::int[], $8::int[]) as l (receiver, free, parked_ms, pace_ms)
       using (receiver)
   ), moved as (
     update webhook_deliveries d
     set due_at = case when p.taken then $3::timestamptz else $1::timestamptz + p.parked_ms * interval '1 ms' end,
         attempt_count = d.attempt_count + p.taken::int
     from placed p
     where d.merchant_id = p.merchant_id and d.event_id = p.event_id and d.id = p.id and (p.taken or p.pace_ms > 0)
     returning d.*, p.taken
   )
   select m.merchant_id, m.event_id, m.id, m.app_id, m.livemode, m.endpoint_id, m.url, m.receiver, m.attempt_count,
          m.taken, e.type, e.data_json, e.created_at as event_created_at, w.url as endpoint_url,
          w.status as endpoint_status, w.secret_sealed, w.previous_secret_sealed, w.previous_secret_until
   from moved m
   left join lateral (
     select type, data::text as data_json, created_at from events e
     where e.merchant_id = m.merchant_id and e.app_id = m.app_id and e.livemode = m.livemode and e.id = m.event_id
     limit 1
   ) e on m.taken
   left join lateral (
     select url, status, secret_sealed, previous_secret_sealed, previous_secret_until from webhook_endpoints w
     where w.merchant_id = m.merchant_id and w.id = m.endpoint_id
     limit 1
   ) w on m.taken`,
);

/** Claims up to `limit` (at most `CLAIM_MAX`) deliveries due at `now_ms` until `lease_until_ms`. */
export async function claimDue(
  sql: Sql,
  claim: { now_ms: number; lease_until_ms: number; limit: number; fresh_places: number; lanes: readonly LaneState[] },
): Promise<{ taken: ClaimedDelivery[]; parked: ParkedDelivery[] }> {
  const rows = await sql.query<ClaimedDelivery & { taken: boolean }>(claimDeliveries, [
    toRfc3339(claim.now_ms),
    claim.limit,
    toRfc3339(claim.lease_until_ms),
    claim.fresh_places,
    textArray(claim.lanes.map((lane) => lane.receiver)),
    plainArray(claim.lanes.map((lane) => lane.free)),
    plainArray(claim.lanes.map((lane) => Math.round(lane.parked_ms))),
    plainArray(claim.lanes.map((lane) => lane.pace_ms)),
  ]);
  return { taken: rows.filter((row) => row.taken), parked: rows.filter((row) => !row.taken) };
}

/** What came of one try. */
export interface TryResult {
  delivery: ClaimedDelivery;
  status: DeliveryStatus;
  /** The URL that was called: the endpoint's own may have changed since the event. */
  url: string;
  error: string | null;
  status_code: number | null;
  duration_ms: number | null;
  at_ms: number;
  /** When the next try is due; null unless the status is pending. */
  due_at_ms: number | null;
  /** Why the endpoint is disabled by this answer; null when it is not. */
  disabled_reason: string | null;
}

/**
 * Writes results of tries. A result counts while the delivery is pending and no later try has begun; a success always
 * counts, also that of a worker whose lease had run out.
 */
const recordResults = platformStatement(
  "webhook.record_results",
  `with result as (
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::int[],
                          $9::int[], $10::timestamptz[], $11::timestamptz[], $12::uuid[], $13::text[])
       as r (merchant_id, event_id, id, attempt_count, status, url, error, status_code, duration_ms, at, due_at,
             endpoint_id, disabled_reason)
   ), disabled as (
     update webhook_endpoints w set status = 'disabled', disabled_reason = r.disabled_reason
     from result r
     where w.merchant_id = r.merchant_id and w.id = r.endpoint_id and r.disabled_reason is not null
       and w.status = 'enabled' and w.url = r.url
   )
   update webhook_deliveries d
   set status = r.status, url = r.url, last_error = r.error, last_status_code = r.status_code,
       last_duration_ms = r.duration_ms, delivered_at = case when r.status = 'delivered' then r.at end, due_at = r.due_at
   from result r
   where d.merchant_id = r.merchant_id and d.event_id = r.event_id and d.id = r.id and d.status = 'pending'
     and (r.status = 'delivered' or d.attempt_count = r.attempt_count)
   returning 1 as one`,
);

/** Records results, and disables the endpoints that asked for it, in one statement. */
export async function writeResults(sql: Sql, results: readonly TryResult[]): Promise<void> {
  await sql.query(recordResults, [
    plainArray(results.map((result) => result.delivery.merchant_id)),
    plainArray(results.map((result) => result.delivery.event_id)),
    plainArray(results.map((result) => result.delivery.id)),
    plainArray(results.map((result) => result.delivery.attempt_count)),
    textArray(results.map((result) => result.status)),
    textArray(results.map((result) => result.url)),
    textArray(results.map((result) => result.error)),
    plainArray(results.map((result) => result.status_code)),
    plainArray(results.map((result) => result.duration_ms)),
    timestampArray(results.map((result) => result.at_ms)),
    timestampArray(results.map((result) => result.due_at_ms)),
    plainArray(results.map((result) => result.delivery.endpoint_id)),
    textArray(results.map((result) => result.disabled_reason)),
  ]);
}

/** A delivery as it is stored. */
export interface StoredDelivery {
  merchant_id: string;
  event_id: string;
  id: string;
  livemode: boolean;
  endpoint_id: string | null;
  url: string;
  status: DeliveryStatus;
  attempt_count: number;
  last_error: string | null;
  last_status_code: number | null;
  last_duration_ms: number | null;
  created_at: number;
  delivered_at: number | null;
  due_at: number | null;
}

const selectDeliveries = ordered((order) =>
  tenantStatement(
    `webhook.select_deliveries_${order}`,
    `select * from webhook_deliveries
     where merchant_id = $1 and event_id = $2 and id > $3 and id < $4 order by id ${order} limit $5`,
  ),
);

/** A page of an event's deliveries. */
export async function listDeliveryRows(
  sql: Sql,
  merchant_id: string,
  event_id: string,
  page: Page,
): Promise<StoredDelivery[]> {
  const { newer_than, older_than, fetch, order } = page;
  const values = [merchant_id, event_id, newer_than ?? UUID_MIN, older_than ?? UUID_MAX, fetch];
  return sql.query<StoredDelivery>(selectDeliveries[order], values);
}

const insertDeliveries = tenantStatement(
  "webhook.insert_deliveries",
  `with receiver as (
     select id as endpoint_id, url from webhook_endpoints
     where merchant_id = $1 and app_id = $2 and livemode = $3 and status = 'enabled'
       and case when $6::uuid is null then event_types = '{}' or $5 = any (event_types) else id = $6 end
     union all
     select distinct null::uuid, url from webhook_deliveries
     where merchant_id = $1 and event_id = $4 and endpoint_id is null and $6 is null
   )
   insert into webhook_deliveries (merchant_id, app_id, livemode, event_id, id, endpoint_id, url, created_at, due_at)
   select $1, $2, $3, $4, ${uuidV7Sql("$7::timestamptz")}, endpoint_id, url, $7, $7 from receiver
   returning 1 as one`,
);

/**
 * Adds a delivery of an event for one endpoint, or, without one, for every enabled endpoint that wants it and for its
 * notify_url. Gives their number.
 */
export async function addDeliveries(
  tx: Transaction,
  event: Pick<StoredEvent, "merchant_id" | "app_id" | "livemode" | "id" | "type">,
  endpoint_id: string | null,
  at_ms: number,
): Promise<number> {
  const { merchant_id, app_id, livemode, id, type } = event;
  const values = [merchant_id, app_id, livemode, id, type, endpoint_id, toRfc3339(at_ms)];
  return (await tx.query(insertDeliveries, values)).length;
}
