/**
 * Checks requests against their schemas. Bodies are taken as they are: a string is no number. Only a query string, which
 * can carry nothing but text, is converted. The first thing wrong becomes a `request.invalid` that names it.
 */
import type { FastifySchemaCompiler } from "fastify";
import { Compile } from "typebox/schema";
import type { TributaryError } from "../error.ts";
import { doorErrors } from "./errors.ts";
import { describeProblem, type ValidationProblem } from "./problem.ts";

type Json = Record<string, unknown>;

/** Carries the catalogue's error through Fastify, which writes fields of its own onto validation errors. */
export class ValidationFailure extends Error {
  override readonly name = "ValidationFailure";
  readonly failure: TributaryError;

  constructor(failure: TributaryError) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Fastify's validator compiler; schemas are plain JSON Schema as TypeBox makes it. */
export const compileValidator: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  const plain = JSON.parse(JSON.stringify(schema)) as Json;
  const validator = Compile(plain as Parameters<typeof Compile>[0]);
  const fromText = httpPart === "querystring" || httpPart === "params";
  const convert = fromText ? compileConversion(plain) : undefined;
  return (input: unknown) => {
    const value = convert ? convert(input as Json) : input;
    if (!validator.Check(value)) {
      const [, errors] = validator.Errors(value);
      return { error: refuse(describeProblem(errors as ValidationProblem[], value, httpPart ?? "body")) };
    }
    if (fromText) {
      const name = findUnstorable(value, "");
      if (name !== undefined) return { error: refuse(unstorable(name)) };
    }
    return { value };
  };
};

function refuse(problem: { param: string; sentence: string }): ValidationFailure {
  const details = { values: { problem: problem.sentence }, ...(problem.param && { param: problem.param }) };
  return new ValidationFailure(doorErrors["request.invalid"](details));
}

/** Gives a function that turns a query's texts into the integers and booleans its schema asks for, where they are such. */
function compileConversion(schema: Json): (query: Json) => Json {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const converters = properties.flatMap(([name, { type }]) => {
    const converter = conversions[String(type)];
    return converter ? [[name, converter] as const] : [];
  });
  return (query) => {
    const converted: Json = { ...query };
    for (const [name, converter] of converters) {
      const text = converted[name];
      if (typeof text === "string") converted[name] = converter(text);
    }
    return converted;
  };
}

const conversions: Record<string, (text: string) => unknown> = {
  integer: toNumber,
  number: toNumber,
  boolean: toBoolean,
  array: (text) => [text],
};

function toNumber(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function toBoolean(text: string): boolean | string {
  return text === "true" ? true : text === "false" ? false : text;
}

/**
 * A copy of a schema in which every object that does not say otherwise refuses unknown fields. Request schemas go
 * through it before they are compiled and published, so nobody can forget.
 */
export function closeObjects<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closeObjects) as T;
  if (schema === null || typeof schema !== "object") return schema;
  const copy: Json = {};
  for (const [key, value] of Object.entries(schema)) copy[key] = closeObjects(value);
  if (copy.type === "object" && copy.patternProperties === undefined && copy.additionalProperties === undefined) {
    copy.additionalProperties = false;
  }
  return copy as T;
}

/** Escapes of NUL and of surrogates in a JSON text: the only way to write a string that PostgreSQL cannot keep. */
const SUSPICIOUS_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

/**
 * Throws when a parsed body holds a string that no database text can keep (NUL, half a surrogate pair). The text is
 * searched first, so an ordinary body costs one scan.
 */
export function refuseUnstorable(text: string, body: unknown): void {
  if (!SUSPICIOUS_ESCAPE.test(text)) return;
  const name = findUnstorable(body, "");
  if (name !== undefined) throw refuse(unstorable(name));
}

function unstorable(param: string): { param: string; sentence: string } {
  const sentence = `${param || "The body"} holds a character that is not text (NUL or half a surrogate pair). Remove it.`;
  return { param, sentence };
}

/** No request of ours is nested deeper; what is cannot fit its schema either. */
const DEPTH_MAX = 50;

/** The path of the first such string, the empty path for the value itself, or undefined. */
function findUnstorable(value: unknown, path: string, depth = 0): string | undefined {
  if (typeof value === "string") return value.includes("\0") || !value.isWellFormed() ? path : undefined;
  if (value === null || typeof value !== "object" || depth > DEPTH_MAX) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const inside = path === "" ? key : `${path}.${key}`;
    if (key.includes("\0") || !key.isWellFormed()) return path;
    const found = findUnstorable(member, inside, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
