/** PayPal, Orders v2: the payer approves on PayPal's page, we capture. An order that we never capture moves no money. */
import type { Channel } from "../contract.ts";
import { paypalCurrencies } from "./amounts.ts";
import { bills } from "./bill.ts";
import { loadSdk } from "./client.ts";
import { checkPaypalAccount, expiriesOfPaypal, type PaypalConfig, paypalConfigSchema } from "./config.ts";
import { checkConnection } from "./connection.ts";
import { paypalFields } from "./fields.ts";
import { readNotice, replyToNotice } from "./notice.ts";
import { payCheckout } from "./pay.ts";
import { close, query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";

export const paypal: Channel = {
  id: "paypal",
  label: { zh: "PayPal", en: "PayPal" },
  currencies: paypalCurrencies,
  configSchema: paypalConfigSchema,
  fields: paypalFields,
  expiries: expiriesOfPaypal,
  prepare: async () => void (await loadSdk()),
  checkConnection,
  checkAccount: checkPaypalAccount,
  identify: (account) => ({ merchant: (account.config as PaypalConfig).merchant_id, app: undefined }),
  pay: { "paypal.checkout": payCheckout },
  query,
  close,
  refund,
  queryRefund,
  readNotice,
  replyToNotice,
  bills,
  returnParameter: "PayerID",
  limits: {
    refund_window_ms: 180 * 86_400_000,
    refunds_per_payment_max: 50,
    query_window_ms: 180 * 86_400_000,
    refund_query_delay_ms: 5_000,
  },
};
