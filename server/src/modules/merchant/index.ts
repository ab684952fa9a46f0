/** Merchants and their apps. The only door of the module. */
import type { Sql } from "../../kit/sql/database.ts";
import { merchantErrors } from "./errors.ts";
import type { App, Merchant } from "./merchant.ts";
import { loadApp, loadMerchant } from "./store.ts";

export { createApp } from "./create-app.ts";
export { createMerchant } from "./create-merchant.ts";
export { merchantErrors } from "./errors.ts";
export {
  type App,
  type AppStatus,
  appStatuses,
  type Merchant,
  type MerchantStatus,
  merchantStatuses,
} from "./merchant.ts";
export { setAppStatus, setMerchantStatus } from "./set-status.ts";
export {
  announceCredentialChange,
  loadActiveApps,
  loadApps,
  loadMerchantNames,
  loadMerchants,
  loadStanding,
  loadTimeZones,
  type MerchantFilter,
  pageMerchants,
  type Standing,
} from "./store.ts";
export { loadWebhookSecrets, rotateWebhookSecret } from "./webhook-secret.ts";

/** @throws merchant.not_found */
export async function getMerchant(sql: Sql, id: string): Promise<Merchant> {
  const merchant = await loadMerchant(sql, id);
  if (!merchant) throw merchantErrors["merchant.not_found"]();
  return merchant;
}

/** @throws app.not_found, also for another merchant's app */
export async function getApp(sql: Sql, key: { merchant_id: string; app_id: string }): Promise<App> {
  const app = await loadApp(sql, key.merchant_id, key.app_id);
  if (!app) throw merchantErrors["app.not_found"]();
  const { merchant_id, id, name, status, created_at } = app;
  return { merchant_id, id, name, status, created_at };
}
