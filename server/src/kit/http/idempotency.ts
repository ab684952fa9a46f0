import type { FastifyRequest } from "fastify";
import { sha256 } from "../crypto.ts";
import { doorErrors } from "./errors.ts";

const VALID = /^[\x21-\x7e]{1,255}$/;

/**
 * The request's `Idempotency-Key`, or undefined. What it protects is stored by the use case, in the effect's own
 * transaction.
 * @throws request.idempotency_key_invalid
 */
export function readIdempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && VALID.test(key)) return key;
  throw doorErrors["request.idempotency_key_invalid"]({ param: "Idempotency-Key" });
}

/** SHA-256 of method, path and content. The order of an object's keys and white space do not count. */
export function hashRequest(method: string, path: string, body: unknown): Buffer {
  return sha256(`${method} ${path}\n${canonicalJson(body)}`);
}

/** JSON with sorted keys and without white space; what `undefined` holds is left out, a bigint is its digits. */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  let members = "";
  for (const key of sortKeys(Object.keys(value))) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) members += `${members && ","}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

/** Every request is hashed: one that is put together in order is not sorted again. */
function sortKeys(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index += 1) {
    if (keys[index - 1]! > keys[index]!) return keys.sort();
  }
  return keys;
}
