import type { Transaction } from "../../kit/sql/database.ts";
import { loadApps } from "../merchant/index.ts";
import { type EventType, recordEvents } from "../webhook/index.ts";
import type { Operation, OperationType } from "./operation.ts";
import { presentToMerchant } from "./present-operation.ts";
import type { AccountOperationServices } from "./services.ts";

/** A merchant has a few apps; each is told. */
const APPS_MAX = 100;

/** What merchants are told of. Adjustments and corrections stand among their balance entries. */
const eventOf: Partial<Readonly<Record<OperationType, EventType>>> = {
  freeze: "account.frozen",
  freeze_amount: "account.frozen",
  unfreeze: "account.unfrozen",
  release_amount: "account.unfrozen",
};

/** Records the event of an operation that was done. The operator's reason is not told: it may be an investigation's. */
export async function tellApps(
  { ids }: Pick<AccountOperationServices, "ids">,
  tx: Transaction,
  operation: Operation,
): Promise<void> {
  const type = eventOf[operation.type];
  if (type === undefined) return;
  const { merchant_id, livemode, id: object_id, done_at } = operation;
  const apps = await loadApps(tx, merchant_id, APPS_MAX);
  await recordEvents(
    tx,
    apps
      .filter(({ status }) => status === "active")
      .map((app) => ({
        ...{ id: ids.uuid(), merchant_id, app_id: app.id, livemode, type, object_id },
        ...{ data: presentToMerchant(operation), created_at: done_at! },
      })),
  );
}
