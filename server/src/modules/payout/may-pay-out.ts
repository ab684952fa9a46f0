import type { TributaryError } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { explainStop, findStops } from "../account-operation/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { payoutErrors } from "./errors.ts";
import type { SettingsKey } from "./settings.ts";

/**
 * The one place that says whether money may leave a merchant's account: asked when a payout is made, and again before
 * anybody is told to pay. Gives what to refuse with. Holds the account's controls until the transaction ends, so that no
 * freeze comes between; to be asked before the book is locked.
 */
export async function refusalOf(
  tx: Transaction,
  { merchant_id, livemode, currency }: SettingsKey,
): Promise<TributaryError | undefined> {
  const { status } = await getMerchant(tx, merchant_id);
  if (status !== "active") return payoutErrors["payout.refused"]({ values: { reason: `the merchant is ${status}` } });
  const stops = await findStops(tx, [{ merchant_id, livemode, currency }], "debit");
  for (const stop of stops.values()) return explainStop(stop, currency);
  return undefined;
}
