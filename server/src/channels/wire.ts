/** HTTP towards the channels: kept-alive connections, time limits, a largest answer. Trouble is an outcome, not an error. */
import { LRUCache } from "lru-cache";
import { Agent, type Dispatcher } from "undici";
import { sha256 } from "../kit/crypto.ts";
import type { ClientCertificate, Unknown, WireRequest, WireResponse } from "./contract.ts";
import { unknown } from "./refusal.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const RESPONSE_BYTES_MAX = 1_048_576;
/** Accounts of one channel share an origin; what each may have under way is bounded by `guard.ts`. */
const CONNECTIONS_PER_ORIGIN = 1_024;
const CERTIFIED_AGENTS_MAX = 256;

export interface Wire {
  /**
   * Sends a request and answers the response, or unknown. Redirects are not followed.
   * @param limit ends the exchange when the operation's time is over; the wire's own limit unless given.
   */
  exchange(request: WireRequest, limit?: AbortSignal): Promise<WireResponse | Unknown>;
  end(): Promise<void>;
}

/**
 * Opens no connection yet.
 * @param timeout_ms for one whole exchange, from connecting to the last byte.
 * @param response_bytes_max the largest answer; 1 MB unless given.
 */
export function createWire(timeout_ms: number, response_bytes_max: number = RESPONSE_BYTES_MAX): Wire {
  const limits: Limits = { timeout_ms, response_bytes_max };
  const agent = createAgent(limits);
  // Whoever shows a certificate has connections of its own: one made with it must serve nobody else.
  const certified = new LRUCache<string, Agent>({
    max: CERTIFIED_AGENTS_MAX,
    dispose: (unused) => void unused.close().catch(() => undefined),
  });
  function agentOf(shown: ClientCertificate | undefined): Agent {
    if (!shown) return agent;
    const name = sha256(`${shown.certificate}\n${shown.private_key}`).toString("base64");
    const known = certified.get(name) ?? createAgent(limits, shown);
    certified.set(name, known, { noDisposeOnSet: true });
    return known;
  }
  return {
    async exchange({ method, url, headers, body, client_certificate }, signal = AbortSignal.timeout(timeout_ms)) {
      const { origin, pathname, search } = new URL(url);
      try {
        const response = await agentOf(client_certificate).request({
          origin,
          path: pathname + search,
          method,
          headers: { ...headers },
          body: body ?? null,
          signal,
        });
        const bytes = Buffer.from(await response.body.arrayBuffer());
        return { status: response.statusCode, headers: flattenHeaders(response.headers), body: bytes };
      } catch (error) {
        return outcomeOfBrokenExchange(error);
      }
    },
    async end() {
      await Promise.all([agent, ...certified.values()].map((open) => open.close()));
    },
  };
}

interface Limits {
  readonly timeout_ms: number;
  readonly response_bytes_max: number;
}

function createAgent({ timeout_ms, response_bytes_max }: Limits, shown?: ClientCertificate): Agent {
  return new Agent({
    connections: CONNECTIONS_PER_ORIGIN,
    connect: {
      timeout: Math.min(CONNECT_TIMEOUT_MS, timeout_ms),
      ...(shown && { cert: shown.certificate, key: shown.private_key }),
    },
    headersTimeout: timeout_ms,
    bodyTimeout: timeout_ms,
    maxResponseSize: response_bytes_max,
  });
}

function flattenHeaders(headers: Dispatcher.ResponseData["headers"]): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

const timeoutCodes = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_ABORTED",
]);

/**
 * What an error of undici tells of the exchange. A connection refused before anything was sent is unknown too: with a
 * proxy between, one cannot tell.
 */
export function outcomeOfBrokenExchange(error: unknown): Unknown {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const shown = `${typeof code === "string" ? code : String(name)}`;
  if (name === "TimeoutError" || name === "AbortError" || timeoutCodes.has(shown)) return unknown("timeout", shown);
  if (shown === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return unknown("unreadable", "the answer is larger than is allowed");
  if (name === "HTTPParserError") return unknown("unreadable", `the answer is not HTTP: ${shown}`);
  return unknown("connection", shown);
}
