import { Type } from "typebox";
import { type ReserveKind, reserveKinds } from "../reserve.ts";

const Figure = (description: string) => Type.Integer({ description });

export const ReserveKindSchema = Type.Unsafe<ReserveKind>({
  type: "string",
  enum: [...reserveKinds],
  description: "rolling: released by itself; fixed: kept until the agreed sum is lowered.",
});

export const ReserveStatusSchema = Type.Unsafe<"held" | "released">({
  type: "string",
  enum: ["held", "released"],
  description: "held while anything of it is.",
});

export const ReserveObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("reserve"),
    livemode: Type.Boolean(),
    status: ReserveStatusSchema,
    kind: ReserveKindSchema,
    currency: Type.String(),
    amount: Figure("What the settlement left behind, in minor units."),
    held: Figure("What is still held."),
    released: Figure("What became available."),
    drawn: Figure("What refunds took that neither pending nor available money could pay."),
    settlement: Type.String({ description: "The settlement that it is a part of." }),
    release_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()], {
      description: "When a rolling reserve is released; null for a fixed one.",
    }),
    created_at: Type.String({ format: "date-time" }),
  },
  { description: "held, released and drawn sum to amount." },
);

export const ReserveParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
