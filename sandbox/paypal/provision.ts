/** Registration of PayPal business accounts with a REST app and its webhook, as a person does on the developer site. */
import type { Sandbox } from "../context.ts";
import { ControlError, type Fields, optionalText } from "../kit/input.ts";
import { ensureAuthority, renewSigner } from "./authority.ts";
import type { PaypalMerchant, PaypalWebhook } from "./state.ts";

/** The fields that `POST /control/merchants` takes for PayPal. */
export const paypal_merchant_fields = ["channel", "client_id", "merchant_id", "name", "webhook_url"] as const;

const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/** A number in PayPal's manner: letters and digits without those that look alike. */
export function makePaypalId(sandbox: Sandbox, length: number): string {
  return Array.from({ length }, () => letters[sandbox.random.integer(letters.length)]).join("");
}

/** Registers an app, or answers the one of that `client_id` again, under the name and webhook that were given. */
export async function registerPaypalMerchant(sandbox: Sandbox, fields: Fields): Promise<Fields> {
  const client_id = optionalText(fields, "client_id") ?? `A${sandbox.random.token(79)}`;
  const known = sandbox.paypal.members.get(client_id);
  const merchant: PaypalMerchant = known ?? {
    client_id,
    client_secret: `E${sandbox.random.token(79)}`,
    merchant_id: optionalText(fields, "merchant_id") ?? makePaypalId(sandbox, 13),
    name: "Simulated merchant 模拟商户",
    webhooks: [{ id: makePaypalId(sandbox, 17), url: "" }],
  };
  merchant.name = optionalText(fields, "name") ?? merchant.name;
  const url = optionalText(fields, "webhook_url");
  if (url !== undefined) checkWebhookUrl(url);
  if (url !== undefined) merchant.webhooks[0]!.url = url;
  await ensureAuthority(sandbox);
  sandbox.paypal.members.set(client_id, merchant);
  return describePaypalMerchant(sandbox, merchant);
}

function checkWebhookUrl(url: string): void {
  if (!/^https?:\/\/\S{1,2000}$/.test(url)) throw new ControlError(400, '"webhook_url" must be an address.');
}

/** A further webhook of an app; PayPal allows ten. */
export function addWebhook(sandbox: Sandbox, merchant: PaypalMerchant, url: string): PaypalWebhook {
  const webhook = { id: makePaypalId(sandbox, 17), url };
  merchant.webhooks.push(webhook);
  sandbox.changed();
  return webhook;
}

/** Everything that the merchant's side of a channel account needs. */
export async function describePaypalMerchant(sandbox: Sandbox, merchant: PaypalMerchant): Promise<Fields> {
  const { root } = await ensureAuthority(sandbox);
  const [webhook] = merchant.webhooks;
  return {
    channel: "paypal",
    client_id: merchant.client_id,
    client_secret: merchant.client_secret,
    merchant_id: merchant.merchant_id,
    name: merchant.name,
    webhook_id: webhook?.id,
    webhook_url: webhook?.url,
    root_certificate_pem: root.pem,
    base_url: sandbox.public_url,
  };
}

/** A new secret for the app, which ends its tokens, and a new certificate, which signs webhooks from now on. */
export async function rotatePaypalKeys(sandbox: Sandbox, client_id: string): Promise<Fields> {
  const merchant = sandbox.paypal.members.get(client_id);
  if (merchant === undefined) throw new ControlError(404, `No PayPal app ${client_id}.`);
  merchant.client_secret = `E${sandbox.random.token(79)}`;
  for (const token of sandbox.paypal.tokens.values()) {
    if (token.client_id === client_id) sandbox.paypal.tokens.delete(token.token);
  }
  await renewSigner(sandbox);
  return describePaypalMerchant(sandbox, merchant);
}
