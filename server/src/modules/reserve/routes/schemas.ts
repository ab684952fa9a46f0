import { Type } from "typebox";
import { type ReleaseReason, type ReserveKind, releaseReasons, reserveKinds } from "../reserve.ts";

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

/** A part with what became of it. */
export const ReserveWithHistory = Type.Object({
  ...ReserveObject.properties,
  releases: Type.Array(
    Type.Object({
      id: Type.String({ description: "The source of its balance entries." }),
      amount: Type.Integer(),
      reason: Type.Unsafe<ReleaseReason>({
        type: "string",
        enum: [...releaseReasons],
        description: "due: its time has come; lowered: the agreed sum was; early: the platform decided so.",
      }),
      created_at: Type.String({ format: "date-time" }),
    }),
  ),
  draws: Type.Array(
    Type.Object({
      refund: Type.String(),
      amount: Type.Integer(),
      returned_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()], {
        description: "When the refund failed and gave it back.",
      }),
    }),
  ),
});

export const ReserveParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
