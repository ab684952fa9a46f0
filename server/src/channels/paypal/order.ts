/** Reading PayPal's orders: what they echo, what state they are in, and the payment that they tell of. */
import type { CaptureStatus, Order, OrdersCapture, PurchaseUnit } from "@paypal/paypal-server-sdk";
import type { AttemptReference, ChannelContext, ChannelPayment, Unknown } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { fromPaypalMoney } from "./amounts.ts";
import { openPaypalAccount } from "./config.ts";

/** The one purchase unit of an order of ours, compared with what was asked; a difference is an integrity error. */
export function readUnit(
  { account }: ChannelContext,
  input: Pick<AttemptReference, "serial_no" | "amount">,
  order: Order,
): PurchaseUnit | Unknown {
  const unit = order.purchaseUnits?.[0];
  const amount = fromPaypalMoney(unit?.amount);
  if (!unit || !amount || !order.id) return unknown("unreadable", "the order lacks its particulars");
  const differences = [
    ...differenceOf("serial_no", input.serial_no, unit.invoiceId ?? ""),
    ...differenceOf("amount", `${input.amount.amount} ${input.amount.currency}`, `${amount.amount} ${amount.currency}`),
    ...differenceOf("merchant", openPaypalAccount(account).merchant_id, unit.payee?.merchantId),
  ];
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : unit;
}

/** What a capture's status says about the money. A refunded capture was paid. */
export const captureMeanings: Readonly<Record<`${CaptureStatus}`, "paid" | "waiting" | "declined">> = {
  COMPLETED: "paid",
  PARTIALLY_REFUNDED: "paid",
  REFUNDED: "paid",
  PENDING: "waiting",
  DECLINED: "declined",
  FAILED: "declined",
};

export type CapturedOrder =
  | { readonly kind: "succeeded"; readonly payment: ChannelPayment }
  | { readonly kind: "pending" }
  | { readonly kind: "failed"; readonly failure: { readonly code: string; readonly message: string } }
  | Unknown;

/** A completed order: its state is that of its one capture. */
export function readCaptured(context: ChannelContext, order: Order, unit: PurchaseUnit): CapturedOrder {
  const [capture] = unit.payments?.captures ?? [];
  const status = capture?.status;
  if (!capture || !status || !Object.hasOwn(captureMeanings, status)) {
    return unknown("unreadable", `a completed order has a capture that is ${status ?? "missing"}`);
  }
  const meaning = captureMeanings[status];
  if (meaning === "waiting") return { kind: "pending" };
  if (meaning === "declined") {
    const reason = capture.statusDetails?.reason ?? "no reason given";
    return {
      kind: "failed",
      failure: { code: `CAPTURE_${status}`, message: `PayPal declined the payment: ${reason}` },
    };
  }
  const payment = readPayment(context, capture, unit);
  if ("kind" in payment) return payment;
  return { kind: "succeeded", payment: { ...payment, payer: order.payer?.payerId } };
}

/** The facts of a capture inside its order. */
function readPayment({ clock }: ChannelContext, capture: OrdersCapture, unit: PurchaseUnit): ChannelPayment | Unknown {
  const amount = fromPaypalMoney(capture.amount);
  const serial_no = capture.invoiceId ?? unit.invoiceId;
  if (!amount || !serial_no || !capture.id) return unknown("unreadable", "a capture lacks its particulars");
  return {
    serial_no,
    channel_trade_no: capture.id,
    amount,
    merchant: unit.payee?.merchantId,
    app: undefined,
    paid_at: timeOf(capture.createTime) ?? clock.now(),
    payer: undefined,
  };
}

/** Epoch milliseconds of PayPal's time, or undefined when it is none. */
export function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}
