/** What merchants are told of the reconciliation of their own accounts; the platform's own goes to the log. */
import type { Transaction } from "../../kit/sql/database.ts";
import type { AccountRecord } from "../channel-account/index.ts";
import { loadApps } from "../merchant/index.ts";
import { recordEvents } from "../webhook/index.ts";
import type { ReconciliationServices } from "./services.ts";

const APPS_MAX = 100;

/** Tells each app of the merchant whose account it is. */
export async function tellOwner(
  { ids, clock }: Pick<ReconciliationServices, "ids" | "clock">,
  tx: Transaction,
  { owner_merchant_id, livemode }: AccountRecord,
  type: "reconciliation.case_opened" | "reconciliation.day_closed",
  object_id: string,
  data: unknown,
): Promise<void> {
  if (owner_merchant_id === null) return;
  const apps = await loadApps(tx, owner_merchant_id, APPS_MAX);
  const events = apps
    .filter(({ status }) => status === "active")
    .map(({ id: app_id }) => ({
      ...{ id: ids.uuid(), merchant_id: owner_merchant_id, app_id, livemode, type, object_id, data },
      created_at: clock.now(),
    }));
  await recordEvents(tx, events);
}
