/** The wire shapes of what operators do. */
import { Type } from "typebox";
import { parsePublicId } from "../../../kit/id.ts";
import { merchantErrors } from "../../merchant/index.ts";
import { billingCycles } from "../billing.ts";
import type { FeeSource } from "../invoice.ts";
import { InvoiceObject } from "./schemas.ts";

export const operatorTags = ["Operator: service fees"];

/** Which of a merchant's books. */
export const bookProperties = {
  merchant: Type.String({ maxLength: 64 }),
  livemode: Type.Boolean({ description: "Which of the merchant's two books." }),
};
export const Currency = Type.String({ pattern: "^[A-Z]{3}$" });
export const Amount = Type.Integer({ minimum: 1, maximum: 100_000_000_000_000, description: "Minor units." });
export const Reference = Type.String({ minLength: 1, maxLength: 128, description: "The bank's, of the transfer." });
export const Reason = Type.String({
  minLength: 1,
  maxLength: 500,
  description: "Why; kept, and shown to the checker.",
});

export const CycleChoice = Type.Unsafe<(typeof billingCycles)[number]>({ type: "string", enum: [...billingCycles] });
export const CollectionChoice = Type.Unsafe<FeeSource>({
  type: "string",
  enum: ["bank", "prepaid", "available"],
  description: "Transfers that operators record, what was paid in advance, or what is available of pooled money.",
});
export const IssueChoice = Type.Unsafe<"automatic" | "manual">({ type: "string", enum: ["automatic", "manual"] });
const Limit = Type.Union([Type.Integer(), Type.Null()]);

export const BillingObject = Type.Object({
  object: Type.Literal("service_fee_billing"),
  ...bookProperties,
  currency: Type.String(),
  cycle: CycleChoice,
  collection: CollectionChoice,
  issue: IssueChoice,
  due_days: Type.Integer(),
  warn_below: Limit,
  stop_below: Limit,
  next_day: Type.Union([Type.String(), Type.Null()]),
  low: Type.Boolean(),
  stopped: Type.Boolean(),
  prepaid: Type.Integer(),
  due: Type.Integer(),
  left: Type.Integer({ description: "prepaid less due." }),
  updated_at: Type.String({ format: "date-time" }),
});

export const RecordObject = Type.Object({
  object: Type.Literal("service_fee_record"),
  status: Type.Unsafe<"booked" | "in_review">({
    type: "string",
    enum: ["booked", "in_review"],
    description: "in_review: it is booked when another operator approves it.",
  }),
  approval: Type.String(),
});

export { InvoiceObject };

/** The UUID of a merchant's public id. @throws merchant.not_found */
export function readMerchant(text: string): string {
  const merchant_id = parsePublicId("merchant", text);
  if (merchant_id === undefined) throw merchantErrors["merchant.not_found"]();
  return merchant_id;
}
