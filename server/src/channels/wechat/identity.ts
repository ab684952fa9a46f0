/**
 * The payer's openid: by web authorization inside WeChat with scope snsapi_base (no consent page), or by the login code of
 * a mini program. https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
 */
import type {
  ChannelAccount,
  CodeExchange,
  IdentityOutcome,
  PayerIdentity,
  WireRequest,
  WireResponse,
} from "../contract.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { parseJsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount } from "./config.ts";
import { requireAppid } from "./parties.ts";

/** The code is bad, used, too old or not of this app, or its owner is under suspicion. */
const codeRefusals = new Set([40029, 40163, 40226, 41008, 42003]);
/** The app or its AppSecret is wrong: no code would do. */
const accountRefusals = new Set([40013, 40125, 41002, 41004]);

export const identity: PayerIdentity = {
  field: "openid",
  codeParameter: "code",
  authorizeUrl(account, redirect_url, state) {
    const { appid, sub_appid, oauth_authorize_base_url } = openWechatAccount(account);
    // WeChat demands this order of parameters and the fragment.
    const query = new URLSearchParams({
      appid: sub_appid ?? appid,
      redirect_uri: redirect_url,
      response_type: "code",
      scope: "snsapi_base",
      state,
    });
    return `${oauth_authorize_base_url}/connect/oauth2/authorize?${query}#wechat_redirect`;
  },
  exchange: {
    async toRequest(context, { code }) {
      const secret = secretOf(context.account, "app_secret");
      const parameters = { appid: requireAppid(context, "wechat.jsapi"), secret, code };
      return ask(context.account, "/sns/oauth2/access_token", parameters);
    },
    fromResponse: (_context, _input, response) => readOpenid(response),
  },
};

/** `wx.login` in the mini program gives the code, once, for five minutes. The session key is not kept. */
export const miniIdentity: CodeExchange = {
  field: "openid",
  exchange: {
    async toRequest(context, { code }) {
      const secret = secretOf(context.account, "mini_app_secret");
      const parameters = { appid: requireAppid(context, "wechat.mini"), secret, js_code: code };
      return ask(context.account, "/sns/jscode2session", parameters);
    },
    fromResponse: (_context, _input, response) => readOpenid(response),
  },
};

function secretOf(account: ChannelAccount, name: "app_secret" | "mini_app_secret"): string {
  const secret = account.secrets[name]?.reveal();
  if (!secret)
    throw new RequestRefused(`${name.toUpperCase()}_REQUIRED`, `the account has no ${name}`, { elsewhere: true });
  return secret;
}

function ask(account: ChannelAccount, path: string, parameters: Record<string, string>): WireRequest {
  const { oauth_api_base_url } = openWechatAccount(account);
  const query = new URLSearchParams({ ...parameters, grant_type: "authorization_code" });
  const headers = { accept: "application/json", "user-agent": "Tributary/0.1" };
  return { method: "GET", url: `${oauth_api_base_url}${path}?${query}`, headers };
}

/** The answer is not signed; it is trusted as far as the connection is. Errors come with status 200 and an errcode. */
function readOpenid(response: WireResponse): IdentityOutcome {
  if (response.status !== 200) return unknown("http_status", `status ${response.status}`);
  const data = parseJsonObject(response.body.toString("utf8"));
  const openid = textOf(data, "openid");
  if (openid) return { kind: "identified", payer: openid };
  const code = data?.errcode;
  if (typeof code !== "number") return unknown("unreadable", "neither an openid nor an errcode");
  const failure = { code: String(code), message: textOf(data, "errmsg") ?? "" };
  if (codeRefusals.has(code)) return { kind: "failed", failure };
  if (accountRefusals.has(code)) return { kind: "failed", failure: { ...failure, elsewhere: true } };
  return unknown("system_error", `errcode ${code}`);
}
