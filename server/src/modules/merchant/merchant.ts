/** What a merchant and an app are. */

export const merchantStatuses = [
  /** Trades. */
  "active",
  /** May not call for now; what is under way goes on. */
  "suspended",
  /** Left for good. */
  "closed",
] as const;
export type MerchantStatus = (typeof merchantStatuses)[number];

export const appStatuses = ["active", "disabled"] as const;
export type AppStatus = (typeof appStatuses)[number];

export interface Merchant {
  /** UUID. */
  readonly id: string;
  readonly name: string;
  /** An agent has an entry of its own, for its book and its payouts; it is no merchant in lists. */
  readonly kind: "merchant" | "agent";
  readonly status: MerchantStatus;
  /** IANA name; the merchant's business day ends at its midnight. */
  readonly time_zone: string;
  /** Epoch milliseconds. */
  readonly created_at: number;
}

/** One integration of a merchant, with keys and a webhook secret of its own. */
export interface App {
  readonly merchant_id: string;
  /** UUID. */
  readonly id: string;
  readonly name: string;
  readonly status: AppStatus;
  readonly created_at: number;
}

/** Where an app's webhook secret is sealed: the same bytes in another row do not open. */
export function webhookSecretContext(app_id: string): string {
  return `apps/${app_id}/webhook_secret`;
}
