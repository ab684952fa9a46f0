/**
 * The payer's userId, by UnionPay's authorization (userAuth) in the browser of the UnionPay app. The authorization takes no
 * state of ours, so that it travels in the address that the browser comes back to.
 */
import type { IdentityOutcome, PayerIdentity } from "../contract.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { openUnionpayAccount } from "./config.ts";
import { identityRefusals } from "./errors.ts";
import { signCall } from "./sign.ts";
import { toCompactTime } from "./times.ts";
import { readAnswer } from "./verify.ts";

/** Which app asks, as its User-Agent names it. */
const APP_IDENTIFIER = "UnionPay/1.0 CloudPay";

export const identity: PayerIdentity = {
  field: "user_id",
  codeParameter: "userAuthCode",
  authorizeUrl(account, redirect_url, state) {
    const back = new URL(redirect_url);
    back.searchParams.append("state", state);
    const query = new URLSearchParams({ version: "1.0.0", redirectUrl: back.href });
    return `${openUnionpayAccount(account).authorize_base_url}/qrcGtwWeb-web/api/userAuth?${query}`;
  },
  exchange: {
    toRequest: (context, { code }) =>
      signCall(context, "newAppTransReq", {
        txnType: "00",
        txnSubType: "10",
        bizType: "000000",
        channelType: "08",
        orderId: `AUTH${context.random.bytes(12).toString("hex")}`,
        txnTime: toCompactTime(context.clock.now()),
        // The code is base64, whose plus signs a browser's address bar turns into blanks.
        userAuthCode: code.replaceAll(" ", "+"),
        appUpIdentifier: APP_IDENTIFIER,
        termId: openUnionpayAccount(context.account).terminal_id,
      }),
    fromResponse(context, _input, response): IdentityOutcome {
      const answer = readAnswer(context, undefined, response);
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "refused") return interpretRefusal(identityRefusals, answer);
      const { appUserId } = answer.data;
      return appUserId ? { kind: "identified", payer: appUserId } : unknown("unreadable", "the answer names no user");
    },
  },
};
