/**
 * PayPal's REST API through its own SDK (@paypal/paypal-server-sdk), whose HTTP goes through the caller's `send`. The
 * token is fetched and kept here, because the SDK would measure its life by the machine's clock and drop it after each call.
 */
import { LRUCache } from "lru-cache";
import type { ChannelContext, Send, Unknown, WireRequest } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { asObject, type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { openPaypalAccount, type PaypalAccount } from "./config.ts";

type Sdk = typeof import("@paypal/paypal-server-sdk");

let loading: Promise<Sdk> | undefined;

/** Loading it takes half a second: a process that serves no PayPal account never does. */
export function loadSdk(): Promise<Sdk> {
  loading ??= import("@paypal/paypal-server-sdk");
  return loading;
}

/** The parts of the API that payments and bills need. */
export interface PaypalApi {
  readonly orders: InstanceType<Sdk["OrdersController"]>;
  readonly payments: InstanceType<Sdk["PaymentsController"]>;
  readonly search: InstanceType<Sdk["TransactionSearchController"]>;
}

export type PaypalAnswer<Data> =
  | { readonly kind: "accepted"; readonly data: Data }
  /** PayPal refused in its own words. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | Unknown;

/** What the SDK's HTTP library hands to an adapter, as far as it is used here. */
interface SdkRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: { toJSON(): Record<string, unknown> };
  readonly data?: unknown;
}

/** The SDK knows two hosts only; what it asks of them goes to the account's own address. */
function adaptTo(send: Send, base_url: string) {
  return async (request: SdkRequest) => {
    const { pathname, search } = new URL(request.url ?? "");
    const headers = Object.entries(request.headers?.toJSON() ?? {}).flatMap(([name, value]) =>
      typeof value === "string" ? [[name.toLowerCase(), value]] : [],
    );
    const wire: WireRequest = {
      method: request.method?.toUpperCase() === "GET" ? "GET" : "POST",
      url: `${base_url}${pathname}${search}`,
      headers: Object.fromEntries(headers),
      ...(typeof request.data === "string" ? { body: request.data } : {}),
    };
    const { status, headers: answered, body } = await send(wire);
    return { status, statusText: "", headers: answered, data: body.toString("utf8"), config: request };
  };
}

function createClient(sdk: Sdk, account: PaypalAccount, send: Send, token: string | undefined) {
  return new sdk.Client({
    timeout: 0,
    environment: sdk.Environment.Production,
    ...(token === undefined
      ? {}
      : {
          clientCredentialsAuthCredentials: {
            oAuthClientId: account.client_id,
            oAuthClientSecret: "",
            oAuthToken: { accessToken: token, tokenType: "Bearer" },
          },
        }),
    unstable_httpClientOptions: { adapter: adaptTo(send, account.base_url) },
  });
}

interface Token {
  readonly text: string;
  readonly good_until: number;
}

const TOKENS_MAX = 4096;
/** A token is not used in its last minute: the call must end before it does. */
const TOKEN_MARGIN_MS = 60_000;
const tokens = new LRUCache<string, Token>({ max: TOKENS_MAX });

async function obtainToken(
  { account, clock }: ChannelContext,
  sdk: Sdk,
  send: Send,
  fresh: boolean,
): Promise<PaypalAnswer<string> & { readonly cached?: true }> {
  const key = `${account.id}:${account.version}`;
  const held = fresh ? undefined : tokens.get(key);
  if (held && held.good_until > clock.now()) return { kind: "accepted", data: held.text, cached: true };
  const opened = openPaypalAccount(account);
  const controller = new sdk.OAuthAuthorizationController(createClient(sdk, opened, send, undefined));
  const basic = Buffer.from(`${opened.client_id}:${opened.client_secret.reveal()}`).toString("base64");
  const answer = await answerOf(sdk, () => controller.requestToken({ authorization: `Basic ${basic}` }));
  if (answer.kind !== "accepted") return answer;
  const { accessToken, expiresIn } = answer.data;
  if (!accessToken) return unknown("unreadable", "PayPal's answer has no token");
  const life_ms = Number(expiresIn ?? 0n) * 1000 - TOKEN_MARGIN_MS;
  if (life_ms > 0) tokens.set(key, { text: accessToken, good_until: clock.now() + life_ms });
  return { kind: "accepted", data: accessToken };
}

/**
 * Makes one call with the account's token. A token that PayPal no longer takes is fetched anew, once. What is no answer
 * of PayPal's (broken, unreadable) is thrown, as the SDK throws it: the caller of the conversation knows the reason.
 */
export async function callPaypal<Data>(
  context: ChannelContext,
  send: Send,
  perform: (api: PaypalApi) => Promise<{ readonly result: Data }>,
): Promise<PaypalAnswer<Data>> {
  const account = openPaypalAccount(context.account);
  const sdk = await loadSdk();
  const attempt = async (token: string) => {
    const client = createClient(sdk, account, send, token);
    const api = {
      orders: new sdk.OrdersController(client),
      payments: new sdk.PaymentsController(client),
      search: new sdk.TransactionSearchController(client),
    };
    return answerOf(sdk, () => perform(api));
  };
  const token = await obtainToken(context, sdk, send, false);
  if (token.kind !== "accepted") return token;
  const answer = await attempt(token.data);
  if (!token.cached || answer.kind !== "refused" || !staleTokens.has(answer.code)) return answer;
  const renewed = await obtainToken(context, sdk, send, true);
  return renewed.kind === "accepted" ? attempt(renewed.data) : renewed;
}

/** How PayPal says that a token is not, or no longer, one. */
const staleTokens: ReadonlySet<string> = new Set(["invalid_token", "AUTHENTICATION_FAILURE"]);

async function answerOf<Data>(
  sdk: Sdk,
  perform: () => Promise<{ readonly result: Data }>,
): Promise<PaypalAnswer<Data>> {
  try {
    return { kind: "accepted", data: (await perform()).result };
  } catch (error) {
    if (error instanceof sdk.ApiError) return readRefusal(error.statusCode, error.body);
    throw error;
  }
}

/** A refusal has a name, and as a rule an issue, which is the reason; OAuth's have an error. Anything else is no answer. */
function readRefusal(status: number, body: unknown): PaypalAnswer<never> {
  if (status === 429) return unknown("rate_limited", "status 429");
  const refusal = typeof body === "string" ? parseJsonObject(body) : undefined;
  const code = issueOf(refusal) ?? textOf(refusal, "name") ?? textOf(refusal, "error");
  if (status < 400 || status >= 500 || !code) {
    return unknown("http_status", `status ${status} ${code ?? ""} ${textOf(refusal, "debug_id") ?? ""}`.trim());
  }
  const said = textOf(refusal, "message") ?? textOf(refusal, "error_description") ?? code;
  return { kind: "refused", code, message: said };
}

function issueOf(refusal: JsonObject | undefined): string | undefined {
  const [detail] = Array.isArray(refusal?.details) ? refusal.details : [];
  return textOf(asObject(detail), "issue");
}
