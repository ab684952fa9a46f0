import type { Transaction } from "../../kit/sql/database.ts";
import { loadApps } from "../merchant/index.ts";
import { type EventType, recordEvents } from "../webhook/index.ts";
import type { Payout } from "./payout.ts";
import { presentPayout } from "./present.ts";
import type { PayoutServices } from "./services.ts";

/** A merchant has a few apps. */
const APPS_MAX = 100;

export type PayoutEvent = Extract<EventType, `payout.${string}`>;

/** Records an event for the app that asked for each payout; of an automatic one, which nobody asked for, for every app. */
export async function tellApps(
  { ids, clock }: Pick<PayoutServices, "ids" | "clock">,
  tx: Transaction,
  type: PayoutEvent,
  payouts: readonly Payout[],
): Promise<void> {
  const created_at = clock.now();
  const automatic = payouts.find(({ app_id }) => app_id === null);
  const apps = automatic ? await loadApps(tx, automatic.merchant_id, APPS_MAX) : [];
  const active = apps.filter(({ status }) => status === "active").map(({ id }) => id);
  const events = payouts.flatMap((payout) => {
    const { merchant_id, livemode, id: object_id } = payout;
    const data = presentPayout(payout);
    const told = payout.app_id === null ? active : [payout.app_id];
    return told.map((app_id) => ({
      ...{ id: ids.uuid(), merchant_id, app_id, livemode, type, object_id, data, created_at },
    }));
  });
  await recordEvents(tx, events);
}
