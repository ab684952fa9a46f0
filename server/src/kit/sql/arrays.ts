/**
 * PostgreSQL array literals for `unnest`. The driver's own array encoder costs more CPU than the whole rest of a grouped
 * insert; these know their element type and join. A literal is text, cast in the statement: `$1::uuid[]`.
 */
import { toRfc3339 } from "../clock.ts";

/** For values that need no quoting: uuid, integers, booleans. */
export function plainArray(values: readonly (string | number | bigint | boolean | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : String(value))).join(",")}}`;
}

const NEEDS_ESCAPE = /["\\]/;

/** `text[]`, each element quoted. A zero character, which PostgreSQL cannot store, fails the statement. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map(quoteElement).join(",")}}`;
}

function quoteElement(value: string | null): string {
  if (value === null) return "NULL";
  return NEEDS_ESCAPE.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : `"${value}"`;
}

/** `jsonb[]` of values that JSON can carry; null is SQL NULL. */
export function jsonArray(values: readonly unknown[]): string {
  return textArray(values.map((value) => (value === null || value === undefined ? null : JSON.stringify(value))));
}

/** `timestamptz[]` of epoch milliseconds. */
export function timestampArray(values: readonly (number | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"${toRfc3339(value)}"`)).join(",")}}`;
}

/** `bytea[]`. */
export function bytesArray(values: readonly (Buffer | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"\\\\x${value.toString("hex")}"`)).join(",")}}`;
}
