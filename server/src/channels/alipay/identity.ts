/** The payer's id, by web authorization inside Alipay with scope auth_base (no consent page). */
import type { IdentityOutcome, PayerIdentity } from "../contract.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { textOf } from "../wire-json.ts";
import { openAlipayAccount } from "./config.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const TOKEN = "alipay.system.oauth.token";

const tokenRefusals = {
  "20001": "failed",
  "40001": "failed",
  "40002": "failed",
  "40003": "failed",
  "40006": "failed",
  "isv.code-invalid": "failed",
  "isv.code-is-expire": "failed",
} as const;

/**
 * The code's parameters stand at the top level of the call, not in biz_content. New apps get an open_id only. At a service
 * provider the payer authorizes the provider's application, whoever the merchant is.
 */
export const identity: PayerIdentity = {
  field: "buyer_id",
  codeParameter: "auth_code",
  authorizeUrl(account, redirect_url, state) {
    const { app_id, oauth_base_url } = openAlipayAccount(account);
    const query = new URLSearchParams({ app_id, scope: "auth_base", redirect_uri: redirect_url, state });
    return `${oauth_base_url}/oauth2/publicAppAuthorize.htm?${query}`;
  },
  exchange: {
    toRequest: (context, { code }) =>
      signCall(context, { method: TOKEN, parameters: { grant_type: "authorization_code", code }, as_provider: true }),
    fromResponse(context, _input, response): IdentityOutcome {
      const answer = readAnswer(context, TOKEN, response);
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "refused") {
        const failure = { code: answer.code, message: answer.message };
        return interpretRefusal(tokenRefusals, failure, answer.lookup);
      }
      const { payer_id } = openAlipayAccount(context.account);
      const names = payer_id ? [payer_id] : ["user_id", "open_id"];
      const [payer] = names.flatMap((name) => textOf(answer.data, name) ?? []);
      return payer ? { kind: "identified", payer } : unknown("unreadable", `the answer has no ${names.join(" or ")}`);
    },
  },
};
