/** Trying an account's credentials: a signed query of a trade that cannot exist, and one of a provider's token. */
import type { ChannelContext, ConnectionOutcome, Conversation } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { textOf } from "../wire-json.ts";
import { openAlipayAccount } from "./config.ts";
import { signCall } from "./sign.ts";
import { type AlipayAnswer, readAnswer } from "./verify.ts";

const QUERY = "alipay.trade.query";
const TOKEN_QUERY = "alipay.open.auth.token.app.query";
/** Not a number that we give out: ours have no zero-filled middle. */
const ABSENT_TRADE = "CONNECTION0000000000000000";

/** Which field each refusal of the gateway is about: https://opendocs.alipay.com/common/02km9f . */
const culprits: Readonly<Record<string, string>> = {
  "isv.missing-app-id": "app_id is missing",
  "isv.invalid-app-id": "app_id is not known to this gateway",
  "isv.invalid-signature": "app_private_key does not match the key or certificate that Alipay holds of the application",
  "isv.missing-signature-key": "no key or certificate of the application was given to Alipay",
  "isv.missing-signature-config": "no key or certificate of the application was given to Alipay",
  "isv.missing-app-cert-sn": "Alipay expects the certificate mode of this application",
  "isv.app-cert-not-exist": "app_certificate is not the one that Alipay holds of the application",
  "isv.app-cert-expired": "app_certificate has expired",
  "isv.invalid-alipay-root-cert-sn": "alipay_root_certificate is not Alipay's",
  "isv.missing-alipay-root-cert-sn": "Alipay expects the certificate mode of this application",
  "isv.not-online-app": "the application is not online yet",
  "isv.insufficient-isv-permissions":
    "the application lacks the permission: its product is not signed for, or not online",
  "isv.insufficient-user-permissions": "the merchant has not granted the application this permission",
  "isv.self-invoke-forbidden": "the application is a service provider's: app_auth_token is missing",
  "aop.invalid-app-auth-token": "app_auth_token is not one that a merchant gave to app_id",
  "aop.app-auth-token-time-out":
    "app_auth_token has expired: the merchant must authorize again, or it must be refreshed",
  "aop.invalid-app-auth-token-no-api": "app_auth_token does not allow this call",
  "aop.no-product-reg-by-partner": "the merchant has signed for no product",
  "ACQ.ACCESS_FORBIDDEN": "the merchant has not signed for the product",
};

/**
 * Connected when Alipay says, well signed, that there is no such trade: then it knows the application, and both sides'
 * keys are right. A service provider's token is asked about as well, as Alipay tells whose it is; that another
 * account's `seller_id` is its own is told by the first notice only.
 */
export const checkConnection: Conversation<Record<string, never>, ConnectionOutcome> = {
  async converse(context, _input, send) {
    const asked = await signCall(context, { method: QUERY, biz_content: { out_trade_no: ABSENT_TRADE } });
    const outcome = readConnection(context, readAnswer(context, QUERY, await send(asked)));
    const { app_auth_token } = openAlipayAccount(context.account);
    if (outcome.kind !== "connected" || app_auth_token === undefined) return outcome;
    const biz_content = { app_auth_token };
    const token = await signCall(context, { method: TOKEN_QUERY, biz_content, as_provider: true });
    return readGrant(context, readAnswer(context, TOKEN_QUERY, await send(token)));
  },
};

function readConnection({ account }: ChannelContext, answer: AlipayAnswer): ConnectionOutcome {
  if (answer.kind === "unknown") {
    if (answer.reason !== "bad_signature") return answer;
    const field = account.config.mode === "certificate" ? "alipay_certificates" : "alipay_public_keys";
    return { ...answer, detail: `${answer.detail}: ${field} may not be Alipay's for this application` };
  }
  if (answer.kind === "accepted" || answer.code === "ACQ.TRADE_NOT_EXIST") return { kind: "connected" };
  const culprit = Object.hasOwn(culprits, answer.code) ? `${culprits[answer.code]}: ` : "";
  return { kind: "failed", failure: { code: answer.code, message: `${culprit}${answer.message}`.slice(0, 500) } };
}

/** The token's merchant must be the account's, and the grant must stand. */
function readGrant(context: ChannelContext, answer: AlipayAnswer): ConnectionOutcome {
  if (answer.kind !== "accepted") return readConnection(context, answer);
  const { seller_id, merchant_app_id } = openAlipayAccount(context.account);
  const differences = [
    ...differenceOf("seller_id", seller_id, textOf(answer.data, "user_id")),
    ...differenceOf("auth_app_id", merchant_app_id, textOf(answer.data, "auth_app_id")),
  ];
  if (differences.length > 0) {
    const message = `app_auth_token is another merchant's: ${differences.join("; ")}`;
    return { kind: "failed", failure: { code: "APP_AUTH_TOKEN_OF_ANOTHER", message } };
  }
  if (textOf(answer.data, "status") === "valid") return { kind: "connected" };
  const message = "app_auth_token is no longer valid: the merchant must authorize again";
  return { kind: "failed", failure: { code: "APP_AUTH_TOKEN_INVALID", message } };
}
