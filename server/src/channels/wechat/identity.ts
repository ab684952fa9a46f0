/** The payer's openid, by web authorization inside WeChat with scope snsapi_base (no consent page). */
import type { IdentityOutcome, PayerIdentity, WireResponse } from "../contract.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { parseJsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount, type WechatAccount } from "./config.ts";

/** Codes of /sns/oauth2/access_token that end the matter: the code is bad, used, or not of this app. */
const failedCodes = new Set([40013, 40029, 40125, 40163, 41002, 41004, 41008, 42003]);

export const identity: PayerIdentity = {
  field: "openid",
  codeParameter: "code",
  authorizeUrl(account, redirect_url, state) {
    const { oauth_authorize_base_url, ...opened } = openWechatAccount(account);
    // WeChat demands this order of parameters and the fragment.
    const query = new URLSearchParams({
      appid: payerAppidOf(opened),
      redirect_uri: redirect_url,
      response_type: "code",
      scope: "snsapi_base",
      state,
    });
    return `${oauth_authorize_base_url}/connect/oauth2/authorize?${query}#wechat_redirect`;
  },
  exchange: {
    async toRequest({ account }, { code }) {
      const { oauth_api_base_url, ...opened } = openWechatAccount(account);
      const secret = account.secrets.app_secret?.reveal();
      if (!secret) throw new RequestRefused("APP_SECRET_REQUIRED", "the account has no app_secret");
      const query = new URLSearchParams({
        appid: payerAppidOf(opened),
        secret,
        code,
        grant_type: "authorization_code",
      });
      const url = `${oauth_api_base_url}/sns/oauth2/access_token?${query}`;
      return { method: "GET", url, headers: { accept: "application/json", "user-agent": "Tributary/0.1" } };
    },
    fromResponse: (_context, _input, response) => readToken(response),
  },
};

/** The openid must be one of the appid that a jsapi order is paid under. */
function payerAppidOf({ appid, sub_appid }: Pick<WechatAccount, "appid" | "sub_appid">): string {
  return sub_appid ?? appid;
}

/** The answer is not signed; it is trusted as far as the connection is. Errors come with status 200 and an errcode. */
function readToken(response: WireResponse): IdentityOutcome {
  if (response.status !== 200) return unknown("http_status", `status ${response.status}`);
  const data = parseJsonObject(response.body.toString("utf8"));
  const openid = textOf(data, "openid");
  if (openid) return { kind: "identified", payer: openid };
  const code = data?.errcode;
  if (typeof code !== "number") return unknown("unreadable", "neither an openid nor an errcode");
  const message = textOf(data, "errmsg") ?? "";
  if (failedCodes.has(code)) return { kind: "failed", failure: { code: String(code), message } };
  return unknown("system_error", `errcode ${code}`);
}
