/** The Alipay of the sandbox as the conformance suite and the adapter's own tests meet it. */
import { startSandbox } from "../../../../../sandbox/main.ts";
import { Secret } from "../../../kit/secret.ts";
import { type ControlPlane, changeAccount, makeUuid, type Provisioned } from "../../conformance/harness.ts";
import type { ConformanceSubject } from "../../conformance/index.ts";
import type { ChannelAccount } from "../../contract.ts";
import { alipay } from "../index.ts";

/** `isv`: a service provider with certificates, which acts for the merchant by its token. */
export type Mode = "key" | "certificate" | "isv";
type Made = Record<string, string | undefined>;

/** Registers a merchant's application, and the account that reaches it: by itself, or through a service provider. */
export async function provision(control: ControlPlane, mode: Mode): Promise<Provisioned> {
  if (mode !== "isv") {
    const own = await register(control, { mode });
    return { account: accountOf(control, own, own), merchant: own.app_id! };
  }
  const provider = await register(control, { mode: "certificate", third_party: true });
  const merchant = await register(control, { authorizes: provider.app_id });
  return { account: accountOf(control, provider, merchant), merchant: merchant.app_id!, key_holder: provider.app_id! };
}

const register = async (control: ControlPlane, body: object) =>
  (await control.post("merchants", { channel: "alipay", ...body })) as Made;

/** `app` signs, and the trades are the merchant's. */
function accountOf(control: ControlPlane, app: Made, merchant: Made): ChannelAccount {
  const keys =
    app.mode === "key"
      ? { alipay_public_keys: [app.alipay_public_key_pem] }
      : {
          app_certificate: app.app_cert_pem,
          alipay_certificates: [app.alipay_cert_pem],
          alipay_root_certificate: app.alipay_root_cert_pem,
        };
  const { app_auth_token } = merchant;
  return {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: {
      app_id: app.app_id,
      seller_id: merchant.seller_id,
      ...(app_auth_token && { auth_app_id: merchant.app_id }),
      mode: app.mode,
      ...keys,
      gateway: app.gateway,
      oauth_base_url: control.url,
    },
    secrets: {
      app_private_key: new Secret(app.app_private_key_pem!),
      ...(app_auth_token && { app_auth_token: new Secret(app_auth_token) }),
    },
  };
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
  title: `Alipay, ${mode === "isv" ? "a service provider" : `${mode} mode`}`,
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
    bills: {
      dayOf: (at_ms) => new Date(at_ms + 8 * 3_600_000).toISOString().slice(0, 10),
      spoilt: [
        [{ kind: "truncated" }, /BillRefused truncated/],
        [{ kind: "doubled" }, /BillRefused doubled/],
        [{ kind: "encoding" }, /BillRefused encoding/],
        [{ kind: "summary", by: 1 }, /BillRefused sum_differs/],
        [{ kind: "not_ready", seconds: 60 }, /not_ready|failed/],
      ],
    },
    spoiltNotices: ["notice_tampered", "notice_bad_signature"],
  },
});
