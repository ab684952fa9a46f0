/** A merchant asks to be settled: for the cycle on_request. */
import type { Caller } from "../../kit/http/api.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  findKeys,
  type IdempotencyKey,
  idempotencyErrors,
  type KeyState,
  rerunAfterRace,
  storeKeys,
} from "../idempotency/index.ts";
import { settlementErrors } from "./errors.ts";
import { settleNow } from "./settle.ts";
import type { Settling } from "./settle-group.ts";
import type { Settlement } from "./settlement.ts";
import { loadSettlement, lockSettings } from "./store.ts";

export interface RequestedSettlement {
  readonly settlement: Settlement;
  /** False where the same request had made it before. */
  readonly created: boolean;
}

/**
 * Settles what is pending now. The same key with the same request gives the settlement that it made.
 * @throws settlement.settings_missing, settlement.not_on_request, settlement.nothing_to_settle, settlement.in_review,
 *   idempotency.key_reused
 */
export async function requestSettlement(
  services: Settling,
  caller: Caller,
  currency: string,
  idempotency: IdempotencyKey | undefined,
): Promise<RequestedSettlement> {
  const made = await rerunAfterRace(() =>
    services.db.transaction((tx) => settleOnce(services, tx, caller, currency, idempotency)),
  );
  services.kick.webhooks();
  return made;
}

async function settleOnce(
  services: Settling,
  tx: Transaction,
  caller: Caller,
  currency: string,
  idempotency: IdempotencyKey | undefined,
): Promise<RequestedSettlement> {
  const { merchant_id, app_id, livemode } = caller;
  const key = { merchant_id, livemode, currency };
  // Requests of one merchant follow each other from here on, so that the second finds what the first has stored.
  const [settings] = await lockSettings(tx, [key]);
  if (!settings) throw settlementErrors["settlement.settings_missing"]({ values: { currency } });
  const owner = idempotency && { merchant_id, app_id, livemode, ...idempotency };
  const before = owner && (await findMade(tx, merchant_id, await findKeys(tx, [owner])));
  if (before) return { settlement: before, created: false };
  if (settings.cycle !== "on_request") {
    throw settlementErrors["settlement.not_on_request"]({ values: { cycle: settings.cycle } });
  }
  const result = await settleNow(services, tx, key);
  if (!("settlement" in result)) {
    throw settlementErrors["settlement.nothing_to_settle"]({ values: { minimum: String(settings.minimum_amount) } });
  }
  const { settlement } = result;
  const made = { object_type: "settlement", object_id: settlement.id, created_at: services.clock.now() };
  if (owner) await storeKeys(tx, [{ ...owner, ...made }]);
  return { settlement, created: true };
}

async function findMade(
  tx: Transaction,
  merchant_id: string,
  [state]: readonly KeyState[],
): Promise<Settlement | undefined> {
  if (state?.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
  return state?.kind === "replay" ? loadSettlement(tx, merchant_id, state.object_id) : undefined;
}
