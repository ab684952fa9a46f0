/** Says in one sentence what is wrong with a request and what to send instead, without repeating what was sent. */

/** One error of the validator. */
export interface ValidationProblem {
  readonly keyword: string;
  /** JSON pointer of the value at fault. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Problem {
  /** Path such as `payer.openid`; empty for the whole body. */
  readonly param: string;
  readonly sentence: string;
}

/** Sub-errors of a choice: what counts is which values the choice allows. */
const CHOICES = new Set(["anyOf", "oneOf"]);

/**
 * Picks the error that helps most: an unknown field first (it is often the misspelt name of a missing one), then a
 * missing field, then the first wrong value.
 */
export function describeProblem(errors: readonly ValidationProblem[], value: unknown, httpPart: string): Problem {
  const pick = (keyword: string) => errors.find((error) => error.keyword === keyword);
  const unknown = pick("additionalProperties");
  if (unknown) return describeUnknown(unknown, httpPart);
  const missing = pick("required");
  if (missing) return describeMissing(missing);
  const first = errors[0];
  if (!first) return { param: "", sentence: "The request does not have the form that the API reference describes." };
  const param = toPath(first.instancePath);
  const name = param || (httpPart === "body" ? "The body" : "The query");
  const isText = httpPart === "querystring" || httpPart === "params";
  return { param, sentence: `${name} ${describeValue(errors, first, readAt(value, first.instancePath), isText)}.` };
}

function describeUnknown(error: ValidationProblem, httpPart: string): Problem {
  const [name = ""] = error.params.additionalProperties as string[];
  const param = join(toPath(error.instancePath), shorten(name));
  const place = httpPart === "querystring" ? "query parameter" : "field";
  return { param, sentence: `${param} is not a ${place} of this request. Remove it or correct its name.` };
}

function describeMissing(error: ValidationProblem): Problem {
  const [name = ""] = error.params.requiredProperties as string[];
  const param = join(toPath(error.instancePath), name);
  return { param, sentence: `${param} is missing. Add it to the request.` };
}

/** @param isText whether values came as text, where the difference between 1 and "1" does not exist. */
function describeValue(
  errors: readonly ValidationProblem[],
  error: ValidationProblem,
  value: unknown,
  isText: boolean,
): string {
  const { params } = error;
  const allowed = allowedValues(errors, error.instancePath);
  if (allowed.length > 0) return `must be ${listChoices(allowed)}`;
  switch (error.keyword) {
    case "type":
      if (isText) return `must be ${params.type === "integer" ? "a whole number" : `a ${params.type}`}`;
      return `must be ${typeName(params.type)}, but ${describeType(value)} was sent`;
    case "minimum":
      return `must be at least ${params.limit}`;
    case "maximum":
      return `must be at most ${params.limit}`;
    case "exclusiveMinimum":
      return `must be greater than ${params.limit}`;
    case "exclusiveMaximum":
      return `must be less than ${params.limit}`;
    case "minLength":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} characters`;
    case "maxLength":
      return `must have at most ${params.limit} characters`;
    case "minItems":
      return `must have at least ${params.limit} elements`;
    case "maxItems":
      return `must have at most ${params.limit} elements`;
    case "maxProperties":
      return `must have at most ${params.limit} entries`;
    case "pattern":
      return `must match the pattern ${params.pattern}`;
    case "format":
      return `must be a valid ${params.format}`;
    default:
      return "does not have the form that the API reference describes";
  }
}

/** The values that an enumeration, or a choice of constants, allows at a path. */
function allowedValues(errors: readonly ValidationProblem[], path: string): unknown[] {
  const here = errors.filter((error) => error.instancePath === path);
  const enumeration = here.find((error) => error.keyword === "enum");
  if (enumeration) return enumeration.params.allowedValues as unknown[];
  const constants = here.filter((error) => error.keyword === "const").map((error) => error.params.allowedValue);
  const isChoice = here.some((error) => CHOICES.has(error.keyword));
  return isChoice || constants.length === 1 ? constants : [];
}

function listChoices(values: readonly unknown[]): string {
  const texts = values.map(String);
  return texts.length === 1 ? texts[0]! : `one of ${texts.join(", ")}`;
}

function typeName(type: unknown): string {
  if (type === "integer") return "a whole number (a JSON number without quotes and without decimals)";
  if (type === "array" || type === "object") return `an ${type}`;
  return `a ${Array.isArray(type) ? type.join(" or ") : String(type)}`;
}

function describeType(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number" && !Number.isInteger(value)) return "a number with decimals";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** `/payer/openid` to `payer.openid`. */
function toPath(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => shorten(part.replaceAll("~1", "/").replaceAll("~0", "~")))
    .join(".");
}

/** Names come from the caller; one that is no name is cut. */
function shorten(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function readAt(value: unknown, pointer: string): unknown {
  let at = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    at = at !== null && typeof at === "object" ? (at as Record<string, unknown>)[key] : undefined;
  }
  return at;
}
