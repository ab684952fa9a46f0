/** Stripe's own SDK as a merchant of the sandbox: the independent client that the simulation is held to. */
import Stripe from "stripe";
import type { Receiver, TestSandbox } from "./bench.ts";

export type StripeMerchantUnderTest = {
  account_id: string;
  secret_key: string;
  webhook_secret: string;
  stripe: Stripe;
};

/** The SDK, speaking to the sandbox with a key. */
export function makeStripe(sandbox: TestSandbox, secret_key: string): Stripe {
  const { hostname, port } = new URL(sandbox.url);
  return new Stripe(secret_key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
}

/** Registers an account whose events come to the receiver. */
export async function makeStripeMerchant(
  sandbox: TestSandbox,
  receiver: Receiver,
  more: object = {},
): Promise<StripeMerchantUnderTest> {
  const webhook_url = `${receiver.url}/stripe`;
  const made = await sandbox.control("/merchants", { channel: "stripe", webhook_url, ...more });
  return { ...made, stripe: makeStripe(sandbox, made.secret_key) };
}

let last = 0;

/** A session of one item for 12.34 US dollars. */
export function sessionOf(changes: Partial<Stripe.Checkout.SessionCreateParams> = {}, amount = 1234, currency = "usd") {
  last += 1;
  const reference = `order-${last}`;
  return {
    mode: "payment",
    client_reference_id: reference,
    line_items: [
      { quantity: 1, price_data: { currency, unit_amount: amount, product_data: { name: "Tea 茶 & <cake>" } } },
    ],
    metadata: { serial_no: reference },
    payment_intent_data: { metadata: { serial_no: reference } },
    success_url: "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
    cancel_url: "https://shop.example/left",
    ...changes,
  } satisfies Stripe.Checkout.SessionCreateParams;
}
