/** Shapes that several routes share. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { TributaryError } from "../../../kit/error.ts";
import { hashRequest, readIdempotencyKey } from "../../../kit/http/idempotency.ts";
import type { IdKind } from "../../../kit/id.ts";
import { parsePublicId } from "../../../kit/id.ts";
import type { IdempotencyKey } from "../../idempotency/index.ts";
import { type EventType, eventTypes } from "../event.ts";

export const EventTypeSchema = Type.Unsafe<EventType>({ type: "string", enum: [...eventTypes] });

const nullable = <T>(schema: object) => Type.Unsafe<T | null>({ anyOf: [schema, { type: "null" }] });
const NullableText = nullable<string>({ type: "string" });
const NullableInteger = nullable<number>({ type: "integer" });

export const UrlSchema = Type.String({
  minLength: 1,
  maxLength: 2048,
  description: "Where to POST events: https (http only for test events), a public address, no redirect.",
});

export const EventTypesSchema = Type.Array(EventTypeSchema, {
  maxItems: eventTypes.length * 2,
  description: "The types to be told of; empty means all.",
});

export const DescriptionSchema = Type.Unsafe<string | null>({
  anyOf: [{ type: "string", maxLength: 500 }, { type: "null" }],
});

export const StatusSchema = Type.Unsafe<"enabled" | "disabled">({ type: "string", enum: ["enabled", "disabled"] });

export const EndpointSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("webhook_endpoint"),
  livemode: Type.Boolean(),
  url: Type.String(),
  description: NullableText,
  event_types: Type.Array(Type.String()),
  status: StatusSchema,
  disabled_reason: NullableText,
  previous_secret_until: NullableText,
  created_at: Type.String(),
  secret: Type.Optional(Type.String({ description: "whsec_…; only where it was made by this request." })),
});

export const EventSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("event"),
  type: Type.String(),
  created_at: Type.String(),
  livemode: Type.Boolean(),
  data: Type.Object({ object: Type.Unknown({ description: "The object as it was when the event happened." }) }),
});

export const DeliverySchema = Type.Object({
  id: Type.String(),
  object: Type.Literal("webhook_delivery"),
  event: Type.String(),
  livemode: Type.Boolean(),
  webhook_endpoint: NullableText,
  url: Type.String(),
  status: Type.Unsafe<"pending" | "delivered" | "failed" | "canceled">({
    type: "string",
    enum: ["pending", "delivered", "failed", "canceled"],
  }),
  attempt_count: Type.Integer(),
  last_error: NullableText,
  last_status_code: NullableInteger,
  last_duration_ms: NullableInteger,
  created_at: Type.String(),
  delivered_at: NullableText,
  next_attempt_at: NullableText,
});

export const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** The UUID of an id in a path or body; one that cannot be read gets the same answer as one that does not exist. */
export function requireId(kind: IdKind, text: string, notFound: () => TributaryError): string {
  const uuid = parsePublicId(kind, text);
  if (uuid === undefined) throw notFound();
  return uuid;
}

/** The request's Idempotency-Key with the hash of the request, or undefined when it has none. */
export function readIdempotency(request: FastifyRequest): IdempotencyKey | undefined {
  const key = readIdempotencyKey(request);
  if (key === undefined) return undefined;
  return { key, request_hash: hashRequest(request.method, request.url, request.body) };
}

/** Says whether the answer shows what an earlier request did. */
export function markReplay(reply: FastifyReply, replayed: boolean): void {
  if (replayed) reply.header("idempotent-replayed", "true");
}
