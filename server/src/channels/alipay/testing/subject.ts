/** The Alipay of the sandbox as the conformance suite and the adapter's own tests meet it. */
import { startSandbox } from "../../../../../sandbox/main.ts";
import { Secret } from "../../../kit/secret.ts";
import { type ControlPlane, changeAccount, makeUuid } from "../../conformance/harness.ts";
import type { ConformanceSubject } from "../../conformance/index.ts";
import type { ChannelAccount } from "../../contract.ts";
import { alipay } from "../index.ts";

export type Mode = "key" | "certificate";
type Made = Record<string, string | undefined>;

/** Registers an application, and the account that reaches it. */
export async function provision(control: ControlPlane, mode: Mode) {
  const made = (await control.post("merchants", { channel: "alipay", mode })) as Made;
  const keys =
    mode === "key"
      ? { alipay_public_keys: [made.alipay_public_key_pem] }
      : {
          app_certificate: made.app_cert_pem,
          alipay_certificates: [made.alipay_cert_pem],
          alipay_root_certificate: made.alipay_root_cert_pem,
        };
  const account: ChannelAccount = {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: {
      app_id: made.app_id,
      seller_id: made.seller_id,
      mode,
      ...keys,
      gateway: made.gateway,
      oauth_base_url: control.url,
    },
    secrets: { app_private_key: new Secret(made.app_private_key_pem!) },
  };
  return { account, merchant: made.app_id! };
}

/** Old and new keys side by side, as during Alipay's own change. */
function renew(account: ChannelAccount, rotated: Record<string, unknown>): ChannelAccount {
  const [name, added] =
    account.config.mode === "key"
      ? ["alipay_public_keys", rotated.alipay_public_key_pem]
      : ["alipay_certificates", rotated.alipay_cert_pem];
  return changeAccount(account, { config: { [name]: [added, ...(account.config[name] as unknown[])] } });
}

const troubles = {
  http_500: "http_status",
  system_error: "system_error",
  service_unavailable: "system_error",
  rate_limit: "rate_limited",
  bad_signature: "bad_signature",
  no_signature: "bad_signature",
  html: "unreadable",
  empty: "unreadable",
} as const;

/** What the suite must be told about Alipay. */
export const subjectOf = (mode: Mode): ConformanceSubject => ({
  title: `Alipay, ${mode} mode`,
  channel: alipay,
  start: () => startSandbox({ port: 0 }),
  provision: (control) => provision(control, mode),
  renew,
  relocate: (account, url) => changeAccount(account, { config: { gateway: `${url}/gateway.do` } }),
  privateKeyField: "app_private_key",
  method: "alipay.qr",
  facts: {
    unseen: "not_found",
    closedTwice: "already_paid",
    refunded: "succeeded",
    refundUnderWay: "not_found",
    notEnoughCode: "ACQ.SELLER_BALANCE_NOT_ENOUGH",
    troubles,
    untruths: ["wrong_amount", "wrong_currency", "wrong_number"],
    refundUntruths: ["wrong_amount", "wrong_number"],
    barcode: {
      refusals: {
        expired: "ACQ.PAYMENT_AUTH_CODE_INVALID",
        invalid: "ACQ.PAYMENT_AUTH_CODE_INVALID",
        not_enough: "ACQ.BUYER_BALANCE_NOT_ENOUGH",
      },
      troubles,
      untruths: ["wrong_amount", "wrong_currency", "wrong_number"],
      declined: "closed",
      busy: false,
      cancelledAbsent: "not_found",
    },
    spoiltNotices: ["notice_tampered", "notice_bad_signature"],
  },
});
