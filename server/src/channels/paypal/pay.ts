/** Starting a payment: an order with intent CAPTURE, whose payer approves it on PayPal's page. No money moves yet. */
import type { Order, OrderRequest } from "@paypal/paypal-server-sdk";
import type { ChannelContext, Conversation, PayInput, PayOutcome } from "../contract.ts";
import { interpretRefusal, RequestRefused, unknown } from "../refusal.ts";
import { fromPaypalMoney, toPaypalMoney } from "./amounts.ts";
import { callPaypal, loadSdk } from "./client.ts";
import { openPaypalAccount } from "./config.ts";
import { payRefusals } from "./errors.ts";
import { readUnit } from "./order.ts";

const DESCRIPTION_LENGTH_MAX = 127;
/** Where the payer is sent; which of the two PayPal says depends on how the order names its source. */
const approvalLinks: ReadonlySet<string> = new Set(["payer-action", "approve"]);

export const payCheckout: Conversation<PayInput, PayOutcome> = {
  async converse(context, input, send) {
    const body = await orderOf(context, input);
    const answer = await callPaypal(context, send, ({ orders }) =>
      orders.createOrder({ body, paypalRequestId: input.serial_no, prefer: "return=representation" }),
    );
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretRefusal(payRefusals, answer);
    return readCreated(context, input, answer.data);
  },
};

/**
 * `invoice_id` is our number: PayPal shows it to the payer, repeats it with the capture, and takes the money of one only
 * once. `custom_id` says whose order it is, since all webhooks of an account come to one address.
 */
async function orderOf({ account }: ChannelContext, input: PayInput): Promise<OrderRequest> {
  if (!input.return_url) throw new RequestRefused("RETURN_URL_REQUIRED", "PayPal's page needs a return_url");
  const amount = toPaypalMoney(input.amount);
  const sdk = await loadSdk();
  const { funding } = openPaypalAccount(account);
  const preference = sdk.PayeePaymentMethodPreference;
  return {
    intent: sdk.CheckoutPaymentIntent.Capture,
    purchaseUnits: [
      {
        amount,
        invoiceId: input.serial_no,
        description: cut(input.subject),
        ...(input.owner ? { customId: input.owner } : {}),
      },
    ],
    paymentSource: {
      paypal: {
        experienceContext: {
          returnUrl: input.return_url,
          cancelUrl: input.return_url,
          userAction: sdk.PaypalExperienceUserAction.PayNow,
          shippingPreference: sdk.PaypalWalletContextShippingPreference.NoShipping,
          paymentMethodPreference:
            funding === "instant" ? preference.ImmediatePaymentRequired : preference.Unrestricted,
        },
      },
    },
  };
}

/** Never cuts a character in half. */
function cut(text: string): string {
  const short = text.slice(0, DESCRIPTION_LENGTH_MAX);
  return short.isWellFormed() ? short : short.slice(0, -1);
}

/** The same number again answers the order that exists, of whatever amount it is; what became of it tells the query. */
function readCreated(context: ChannelContext, input: PayInput, order: Order): PayOutcome {
  const echoed = fromPaypalMoney(order.purchaseUnits?.[0]?.amount);
  const { amount, currency } = input.amount;
  const otherAmount = echoed && (echoed.amount !== amount || echoed.currency !== currency);
  const sameNumber = order.purchaseUnits?.[0]?.invoiceId === input.serial_no;
  if (sameNumber && otherAmount) return unknown("duplicate", "PayPal has an order of this number with another amount");
  const unit = readUnit(context, input, order);
  if ("kind" in unit) return unit;
  const url = order.links?.find(({ rel }) => approvalLinks.has(rel))?.href;
  if (!url || !order.id) return unknown("duplicate", `PayPal has an order of this number that is ${order.status}`);
  return { kind: "pending", action: { type: "redirect", url }, channel_order_no: order.id };
}
