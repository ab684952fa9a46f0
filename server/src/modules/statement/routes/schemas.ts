/** The shapes that the statement's routes share. */
import { Type } from "typebox";
import { type ShownName, shownNames } from "../../balance/index.ts";

export const DayParams = Type.Object({
  date: Type.String({ description: "A day in the merchant's time zone, such as 2026-11-20." }),
});

export const Currency = Type.Optional(
  Type.String({ pattern: "^[A-Z]{3}$", description: "Only this currency: an ISO 4217 code such as CNY." }),
);

const Amount = (description: string) => Type.Integer({ description });

export const StatementObject = Type.Object({
  object: Type.Literal("statement"),
  livemode: Type.Boolean(),
  date: Type.String({ format: "date" }),
  time_zone: Type.String({ description: "The merchant's, by its IANA name." }),
  from: Type.String({ format: "date-time", description: "The day's first instant." }),
  to: Type.String({ format: "date-time", description: "The next day's first instant." }),
  status: Type.Unsafe<"open" | "final">({
    type: "string",
    enum: ["open", "final"],
    description: "`open` until two minutes after the day's end, while something may still be booked on it.",
  }),
  currencies: Type.Array(
    Type.Object({
      currency: Type.String(),
      accounts: Type.Array(
        Type.Object({
          account: Type.Unsafe<ShownName>({ type: "string", enum: shownNames }),
          opening: Amount("The closing of the day before, in minor units, as all amounts here."),
          amount_in: Amount("What the account gained."),
          amount_out: Amount("What it lost."),
          closing: Amount("opening + amount_in - amount_out; while the day is open, the balance so far."),
          entry_count: Type.Integer(),
        }),
      ),
    }),
  ),
});
