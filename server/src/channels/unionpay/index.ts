/** UnionPay (云闪付), ACP 5.1.0: pages, apps, scanned and shown codes of a direct merchant. It closes no order. */
import type { Channel } from "../contract.ts";
import { bills } from "./bill.ts";
import { checkUnionpayAccount, expiriesOfUnionpay, type UnionpayConfig, unionpayConfigSchema } from "./config.ts";
import { checkConnection } from "./connection.ts";
import { unionpayFields } from "./fields.ts";
import { identity } from "./identity.ts";
import { readNotice, replyToNotice } from "./notice.ts";
import { payApp, payBarcode, payJs, payQr, payWeb } from "./pay.ts";
import { query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";
import { reverse } from "./reverse.ts";

export const unionpay: Channel = {
  id: "unionpay",
  label: { zh: "银联云闪付", en: "UnionPay" },
  currencies: ["CNY"],
  configSchema: unionpayConfigSchema,
  fields: unionpayFields,
  expiries: expiriesOfUnionpay,
  checkConnection,
  checkAccount: checkUnionpayAccount,
  identify: (account) => ({ merchant: (account.config as UnionpayConfig).mer_id, app: undefined }),
  pay: {
    "unionpay.qr": payQr,
    "unionpay.web": payWeb,
    "unionpay.app": payApp,
    "unionpay.jsapi": payJs,
    "unionpay.barcode": payBarcode,
  },
  query,
  barcode: { query_interval_ms: 5_000, query_for_ms: 45_000, cancel_after_ms: 15_000, cancel: reverse },
  refund,
  queryRefund,
  readNotice,
  replyToNotice,
  identity,
  bills,
  limits: {
    refund_window_ms: 330 * 86_400_000,
    refunds_per_payment_max: 50,
    query_window_ms: 30 * 86_400_000,
    refund_query_delay_ms: 5_000,
  },
};
