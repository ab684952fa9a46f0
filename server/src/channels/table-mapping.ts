/**
 * How a table of somebody else's is to be read: which columns are what, how dates and amounts are written, what the signs mean.
 * A mapping is JSON, made once for a source and kept.
 */
import Type from "typebox";
import { Value } from "typebox/value";
import { isTimeZone } from "../kit/local-day.ts";
import { isCurrency } from "../kit/money.ts";
import type { BillEntry, BillStatus } from "./contract.ts";

const name = Type.String({ minLength: 1, maxLength: 200 });
/** A column by its heading; of several, the texts are joined by a blank, as of a date and its time. */
const column = Type.Union([name, Type.Array(name, { minItems: 1, maxItems: 4 })]);
const optional = Type.Optional(column);

const entryNames: readonly BillEntry[] = [
  ...(["payment", "refund", "payout", "fee", "sharing", "dispute", "adjustment", "settlement", "other"] as const),
];
const statusNames: readonly BillStatus[] = ["succeeded", "pending", "failed", "closed", "revoked"];
const oneOf = <Name extends string>(names: readonly Name[]) =>
  Type.Unsafe<Name>(Type.Union(names.map((item) => Type.Literal(item))));

export const tableMappingSchema = Type.Object(
  {
    /** What the rows are: lines of a bill, or of a bank's statement. */
    rows: oneOf(["bill", "bank"] as const),
    encoding: Type.Optional(oneOf(["utf-8", "gb18030"] as const)),
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
    sheet: Type.Optional(name),
    /** The row of the file that holds the headings, from 1; those before it are skipped. The first one unless given. */
    header_row: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    /** Rows whose first cell begins so are no lines: totals, remarks. */
    skip_rows_beginning: Type.Optional(Type.Array(name, { maxItems: 20 })),
    /** An IANA name. */
    time_zone: name,
    /** Such as `yyyy-MM-dd HH:mm:ss`, `d/M/yyyy`, `yyyyMMdd`. Days that a workbook counts are read whatever it says. */
    date_format: name,
    decimal_point: Type.Optional(oneOf([".", ","] as const)),
    /** ISO 4217, for all rows; else `fields.currency`. */
    currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$" })),
    /** Amounts are in minor units already. */
    minor_units: Type.Optional(Type.Boolean()),
    /** Below zero is money that came in. */
    negate: Type.Optional(Type.Boolean()),
    /** By words of `fields.direction`: which mean in, which out. */
    direction: Type.Optional(
      Type.Object({ in: Type.Array(name), out: Type.Array(name) }, { additionalProperties: false }),
    ),
    entries: Type.Optional(Type.Record(Type.String(), oneOf(entryNames))),
    default_entry: Type.Optional(oneOf(entryNames)),
    statuses: Type.Optional(Type.Record(Type.String(), oneOf(statusNames))),
    default_status: Type.Optional(oneOf(statusNames)),
    fields: Type.Object(
      {
        time: column,
        /** One column with a sign or a `direction`; or `income` and `expense`, neither with a sign. */
        amount: optional,
        income: optional,
        expense: optional,
        direction: optional,
        currency: optional,
        balance: optional,
        fee: optional,
        entry: optional,
        status: optional,
        our_no: optional,
        original_our_no: optional,
        channel_trade_no: optional,
        channel_refund_no: optional,
        merchant_no: optional,
        bank_no: optional,
        counterparty_name: optional,
        counterparty_account: optional,
        reference: optional,
        note: optional,
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type TableMapping = Type.Static<typeof tableMappingSchema>;
export type MappedField = keyof TableMapping["fields"];

/** Sentences about what is wrong with a mapping; empty when it is good. */
export function checkTableMapping(value: unknown): string[] {
  if (!Value.Check(tableMappingSchema, value))
    return Value.Errors(tableMappingSchema, value).map(
      (error) => `${error.instancePath || "The mapping"} ${error.message}`,
    );
  const { fields, currency, direction, time_zone, date_format } = value;
  const both = fields.income !== undefined && fields.expense !== undefined;
  return [
    ...(isTimeZone(time_zone) ? [] : [`time_zone is "${time_zone}": give an IANA name such as Asia/Shanghai.`]),
    ...(currency === undefined && fields.currency === undefined ? ["Give a currency, or the column that has it."] : []),
    ...(currency !== undefined && !isCurrency(currency) ? [`currency is "${currency}", which is not known.`] : []),
    ...(fields.amount === undefined && !both ? ["Give the column amount, or both income and expense."] : []),
    ...(fields.amount !== undefined && (fields.income ?? fields.expense) !== undefined
      ? ["Give either the column amount or income and expense."]
      : []),
    ...((direction === undefined) === (fields.direction === undefined)
      ? []
      : ["direction needs both its column and its words."]),
    ...(/yy/.test(date_format) && /M/.test(date_format) && /d/.test(date_format)
      ? []
      : [`date_format is "${date_format}": it needs yyyy, MM and dd.`]),
  ];
}
