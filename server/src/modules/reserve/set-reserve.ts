/** What is held back of a merchant's settlements: set by the operator, for each of its books and currencies. */
import { isCurrency, PPM } from "../../kit/money.ts";
import { accountOf, lockBalance } from "../../ledger/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { reserveErrors } from "./errors.ts";
import type { ReserveKey, ReserveSettings } from "./reserve.ts";
import type { ReserveServices } from "./services.ts";
import { insertSettings, wakeFixedReserves } from "./store.ts";

export interface ReserveInput extends ReserveKey {
  /** Parts per million of each settlement, and for how many days; both or none. */
  readonly rolling_rate_ppm?: bigint | undefined;
  readonly rolling_days?: number | undefined;
  readonly fixed_amount?: bigint | undefined;
  /** True unless given. */
  readonly covers_refunds?: boolean | undefined;
  /** Not before now; now unless given. Epoch milliseconds. */
  readonly effective_from?: number | undefined;
}

const DAYS_MAX = 3650;

/**
 * Says what is held back from now, or a coming instant, on. What is left out is nothing. What is held already stays so:
 * rolling parts until their time, and of a fixed sum what is above a lowered one is released when the setting begins.
 * @throws reserve.settings_invalid, merchant.not_found
 */
export async function setReserve(
  { db, clock, ids }: Pick<ReserveServices, "db" | "clock" | "ids">,
  input: ReserveInput,
): Promise<ReserveSettings> {
  const now = clock.now();
  const { merchant_id, livemode, currency, rolling_rate_ppm = 0n, rolling_days = 0, fixed_amount = 0n } = input;
  const { effective_from = now, covers_refunds = true } = input;
  if (!isCurrency(currency)) throw invalid(`"${currency}" is no currency: give an ISO 4217 code such as CNY.`);
  if (rolling_rate_ppm < 0n || rolling_rate_ppm > PPM) throw invalid("The rate must be between 0 % and 100 %.");
  if (!Number.isInteger(rolling_days) || rolling_days < 0 || rolling_days > DAYS_MAX) {
    throw invalid(`The days must be a whole number between 0 and ${DAYS_MAX}.`);
  }
  if (rolling_rate_ppm > 0n !== rolling_days > 0) {
    throw invalid("Give a rate with its days: a rolling reserve holds a part of each settlement for some days.");
  }
  if (fixed_amount < 0n) throw invalid("The fixed amount must not be below zero.");
  if (effective_from < now) throw invalid("It can begin now or later: what was settled before stays as it is.");
  await getMerchant(db, merchant_id);
  const settings: ReserveSettings = {
    ...{ merchant_id, livemode, currency, id: ids.uuid(), effective_from, rolling_rate_ppm, rolling_days },
    ...{ fixed_amount, covers_refunds, created_at: now },
  };
  await db.transaction(async (tx) => {
    // A settlement that is being posted has the book: its part is there when we have it, or it sees these settings.
    await lockBalance(tx, settings, accountOf("merchant_reserve", currency));
    await insertSettings(tx, settings);
    await wakeFixedReserves(tx, settings, effective_from);
  });
  return settings;
}

function invalid(problem: string) {
  return reserveErrors["reserve.settings_invalid"]({ values: { problem } });
}
