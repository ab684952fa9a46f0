/** A bank account for a merchant of a test's platform, and a program of the merchant's bank that posts statements. */
import { Webhook } from "standardwebhooks";
import { Secret } from "../../server/src/kit/secret.ts";
import { bindChannelAccount, createChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import type { TestMerchant } from "./merchants.ts";
import type { Answer, Platform } from "./platform.ts";
import type { Json } from "./sandbox-control.ts";

export const STATEMENT_KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
export const BANK_ACCOUNT = {
  bank_name: "招商银行深圳分行",
  bank_code: "308584000013",
  account_name: "深圳示例科技有限公司",
  account_number: "755900000010001",
  currency: "CNY",
};

/** Routing believes what it knows for a second. */
const ROUTES_TTL_MS = 2_000;

/** An account that payers transfer to: the platform's (pooled), or the merchant's own. Gives its UUID. */
export async function addBank(
  platform: Platform,
  { merchant_id }: TestMerchant,
  funding_mode: "pooled" | "direct" = "pooled",
): Promise<string> {
  const { services } = platform;
  const given = { ...services, getChannel: services.payment.getChannel };
  const account = await createChannelAccount(given, {
    ...{ channel: "bank", name: "Bank", funding_mode, livemode: false, methods: ["bank.transfer"] },
    ...(funding_mode === "direct" && { owner_merchant_id: merchant_id }),
    config: BANK_ACCOUNT,
    secrets: { statement_key: new Secret(STATEMENT_KEY) },
  });
  await bindChannelAccount(services, { merchant_id, channel_account_id: account.id });
  await platform.advance(ROUTES_TTL_MS);
  return account.id;
}

let last = 0;

/** Signs a statement with an independent library, and posts it as a bank's program would. */
export async function postStatement(
  platform: Platform,
  path: string,
  statement: Json,
  key = STATEMENT_KEY,
): Promise<Answer> {
  const id = `msg_${++last}`;
  const body = JSON.stringify(statement);
  const at = new Date(platform.clock.now());
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(key).sign(id, at, body),
  };
  return platform.call("POST", path, body, { key: null, headers });
}
