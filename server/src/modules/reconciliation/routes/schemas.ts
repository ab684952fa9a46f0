import { Type } from "typebox";
import { differenceTypes } from "../reconciliation.ts";

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);
const NullableString = Nullable(Type.String());
const NullableInteger = Nullable(Type.Integer());
const choice = <T extends string>(...values: readonly T[]) => Type.Unsafe<T>({ type: "string", enum: [...values] });

const Group = Type.Object({ count: Type.Integer(), amount: Type.Integer({ description: "In minor units." }) });
const Side = Type.Object({ payments: Group, refunds: Group, fee: Type.Integer() });

export const DifferenceType = choice(...differenceTypes);
export const DifferenceState = choice("carried", "open", "resolved");
export const CaseStateChoice = choice("open", "proposed", "resolved");
const Resolution = Nullable(choice("healed", "paired", "booked", "vanished", "decided"));

export const DayObject = Type.Object({
  object: Type.Literal("reconciliation_day"),
  channel_account: Type.String(),
  day: Type.String({ description: "The channel's business day." }),
  state: choice("waiting", "fetched", "loaded", "matched", "open", "closed"),
  problem: Type.Union([Type.String(), Type.Null()], { description: "What came of asking for its bill last." }),
  matched: Type.Union([Type.Integer(), Type.Null()], {
    description: "How many lines agree with the books in everything.",
  }),
  rejected_lines: NullableInteger,
  other_lines: NullableInteger,
  figures: Type.Array(
    Type.Object({
      currency: Type.String(),
      channel: Type.Object({ ...Side.properties }, { description: "What the bill says." }),
      ours: Type.Object({ ...Side.properties }, { description: "What the books say." }),
    }),
  ),
  differences: Type.Array(
    Type.Object({
      type: DifferenceType,
      state: DifferenceState,
      resolution: Resolution,
      currency: Type.String(),
      count: Type.Integer(),
      at_risk: Type.Integer(),
    }),
  ),
  matched_at: NullableString,
  closed_at: NullableString,
  closed_by: NullableString,
  approved_by: NullableString,
  reason: NullableString,
  closing_sha256: NullableString,
});

export const BillObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("reconciliation_bill"),
  kind: choice("trade", "fund_flow", "bank"),
  version: Type.Integer({ description: "The newest counts." }),
  status: choice("current", "replaced"),
  source: choice("fetched", "uploaded", "empty"),
  sha256: NullableString,
  lines: Type.Integer(),
  rejected: Type.Integer(),
  totals: Type.Array(
    Type.Object({
      entry: Type.String(),
      status: Type.String(),
      currency: Type.String(),
      count: Type.Integer(),
      amount: Type.Integer(),
      fee: Type.Integer(),
    }),
  ),
  created_at: Type.String({ format: "date-time" }),
});

export const WholeDayObject = Type.Object({
  ...DayObject.properties,
  obstacle: Type.Union([Type.String(), Type.Null()], { description: "Why it cannot close; null when it can, or has." }),
  bills: Type.Array(BillObject),
});

const Facts = Type.Object({ amount: NullableInteger, fee: NullableInteger, status: NullableString });

export const DifferenceObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("reconciliation_difference"),
  day: Type.String(),
  layer: Type.Integer({ description: "1: books and trade bill; 2: trade bill and fund flow; 3: fund flow and bank." }),
  side: choice("ours", "channel", "both"),
  type: DifferenceType,
  state: DifferenceState,
  resolution: Resolution,
  entry: Type.String(),
  number: Type.Union([Type.String(), Type.Null()], { description: "Ours, as the channel knows it." }),
  channel_trade_no: NullableString,
  line: NullableInteger,
  merchant: NullableString,
  currency: Type.String(),
  ours: Facts,
  channel: Facts,
  at_risk: Type.Integer({ description: "Money that may be wrong, in minor units." }),
  occurred_at: Type.String({ format: "date-time" }),
  asked: Type.Union([Type.String(), Type.Null()], { description: "What the channel said when it was asked." }),
  resolved_day: NullableString,
  case: NullableString,
});

export const CaseObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("reconciliation_case"),
  channel_account: Type.String(),
  day: Type.String(),
  type: DifferenceType,
  currency: Type.String(),
  at_risk: Type.Integer(),
  differences: Type.Integer(),
  state: CaseStateChoice,
  owner: NullableString,
  action: NullableString,
  approval: NullableString,
  outcome: Nullable(choice("decided", "gone")),
  reopened: Type.Integer(),
  opened_at: Type.String({ format: "date-time" }),
  resolved_at: NullableString,
});

export const WholeCaseObject = Type.Object({
  ...CaseObject.properties,
  comments: Type.Array(
    Type.Object({
      object: Type.Literal("reconciliation_comment"),
      author: Type.String(),
      text: Type.String(),
      attachment: NullableString,
      created_at: Type.String({ format: "date-time" }),
    }),
  ),
});

export const DayParams = Type.Object({
  account: Type.String({ maxLength: 64, description: "The channel account's id." }),
  day: Type.String({ maxLength: 64, description: "Such as 2026-11-20." }),
});
export const CaseParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
export const Reason = Type.String({ minLength: 1, maxLength: 500, description: "Why; kept for good." });
