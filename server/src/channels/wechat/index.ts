/**
 * WeChat Pay of a direct merchant (直连商户) or of a service provider (服务商): API v3, and for code payments API v2 unless
 * the account says v3.
 */
import type { Channel } from "../contract.ts";
import { barcode, payBarcode, query } from "./barcode.ts";
import { bills } from "./bill.ts";
import { close } from "./close.ts";
import { checkWechatAccount, type WechatConfig, wechatConfigSchema } from "./config.ts";
import { checkConnection, expiries } from "./connection.ts";
import { wechatFields } from "./fields.ts";
import { identity, miniIdentity } from "./identity.ts";
import { readNotice, replyToNotice } from "./notice.ts";
import { appidOf, merchantOf } from "./parties.ts";
import { payApp, payH5, payJsapi, payMini, payNative } from "./pay.ts";
import { redirectRefund } from "./redirect-refund.ts";
import { queryRefund, refund } from "./refund.ts";
import { keyRenewal } from "./renew-keys.ts";
import { sharing } from "./sharing.ts";
import { transfers } from "./transfer.ts";

export { type CertificatesOutcome, certificates, type PlatformCertificate } from "./certificates.ts";

export const wechat: Channel = {
  id: "wechat",
  label: { zh: "微信支付", en: "WeChat Pay" },
  currencies: ["CNY"],
  configSchema: wechatConfigSchema,
  fields: wechatFields,
  expiries,
  keyRenewal,
  checkConnection,
  checkAccount: checkWechatAccount,
  identify(account, method) {
    const config = account.config as WechatConfig;
    return { merchant: merchantOf(config), app: appidOf(config, method) };
  },
  pay: {
    "wechat.native": payNative,
    "wechat.jsapi": payJsapi,
    "wechat.h5": payH5,
    "wechat.mini": payMini,
    "wechat.app": payApp,
    "wechat.barcode": payBarcode,
  },
  query,
  close,
  barcode,
  refund,
  queryRefund,
  redirectRefund,
  readNotice,
  replyToNotice,
  identity,
  miniIdentity,
  sharing,
  transfers,
  bills,
  limits: {
    refund_window_ms: 365 * 86_400_000,
    refunds_per_payment_max: 50,
    query_window_ms: 90 * 86_400_000,
    refund_query_delay_ms: 5_000,
  },
};
