import { Type } from "typebox";
import { type InvoiceStatus, invoiceTransitions } from "../invoice.ts";

const NullableString = Type.Union([Type.String(), Type.Null()]);
const NullableInstant = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const Figure = (description: string) => Type.Integer({ description });
const Group = (description: string) => Type.Object({ count: Type.Integer(), amount: Type.Integer() }, { description });

const statuses = Object.keys(invoiceTransitions) as InvoiceStatus[];
export const StatusChoice = Type.Unsafe<InvoiceStatus>({ type: "string", enum: statuses });

export const InvoiceObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("service_fee_invoice"),
    livemode: Type.Boolean(),
    status: Type.Unsafe<InvoiceStatus>({
      type: "string",
      enum: statuses,
      description:
        "open: being looked at before it is issued. issued: to be paid. partly_paid, paid. overdue: not paid by its day. void: made by mistake, its fees are in a later one.",
    }),
    currency: Type.String(),
    amount: Figure("What it is for, in minor units."),
    amount_paid: Figure("What was paid of it."),
    amount_due: Figure("What is still to be paid."),
    payments: Group("Payments that made fees, and what they were of."),
    fees: Figure("Fees of these payments."),
    refunds: Group("Refunds that gave fees back (negative), less refunds that failed."),
    fees_returned: Figure("Fees given back (negative)."),
    adjustments: Group("Corrections."),
    brought_forward: Figure("Of invoices that were made void."),
    cycle: Type.String({ description: "daily, weekly, monthly or on_request." }),
    period_from: NullableInstant("Where the invoice before ended; null for the first."),
    period_to: Type.String({ format: "date-time", description: "What was booked then or later is not in it." }),
    pay_by: NullableInstant("Overdue from then on."),
    created_at: Type.String({ format: "date-time" }),
    issued_at: NullableInstant("When it was issued."),
    paid_at: NullableInstant("When it was paid whole."),
    voided_at: NullableInstant("When it was made void."),
  },
  { description: "fees, fees_returned, adjustments and brought_forward sum to amount." },
);

export const FeePaymentObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("service_fee_payment"),
  livemode: Type.Boolean(),
  invoice: Type.String(),
  source: Type.Unsafe<"bank" | "prepaid" | "available">({
    type: "string",
    enum: ["bank", "prepaid", "available"],
    description: "A bank transfer, what was paid in advance, or your settled balance.",
  }),
  currency: Type.String(),
  amount: Figure("In minor units."),
  reference: NullableString,
  created_at: Type.String({ format: "date-time" }),
});

/** One invoice, with what was paid of it. */
export const WholeInvoiceObject = Type.Object({
  ...InvoiceObject.properties,
  paid_by: Type.Array(FeePaymentObject),
});

export const InvoiceItemObject = Type.Object({
  id: Type.String({ description: "Of the balance entry." }),
  object: Type.Literal("service_fee_invoice_item"),
  livemode: Type.Boolean(),
  type: Type.Unsafe<"payment" | "refund" | "adjustment">({ type: "string", enum: ["payment", "refund", "adjustment"] }),
  currency: Type.String(),
  amount: Figure("What was paid, or (negative) refunded."),
  fee: Figure("The fee, or (negative) what of it came back."),
  source: NullableString,
  payment: NullableString,
  out_trade_no: NullableString,
  out_refund_no: NullableString,
  created_at: Type.String({ format: "date-time" }),
});

export const DepositObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("service_fee_deposit"),
  livemode: Type.Boolean(),
  type: Type.Unsafe<"top_up" | "return">({
    type: "string",
    enum: ["top_up", "return"],
    description: "Paid in advance, or given back.",
  }),
  currency: Type.String(),
  amount: Figure("In minor units."),
  reference: Type.String(),
  created_at: Type.String({ format: "date-time" }),
});

export const InvoiceParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
export const tags = ["Service fees"];
