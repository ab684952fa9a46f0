/**
 * Rate limits in memory, by the generic cell rate algorithm: one number per key says when its bucket would be full
 * again. A limiter is synchronous, asks the injected clock, and forgets the longest unused key first, so a flood of
 * addresses cannot fill the memory. Each process counts for itself: n processes admit n times the rate.
 */
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from "fastify";
import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import { doorErrors } from "./errors.ts";

export interface RateLimit {
  /** Requests admitted per second in the long run. */
  readonly per_second: number;
  /** Requests admitted at once after a rest. */
  readonly burst: number;
}

export interface RateLimiter {
  /** Takes one from the key's bucket: 0 when admitted, else the milliseconds after which to try again. */
  take(key: string): number;
  /** Like `take`, without taking. */
  peek(key: string): number;
}

/** @param keys_max buckets kept; a forgotten bucket is full again. */
export function createRateLimiter(clock: Clock, limit: RateLimit, keys_max = 50_000): RateLimiter {
  const interval_ms = 1000 / limit.per_second;
  const tolerance_ms = interval_ms * (limit.burst - 1);
  const fullAt = new LRUCache<string, number>({ max: keys_max });
  const check = (key: string, takes: boolean): number => {
    const now = clock.now();
    const at = Math.max(fullAt.get(key) ?? 0, now);
    const wait_ms = at - tolerance_ms - now;
    if (wait_ms > 0) return wait_ms;
    if (takes) fullAt.set(key, at + interval_ms);
    return 0;
  };
  return { take: (key) => check(key, true), peek: (key) => check(key, false) };
}

/** The catalogue's answer to a key that must wait. */
export function rateLimited(wait_ms: number): Error {
  return doorErrors["request.rate_limited"]({ retry_after_s: Math.ceil(wait_ms / 1000) });
}

/** An `onRequest` hook for public pages: limits by the caller's address. */
export function limitByAddress(limiter: RateLimiter) {
  return (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const wait_ms = limiter.take(addressKey(request.ip));
    if (wait_ms > 0) done(rateLimited(wait_ms));
    else done();
  };
}

/** One household has one IPv4 address but a whole IPv6 /64, so the latter counts as one. */
export function addressKey(address: string | undefined): string {
  if (!address?.includes(":")) return address ?? "";
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return parsed.toNormalizedString().split(":").slice(0, 4).join(":");
}
