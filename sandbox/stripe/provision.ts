/** Registration of Stripe accounts, as a person does in the Dashboard, and the rolling of their key and secret. */
import type { Sandbox } from "../context.ts";
import { ControlError, type Fields, optionalText } from "../kit/input.ts";
import { default_events } from "./notice.ts";
import type { StripeAccount } from "./state.ts";

/** The fields that `POST /control/merchants` takes for Stripe. */
export const stripe_merchant_fields = ["channel", "account_id", "name", "webhook_url", "enabled_events"] as const;

const makeSecret = (sandbox: Sandbox, prefix: string) => ({ value: `${prefix}${sandbox.random.token(32)}` });

/** Registers an account, or answers the one of that `account_id` again, with the name and endpoint that were given. */
export async function registerStripeMerchant(sandbox: Sandbox, fields: Fields): Promise<Fields> {
  const account_id = optionalText(fields, "account_id") ?? `acct_${sandbox.random.token(16)}`;
  if (!/^acct_\w{6,40}$/.test(account_id))
    throw new ControlError(400, '"account_id" must be acct_ and letters or digits.');
  const account = sandbox.stripe.members.get(account_id) ?? foundAccount(sandbox, account_id);
  account.name = optionalText(fields, "name") ?? account.name;
  account.endpoint.url = optionalText(fields, "webhook_url") ?? account.endpoint.url;
  account.endpoint.enabled_events =
    optionalText(fields, "enabled_events")?.split(",") ?? account.endpoint.enabled_events;
  sandbox.stripe.members.set(account_id, account);
  return describeStripeMerchant(sandbox, account);
}

function foundAccount(sandbox: Sandbox, account_id: string): StripeAccount {
  return {
    account_id,
    name: "Simulated merchant 模拟商户",
    keys: [makeSecret(sandbox, "sk_test_")],
    endpoint: {
      id: `we_${sandbox.random.token(24)}`,
      url: undefined,
      secrets: [makeSecret(sandbox, "whsec_")],
      enabled_events: default_events,
    },
  };
}

/** Everything that the merchant's side of a channel account needs. */
export function describeStripeMerchant(sandbox: Sandbox, account: StripeAccount): Fields {
  return {
    channel: "stripe",
    account_id: account.account_id,
    name: account.name,
    secret_key: account.keys.at(-1)?.value,
    webhook_secret: account.endpoint.secrets.at(-1)?.value,
    webhook_url: account.endpoint.url,
    enabled_events: account.endpoint.enabled_events.join(","),
    base_url: sandbox.public_url,
  };
}

/** Rolls the secret key and the endpoint's secret; the old ones end now, or stay good for `overlap_s` more. */
export async function rotateStripeKeys(sandbox: Sandbox, account_id: string, overlap_s = 0): Promise<Fields> {
  const account = sandbox.stripe.members.get(account_id);
  if (account === undefined) throw new ControlError(404, `No Stripe account ${account_id}.`);
  const ends_at_ms = sandbox.clock.now() + overlap_s * 1000;
  for (const old of [...account.keys, ...account.endpoint.secrets]) old.ends_at_ms ??= ends_at_ms;
  account.keys.push(makeSecret(sandbox, "sk_test_"));
  account.endpoint.secrets.push(makeSecret(sandbox, "whsec_"));
  return describeStripeMerchant(sandbox, account);
}
