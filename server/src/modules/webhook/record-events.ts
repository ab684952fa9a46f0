import { jsonArray, plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { NewEvent } from "./event.ts";
import { insertEvents } from "./store.ts";

/**
 * Records events and one pending delivery for each enabled endpoint that wants them, and for each notify_url. Called
 * inside the transaction of the effect, so that an event exists exactly when its effect does; one statement for any
 * number of events of any merchants. Kick the webhook worker after the commit.
 * @throws a database error when an event's id exists already: one fact was recorded twice.
 */
export async function recordEvents(tx: Transaction, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(insertEvents, [
    plainArray(events.map((event) => event.merchant_id)),
    plainArray(events.map((event) => event.app_id)),
    plainArray(events.map((event) => event.livemode)),
    plainArray(events.map((event) => event.id)),
    textArray(events.map((event) => event.type)),
    plainArray(events.map((event) => event.object_id)),
    jsonArray(events.map((event) => event.data)),
    timestampArray(events.map((event) => event.created_at)),
    textArray(events.map((event) => event.notify_url ?? null)),
  ]);
}
