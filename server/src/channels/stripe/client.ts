/**
 * Stripe's SDK behind the contract. It is imported when an account is first used, because it takes half a second and 35 MB;
 * it makes and reads the messages, and its only way out is the `send` of the call that is under way.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Stripe } from "stripe";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount, ChannelContext, Send, Unknown, WireResponse } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { readSettings } from "./config.ts";

/** The version of Stripe's API that requests ask for and this code reads. Webhook endpoints must be of it, too. */
export const STRIPE_API_VERSION = "2026-10-28.endive";

/** The exchange under way: how to send, and what came last. */
interface Exchange {
  readonly send: Send;
  last?: WireResponse;
  /** Set when nothing usable came: the error of `send`. */
  broken?: unknown;
}

/** One client serves all calls of an account, so the call that it works for is found by its asynchronous context. */
const exchanges = new AsyncLocalStorage<Exchange>();

const openClient = memoizeByAccount((account): { readonly client: Promise<Stripe> } => {
  const { secret_key, connected_account_id, base_url } = readSettings(account);
  const client = importStripe().then(
    (Sdk) =>
      new Sdk(secret_key, {
        apiVersion: STRIPE_API_VERSION,
        maxNetworkRetries: 0,
        telemetry: false,
        host: base_url.hostname,
        port: base_url.port || (base_url.protocol === "http:" ? "80" : "443"),
        protocol: base_url.protocol === "http:" ? "http" : "https",
        httpClient,
        ...(connected_account_id !== undefined && { stripeAccount: connected_account_id }),
      }),
  );
  return { client };
});

/** The SDK's class. */
export async function importStripe(): Promise<typeof Stripe> {
  return (await import("stripe")).Stripe;
}

const httpClient: Stripe.HttpClient = {
  getClientName: () => "tributary",
  async makeRequest(host, port, path, method, headers, body, protocol) {
    const exchange = exchanges.getStore();
    if (!exchange) throw new Error("Stripe's SDK called outside a conversation");
    const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    const { "content-length": _, ...plain } = Object.fromEntries(named) as Record<string, string>;
    const request = {
      method: method === "POST" ? "POST" : "GET",
      url: `${protocol}://${host}:${port}${path}`,
    } as const;
    try {
      exchange.last = await exchange.send({ ...request, headers: plain, ...(method === "POST" && { body }) });
    } catch (error) {
      exchange.broken = error;
      throw error;
    }
    return toSdkResponse(exchange.last);
  },
};

/** The SDK crashes on JSON that is no object, and on no body at all: both are unreadable to it. */
function toSdkResponse({ status, headers, body }: WireResponse): Stripe.HttpClientResponse {
  const raw = {};
  return {
    getStatusCode: () => status,
    getHeaders: () => headers as Record<string, string>,
    getRawResponse: () => raw,
    toStream() {
      throw new Error("no streams are used");
    },
    async toJSON() {
      const value: unknown = JSON.parse(body.toString("utf8"));
      if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SyntaxError("no JSON object");
      return value;
    },
  };
}

/** What Stripe answered. */
export type Answer<T> =
  | { readonly kind: "answered"; readonly value: T; readonly replayed: boolean }
  /** An explicit error of Stripe's own. `status` is 4xx. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly type: string;
      readonly code: string;
      readonly message: string;
    }
  | Unknown;

/** Has the SDK make one request. Throws what `send` throws, and when the account cannot be opened. */
export async function askStripe<T>(
  { account }: ChannelContext | { account: ChannelAccount },
  send: Send,
  request: (stripe: Stripe) => Promise<T>,
): Promise<Answer<T>> {
  const client = await openClient(account).client;
  const exchange: Exchange = { send };
  try {
    const value = await exchanges.run(exchange, () => request(client));
    const { last } = exchange;
    if (!last) throw new Error("Stripe's SDK answered without a call");
    if (last.status < 200 || last.status >= 300) return unknown("http_status", `status ${last.status}`);
    return { kind: "answered", value, replayed: last.headers["idempotent-replayed"] === "true" };
  } catch (error) {
    if (exchange.broken !== undefined) throw exchange.broken;
    if (exchange.last === undefined) throw error;
    return readError(exchange.last.status, error);
  }
}

/** https://docs.stripe.com/error-low-level : only a 4xx with an error of Stripe's own says that nothing was done. */
function readError(status: number, error: unknown): Answer<never> {
  const { rawType, code, message } = error as { rawType?: unknown; code?: unknown; message?: unknown };
  const type = typeof rawType === "string" ? rawType : "";
  const text = typeof message === "string" ? message : String(error);
  if (status >= 200 && status < 300) return unknown("unreadable", text);
  if (status === 429) return unknown("rate_limited", text);
  if (status >= 500) return unknown(type === "api_error" ? "system_error" : "http_status", `status ${status}: ${text}`);
  if (status < 400) return unknown("http_status", `status ${status}`);
  // 409: another request with this key is being carried out, or the object is locked by one.
  if (status === 409 || type === "" || type === "api_error")
    return unknown("system_error", `status ${status}: ${text}`);
  return { kind: "refused", status, type, code: typeof code === "string" ? code : type, message: text.slice(0, 500) };
}
