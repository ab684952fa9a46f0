import type { Transaction } from "../../kit/sql/database.ts";
import { loadApps } from "../merchant/index.ts";
import { type EventType, recordEvents } from "../webhook/index.ts";
import type { BillingKey } from "./invoice.ts";
import type { Billing as Services } from "./services.ts";

/** A merchant has a few apps; each is told. */
const APPS_MAX = 100;

/** Records an event for each of the merchant's apps. */
export async function tellApps(
  { ids, clock }: Pick<Services, "ids" | "clock">,
  tx: Transaction,
  { merchant_id, livemode }: BillingKey,
  event: { type: EventType; object_id: string; data: unknown },
): Promise<void> {
  const apps = await loadApps(tx, merchant_id, APPS_MAX);
  const created_at = clock.now();
  const active = apps.filter(({ status }) => status === "active");
  const events = active.map((app) => ({ id: ids.uuid(), merchant_id, app_id: app.id, livemode, created_at, ...event }));
  if (events.length > 0) await recordEvents(tx, events);
}
