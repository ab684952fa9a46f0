/** Trying an account's credentials: a signed query of a trade that cannot exist. */
import type { ConnectionOutcome, Operation } from "../contract.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const QUERY = "alipay.trade.query";
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
  "ACQ.ACCESS_FORBIDDEN": "the merchant has not signed for the product",
};

/**
 * Connected when Alipay says, well signed, that there is no such trade: then it knows the application, and both sides'
 * keys are right. That `seller_id` is the application's own is told by the first notice only.
 */
export const checkConnection: Operation<Record<string, never>, ConnectionOutcome> = {
  toRequest: (context) => signCall(context, { method: QUERY, biz_content: { out_trade_no: ABSENT_TRADE } }),
  fromResponse(context, _input, response) {
    const answer = readAnswer(context, QUERY, response);
    if (answer.kind === "unknown") {
      if (answer.reason !== "bad_signature") return answer;
      const field = context.account.config.mode === "certificate" ? "alipay_certificates" : "alipay_public_keys";
      return { ...answer, detail: `${answer.detail}: ${field} may not be Alipay's for this application` };
    }
    if (answer.kind === "accepted" || answer.code === "ACQ.TRADE_NOT_EXIST") return { kind: "connected" };
    const culprit = Object.hasOwn(culprits, answer.code) ? `${culprits[answer.code]}: ` : "";
    return { kind: "failed", failure: { code: answer.code, message: `${culprit}${answer.message}`.slice(0, 500) } };
  },
};
