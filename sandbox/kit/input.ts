/** Reading of control-plane requests: JSON objects of known fields, refused with a sentence that names the fault. */

/** A control-plane request that cannot be served; `status` is 400, 404 or 409. */
export class ControlError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A parsed JSON object of unknown content. */
export type Fields = Record<string, unknown>;

/** Parses a raw body as a JSON object with no field but those of `known`; an empty body is an empty object. */
export function readFields(body: unknown, known: readonly string[]): Fields {
  const text = Buffer.isBuffer(body) ? body.toString("utf8") : "";
  let value: unknown = {};
  try {
    if (text !== "") value = JSON.parse(text);
  } catch {
    throw new ControlError(400, "The body is not valid JSON.");
  }
  if (!isFields(value)) throw new ControlError(400, "The body must be a JSON object.");
  const extra = Object.keys(value).find((key) => !known.includes(key));
  if (extra !== undefined) {
    throw new ControlError(400, `Unknown field "${extra}". Known fields: ${known.join(", ")}.`);
  }
  return value;
}

/** True for a JSON object (no array, no null). */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A string field, or undefined when it is absent. */
export function optionalText(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" || value === "") throw new ControlError(400, `"${key}" must be a non-empty string.`);
  return value;
}

/** A string field that must be there. */
export function requiredText(fields: Fields, key: string): string {
  const value = optionalText(fields, key);
  if (value === undefined) throw new ControlError(400, `"${key}" is required.`);
  return value;
}

/** One of `choices`; `fallback` when absent, and required when there is no fallback. */
export function choice<T extends string>(fields: Fields, key: string, choices: readonly T[], fallback?: T): T {
  const value = optionalText(fields, key) ?? fallback;
  const found = choices.find((item) => item === value);
  if (found === undefined) throw new ControlError(400, `"${key}" must be one of ${choices.join(", ")}.`);
  return found;
}

/** A whole number within bounds. */
export function wholeNumber(
  fields: Fields,
  key: string,
  bounds: { min: number; max: number; fallback: number },
): number {
  const value = fields[key] ?? bounds.fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < bounds.min || value > bounds.max) {
    throw new ControlError(400, `"${key}" must be a whole number from ${bounds.min} to ${bounds.max}.`);
  }
  return value;
}

/** A boolean, `fallback` when absent. */
export function flag(fields: Fields, key: string, fallback: boolean): boolean {
  const value = fields[key] ?? fallback;
  if (typeof value !== "boolean") throw new ControlError(400, `"${key}" must be true or false.`);
  return value;
}
