/** Reading JSON that somebody else wrote: every accessor answers undefined for what is not there or of another type. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object in `text`, or undefined when it is not JSON or not an object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The value as an object, or undefined when it is another kind of value. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** A non-empty string field. */
export function textOf(object: JsonObject | undefined, field: string): string | undefined {
  const value = object?.[field];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** An integer field as a bigint; a fraction, an exponent beyond safety or a string is not one. */
export function integerOf(object: JsonObject | undefined, field: string): bigint | undefined {
  const value = object?.[field];
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
