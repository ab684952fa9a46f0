/** Alipay's open platform (gateway.do, RSA2): key mode and certificate mode, for a merchant or a service provider. */
import type { Channel } from "../contract.ts";
import { barcode, payBarcode } from "./barcode.ts";
import { bills } from "./bill.ts";
import { cancel, close } from "./close.ts";
import { type AlipayConfig, alipayConfigSchema, checkAlipayAccount } from "./config.ts";
import { checkConnection } from "./connection.ts";
import { alipayFields, listExpiries } from "./fields.ts";
import { identity } from "./identity.ts";
import { readNotice, replyToNotice } from "./notice.ts";
import { payApp, payJsapi, payPage, payQr, payWap } from "./pay.ts";
import { query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";
import { sharing } from "./sharing.ts";
import { transfers } from "./transfer.ts";

export const alipay: Channel = {
  id: "alipay",
  label: { zh: "支付宝", en: "Alipay" },
  currencies: ["CNY"],
  configSchema: alipayConfigSchema,
  fields: alipayFields,
  expiries: listExpiries,
  checkConnection,
  checkAccount: checkAlipayAccount,
  identify(account) {
    const { seller_id, app_id, auth_app_id } = account.config as AlipayConfig;
    return { merchant: seller_id, app: auth_app_id ?? app_id };
  },
  pay: {
    "alipay.qr": payQr,
    "alipay.wap": payWap,
    "alipay.page": payPage,
    "alipay.app": payApp,
    "alipay.jsapi": payJsapi,
    "alipay.barcode": payBarcode,
  },
  query,
  close,
  cancel,
  barcode,
  refund,
  queryRefund,
  readNotice,
  replyToNotice,
  identity,
  sharing,
  transfers,
  bills,
  limits: {
    refund_window_ms: 365 * 86_400_000,
    refunds_per_payment_max: 50,
    query_window_ms: 90 * 86_400_000,
    refund_query_delay_ms: 10_000,
  },
};
