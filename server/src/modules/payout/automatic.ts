/**
 * Payouts after settlements, by themselves: all that is available but what the merchant keeps. A settlement only leaves a row
 * that is due, because it holds the book; a worker makes the payout, one for each settlement, and takes the row away.
 */
import { TributaryError } from "../../kit/error.ts";
import { brokenConstraint, type Transaction } from "../../kit/sql/database.ts";
import { accountOf, lockBalance } from "../../ledger/index.ts";
import { type AutomaticRequest, deleteAutomatic } from "./automatic-store.ts";
import type { Payout } from "./payout.ts";
import { releasePayout } from "./release-payout.ts";
import type { PayoutServices } from "./services.ts";
import { type PayoutRules, priceOf } from "./settings.ts";
import { lockSettings } from "./settings-store.ts";
import { writePayouts } from "./write-payouts.ts";

/** Makes the payout that a settlement has asked for, if there is enough, and lets it go. */
export async function payAutomatically(services: PayoutServices, request: AutomaticRequest): Promise<void> {
  const payout = await services.db.transaction((tx) => makePayout(services, tx, request)).catch(madeBefore);
  await deleteAutomatic(services.db, request);
  if (payout) await releasePayout(services, payout, "by_worker");
}

/** A worker that died after it had made the payout left the row. */
function madeBefore(error: unknown): undefined {
  if (brokenConstraint(error) !== "payouts_settlement") throw error;
}

async function makePayout(
  services: PayoutServices,
  tx: Transaction,
  request: AutomaticRequest,
): Promise<Payout | undefined> {
  const { merchant_id, livemode, currency, settlement_id } = request;
  const key = { merchant_id, livemode, currency };
  const rules = await lockSettings(tx, key);
  if (!rules?.automatic_beneficiary_id) return undefined;
  const available = await lockBalance(tx, key, accountOf("merchant_available", currency));
  const amount = amountOf(rules, available, currency);
  if (amount < rules.automatic_minimum) return undefined;
  const wanted = {
    ...{ amount, beneficiary_id: rules.automatic_beneficiary_id, title: null, metadata: {}, settlement_id },
    ...{ app_id: null, out_payout_no: null, request_hash: null },
  };
  try {
    const [written] = await writePayouts(services, tx, { book: key, currency }, [wanted]);
    if (!(written instanceof TributaryError)) return written;
    services.log.warn(
      { merchant_id, code: written.code },
      "an automatic payout was refused: the next settlement asks again",
    );
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    services.log.warn(
      { merchant_id, code: error.code },
      "an automatic payout was refused: the next settlement asks again",
    );
  }
  return undefined;
}

/** The most that can be asked for, so that with its fee it leaves what is kept. Zero when there is nothing. */
export function amountOf(rules: PayoutRules, available: bigint, currency: string): bigint {
  const most = available - rules.automatic_keep;
  const fits = (amount: bigint) => {
    const price = priceOf(rules, amount, currency);
    return price !== undefined && price.transfer_amount + price.fee_amount <= most;
  };
  // A higher amount never has a lower fee, so what fits is everything up to a point.
  let [fitting, tooMuch] = [0n, (most > 0n ? most : 0n) + 1n];
  while (tooMuch - fitting > 1n) {
    const middle = (fitting + tooMuch) / 2n;
    if (fits(middle) || (!rules.fee_on_top && middle <= most)) fitting = middle;
    else tooMuch = middle;
  }
  const { single_maximum } = rules;
  return single_maximum !== null && fitting > single_maximum ? single_maximum : fitting;
}
