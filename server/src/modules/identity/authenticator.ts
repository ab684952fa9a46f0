/** Who calls? The hook that answers it on every request under `/v1`. */
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from "fastify";
import type { Clock } from "../../kit/clock.ts";
import { TributaryError } from "../../kit/error.ts";
import { addressKey, createRateLimiter, type RateLimit, rateLimited } from "../../kit/http/rate-limit.ts";
import type { Database } from "../../kit/sql/database.ts";
import { isKeyForm } from "./api-key.ts";
import { identityErrors } from "./errors.ts";
import { createKeyCache, digestKey, type VerifiedKey } from "./key-cache.ts";

export interface AuthenticatorOptions {
  db: Database;
  clock: Clock;
  /** Requests per key. */
  key_limit: RateLimit;
  /** Well-formed keys that were wrong, per address. */
  failure_limit: RateLimit;
  /** How long a verified key is believed without asking; 1,000 ms unless given. 0 asks every time. */
  cache_ttl_ms?: number;
  /** Keys remembered at most. */
  keys_max?: number;
}

export interface Authenticator {
  /** Fastify's `onRequest` hook: sets `request.caller`, or refuses with 401, 403 or 429. */
  readonly hook: (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void;
  /** Listens for changes of credentials; without it a change is noticed when the cache's time is over. */
  start(): Promise<void>;
  /** Forgets every verified key. */
  forget(): void;
  stop(): Promise<void>;
}

type Done = (error?: Error) => void;

/** One per process: its hook goes on every scope that needs a key, and its cache and limits are shared by them. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { db, clock, cache_ttl_ms = 1_000, keys_max = 10_000 } = options;
  const cache = createKeyCache({ db, clock, ttl_ms: cache_ttl_ms, keys_max });
  const keyLimiter = createRateLimiter(clock, options.key_limit, keys_max);
  const failures = createRateLimiter(clock, options.failure_limit);
  let listening: { close(): Promise<void> } | undefined;

  function admit(verified: VerifiedKey, request: FastifyRequest): Error | undefined {
    if (verified.expires_at <= clock.now()) return identityErrors["identity.key_expired"]();
    if (!verified.allows(request.ip)) return identityErrors["identity.address_refused"]();
    if (verified.refusal) return identityErrors[verified.refusal]();
    const wait_ms = keyLimiter.take(verified.caller.key_id);
    if (wait_ms > 0) return rateLimited(wait_ms);
    request.caller = verified.caller;
    return undefined;
  }

  /** The way of a key that has to be looked up. */
  function authenticateSlowly(request: FastifyRequest, key: string, digest: string, done: Done): void {
    const address = addressKey(request.ip);
    // A key that was good before is asked for again whatever its neighbours behind the same address did.
    const wait_ms = cache.knows(digest) ? 0 : failures.peek(address);
    if (wait_ms > 0) {
      done(rateLimited(wait_ms));
      return;
    }
    const fail = (error: unknown) => {
      if (error instanceof TributaryError) failures.take(address);
      done(error as Error);
    };
    cache.load(key, digest).then((verified) => done(admit(verified, request)), fail);
  }

  return {
    hook(request, reply, done) {
      const header = request.headers.authorization;
      const key = readKey(header);
      const finish: Done = (error) => {
        if (error) reply.header("www-authenticate", "Bearer");
        done(error);
      };
      // What is no key costs nothing to refuse, so it is not counted: a client that forgot its key locks out nobody.
      if (key === undefined) {
        finish(identityErrors[header === undefined ? "identity.key_missing" : "identity.key_invalid"]());
        return;
      }
      const digest = digestKey(key);
      const verified = cache.get(digest);
      if (verified) finish(admit(verified, request));
      else authenticateSlowly(request, key, digest, finish);
    },
    async start() {
      listening = await db.listen("credentials", cache.forget, cache.forget);
    },
    forget: cache.forget,
    async stop() {
      await listening?.close();
      listening = undefined;
    },
  };
}

const SCHEME = "Bearer ";

/** The key of `Authorization: Bearer …`, or undefined when there is none of a key's form. */
function readKey(header: string | undefined): string | undefined {
  if (header === undefined || !header.startsWith(SCHEME)) return undefined;
  const key = header.slice(SCHEME.length);
  return isKeyForm(key) ? key : undefined;
}
