/** Stripe: Checkout through its own SDK, in any of its currencies. */
import type { Channel } from "../contract.ts";
import { bills } from "./bill.ts";
import { importStripe } from "./client.ts";
import { close } from "./close.ts";
import { checkStripeAccount, type StripeConfig, stripeConfigSchema, stripeFields } from "./config.ts";
import { checkConnection } from "./connection.ts";
import { stripeCurrencies } from "./currencies.ts";
import { readNotice, replyToNotice } from "./notice.ts";
import { payCheckout } from "./pay.ts";
import { query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";

const DAY_MS = 86_400_000;

export const stripe: Channel = {
  id: "stripe",
  label: { zh: "Stripe 银行卡", en: "Stripe" },
  currencies: stripeCurrencies,
  configSchema: stripeConfigSchema,
  fields: stripeFields,
  expiries: () => [],
  prepare: async () => void (await importStripe()),
  checkConnection,
  checkAccount: checkStripeAccount,
  identify: ({ config }) => ({
    merchant: (config as StripeConfig).connected_account_id ?? (config as StripeConfig).account_id,
    app: undefined,
  }),
  pay: { "stripe.checkout": payCheckout },
  query,
  close,
  refund,
  queryRefund,
  readNotice,
  replyToNotice,
  bills,
  limits: {
    // Stripe sets no end for cards; a bank that no longer takes the money back fails the refund.
    refund_window_ms: 365 * DAY_MS,
    refunds_per_payment_max: 500,
    query_window_ms: 90 * DAY_MS,
    refund_query_delay_ms: 0,
  },
};
