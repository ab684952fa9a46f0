/** The wire shapes of batches. */
import { Type } from "typebox";

const NullableString = Type.Union([Type.String(), Type.Null()]);

export const BatchObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("payout_batch"),
  livemode: Type.Boolean(),
  status: Type.String({
    description:
      "invalid (lines must be corrected), ready (waits for its confirmation), confirmed, finished or cancelled.",
  }),
  currency: Type.String(),
  file_name: NullableString,
  lines: Type.Integer(),
  bad_lines: Type.Integer({ description: "Lines with problems, found before anything moves." }),
  transfer_amount: Type.Integer({ description: "What the beneficiaries get in all." }),
  fee: Type.Integer({ description: "What it costs you besides, by the rules at upload." }),
  progress: Type.Array(Type.Object({ status: Type.String(), lines: Type.Integer(), amount: Type.Integer() }), {
    description:
      "How many lines came to what: a payout's status, waiting, or refused (no payout was made). Only when one batch is read.",
  }),
  created_by: Type.String(),
  confirmed_by: NullableString,
  created_at: Type.String({ format: "date-time" }),
  confirmed_at: NullableString,
  finished_at: NullableString,
});

export const LineObject = Type.Object({
  line: Type.Integer({ description: "As the file counts, its heading included." }),
  out_payout_no: NullableString,
  amount: Type.Union([Type.Integer(), Type.Null()]),
  beneficiary: NullableString,
  title: NullableString,
  problems: Type.Array(Type.Object({ column: Type.String(), problem: Type.String() })),
  payout: NullableString,
  failure: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
});
