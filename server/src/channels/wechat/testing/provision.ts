/** For tests of this channel: a merchant at its simulator, and the account that reaches it. */
import { Secret } from "../../../kit/secret.ts";
import { type ControlPlane, makeUuid, type Provisioned } from "../../conformance/harness.ts";

export type VerifyMode = "platform_certificate" | "public_key" | "both";
export type Made = Record<string, string | undefined>;

/** The keys of WeChat Pay among what a registration (or a rotation) answers, as an account's config has them. */
export function keysOf(made: Made): Record<string, unknown> {
  const { platform_serial_no, platform_certificate_pem, public_key_id, public_key_pem } = made;
  return {
    ...(platform_serial_no && {
      platform_certificates: [{ serial_no: platform_serial_no, pem: platform_certificate_pem }],
    }),
    ...(public_key_id && { public_keys: [{ id: public_key_id, pem: public_key_pem }] }),
  };
}

/** API v2 and API v3 take code payments; each key mode tries one of them. */
export const barcodeApis = { platform_certificate: "v2", public_key: "v3", both: "v2" } as const;

/** `more` is what the registration takes besides; with `mode: "partner"` the account is a service provider's. */
export async function provisionWechat(
  control: ControlPlane,
  verify_mode: VerifyMode,
  more: object = {},
): Promise<Provisioned> {
  const made = (await control.post("merchants", { channel: "wechat", verify_mode, ...more })) as Made;
  const { mchid, appid, mini_appid, app_appid, merchant_serial_no } = made;
  const { sub_mchid, sub_appid, sub_mini_appid, sub_app_appid } = made;
  const account = {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: {
      mchid,
      appid,
      mini_appid,
      app_appid,
      ...(sub_mchid && { sub_mchid, sub_appid, sub_mini_appid, sub_app_appid }),
      merchant_serial_no,
      merchant_certificate: made.merchant_certificate_pem,
      barcode_api: barcodeApis[verify_mode],
      transfer_scene_id: "1005",
      transfer_reports: [{ info_type: "岗位类型", info_content: "骑手" }],
      ...keysOf(made),
      base_url: control.url,
      oauth_authorize_base_url: control.url,
      oauth_api_base_url: control.url,
    },
    secrets: {
      merchant_private_key: new Secret(made.merchant_private_key_pem!),
      api_v3_key: new Secret(made.api_v3_key!),
      api_v2_key: new Secret(made.api_v2_key!),
      app_secret: new Secret(made.app_secret!),
      mini_app_secret: new Secret(made.mini_app_secret!),
    },
  };
  return { account, merchant: mchid! };
}
