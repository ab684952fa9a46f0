/** How a merchant's beneficiaries become payable: set by the operator for each of its books. */
import type { Sql } from "../../kit/sql/database.ts";
import { getMerchant } from "../merchant/index.ts";
import { type BeneficiarySettings, DEFAULT_SETTINGS } from "./beneficiary.ts";
import { beneficiaryErrors } from "./errors.ts";
import type { BeneficiaryServices } from "./services.ts";
import { loadSettings, saveSettings } from "./store.ts";

/** What was set, or what holds where nothing was. */
export async function readBeneficiarySettings(
  sql: Sql,
  merchant_id: string,
  livemode: boolean,
): Promise<BeneficiarySettings> {
  return (await loadSettings(sql, merchant_id, livemode)) ?? { merchant_id, livemode, ...DEFAULT_SETTINGS };
}

const COOLING_S_MAX = 30 * 24 * 3600;

/**
 * Sets what is given and leaves the rest. Accounts that were entered before keep the cooling that they began with.
 * @throws beneficiary.settings_invalid, merchant.not_found
 */
export async function setBeneficiarySettings(
  { db, clock }: Pick<BeneficiaryServices, "db" | "clock">,
  input: Pick<BeneficiarySettings, "merchant_id" | "livemode"> & Partial<BeneficiarySettings>,
): Promise<BeneficiarySettings> {
  await getMerchant(db, input.merchant_id);
  const before = await readBeneficiarySettings(db, input.merchant_id, input.livemode);
  const cooling_s = input.cooling_s ?? before.cooling_s;
  if (!Number.isInteger(cooling_s) || cooling_s < 0 || cooling_s > COOLING_S_MAX) {
    const problem = "The cooling is from 0 to 720 hours, in whole seconds.";
    throw beneficiaryErrors["beneficiary.settings_invalid"]({ values: { problem } });
  }
  const settings = { ...before, cooling_s, verification: input.verification ?? before.verification };
  await saveSettings(db, settings, clock.now());
  return settings;
}
