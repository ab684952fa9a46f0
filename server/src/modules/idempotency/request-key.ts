import type { FastifyRequest } from "fastify";
import { hashRequest, readIdempotencyKey } from "../../kit/http/idempotency.ts";
import type { IdempotencyKey } from "./index.ts";

/** The request's Idempotency-Key with the hash of the request, or undefined when it carries none. */
export function readRequestKey(request: FastifyRequest): IdempotencyKey | undefined {
  const key = readIdempotencyKey(request);
  if (key === undefined) return undefined;
  return { key, request_hash: hashRequest(request.method, request.url, request.body) };
}
