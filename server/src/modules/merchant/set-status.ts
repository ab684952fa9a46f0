import type { Database } from "../../kit/sql/database.ts";
import { merchantErrors } from "./errors.ts";
import type { App, AppStatus, Merchant, MerchantStatus } from "./merchant.ts";
import { announceCredentialChange, saveAppStatus, saveMerchantStatus } from "./store.ts";

/**
 * Suspends, closes or reactivates a merchant; its keys stop or work again in every process as soon as this commits.
 * @throws merchant.not_found
 */
export async function setMerchantStatus(db: Database, id: string, status: MerchantStatus): Promise<Merchant> {
  return db.transaction(async (tx) => {
    const merchant = await saveMerchantStatus(tx, id, status);
    if (!merchant) throw merchantErrors["merchant.not_found"]();
    await announceCredentialChange(tx);
    return merchant;
  });
}

/**
 * Disables or enables an app, likewise.
 * @throws app.not_found
 */
export async function setAppStatus(
  db: Database,
  key: { merchant_id: string; app_id: string },
  status: AppStatus,
): Promise<App> {
  return db.transaction(async (tx) => {
    const app = await saveAppStatus(tx, key.merchant_id, key.app_id, status);
    if (!app) throw merchantErrors["app.not_found"]();
    await announceCredentialChange(tx);
    return app;
  });
}
