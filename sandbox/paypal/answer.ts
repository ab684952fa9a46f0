/** PayPal's REST answers: JSON, a debug id on each, refusals with a name and an issue, and what a fault makes of them. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { hangAndDrop, html_page, interfere } from "../kit/exchange.ts";
import type { Fault } from "../kit/faults.ts";
import { type Fields, isFields } from "../kit/input.ts";
import type { PaypalMerchant } from "./state.ts";

/** A call of a known app. `fault` is the one that this call uses up. */
export type PaypalCall = { merchant: PaypalMerchant; request: FastifyRequest; body: Fields; fault: Fault | undefined };

/** What a call answers. */
export type PaypalAnswer = { status: number; body: unknown };

/** Why PayPal refuses: `name` says the kind, `issue` the reason. */
export type Refusal = { status: number; name: string; issue?: string; field?: string; links?: unknown };

/** A refusal in PayPal's words. */
export class PaypalError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.issue ?? refusal.name);
    this.refusal = refusal;
  }
}

const messages: Record<string, string> = {
  INVALID_REQUEST: "Request is not well-formed, syntactically incorrect, or violates schema.",
  AUTHENTICATION_FAILURE:
    "Authentication failed due to missing authorization header, or invalid authentication credentials.",
  NOT_AUTHORIZED: "Authorization failed due to insufficient permissions.",
  RESOURCE_NOT_FOUND: "The specified resource does not exist.",
  UNSUPPORTED_MEDIA_TYPE: "The server does not support the request payload's media type.",
  UNPROCESSABLE_ENTITY:
    "The requested action could not be performed, semantically incorrect, or failed business validation.",
  RATE_LIMIT_REACHED: "Too many requests. Blocked due to rate limiting.",
  INTERNAL_SERVER_ERROR: "An internal server error occurred.",
  SERVICE_UNAVAILABLE: "Service Unavailable.",
};

/** Not well-formed: 400 with the field that it is about. */
export function refuseForm(issue: string, field: string): never {
  throw new PaypalError({ status: 400, name: "INVALID_REQUEST", issue, field });
}

/** Understood and refused: 422. */
export function refuse(issue: string, more: Partial<Refusal> = {}): never {
  throw new PaypalError({ status: 422, name: "UNPROCESSABLE_ENTITY", issue, ...more });
}

/** No such order, capture, refund or dispute of this app: 404. */
export function refuseUnknown(): never {
  throw new PaypalError({ status: 404, name: "RESOURCE_NOT_FOUND", issue: "INVALID_RESOURCE_ID" });
}

/** The request's JSON object; an absent body is an empty one. */
export function readJson(request: FastifyRequest): Fields {
  const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    throw new PaypalError({ status: 415, name: "UNSUPPORTED_MEDIA_TYPE" });
  }
  let value: unknown = {};
  try {
    if (text.trim() !== "") value = JSON.parse(text);
  } catch {
    refuseForm("MALFORMED_REQUEST_JSON", "/");
  }
  return isFields(value) ? value : refuseForm("MALFORMED_REQUEST_JSON", "/");
}

/** Whether the caller asked for the whole resource rather than its number, state and links. */
export function wantsWhole(request: FastifyRequest): boolean {
  return request.headers.prefer === "return=representation";
}

/** The caller's key of idempotency. */
export function requestIdOf(request: FastifyRequest): string | undefined {
  const id = request.headers["paypal-request-id"];
  return typeof id === "string" && id !== "" ? id : undefined;
}

/** Sends a refusal. */
export function sendRefusal(sandbox: Sandbox, refusal: Refusal, reply: FastifyReply): void {
  const debug_id = sandbox.random.hex(13);
  const { status, name, issue, field, links } = refusal;
  const details = issue === undefined ? [] : [{ ...(field && { field, location: "body" }), issue, description: issue }];
  reply.code(status).header("paypal-debug-id", debug_id).type("application/json");
  reply.send(
    JSON.stringify({
      name,
      message: messages[name] ?? name,
      debug_id,
      ...(details.length > 0 && { details }),
      links: links ?? [
        { href: `https://developer.paypal.com/docs/api/orders/v2/#error-${issue ?? name}`, rel: "information_link" },
      ],
    }),
  );
}

const refusals_of_faults: Partial<Record<Fault["fault"], Refusal>> = {
  system_error: { status: 500, name: "INTERNAL_SERVER_ERROR" },
  service_unavailable: { status: 503, name: "SERVICE_UNAVAILABLE" },
  rate_limit: { status: 429, name: "RATE_LIMIT_REACHED" },
};

/** Faults that come before any effect; true when the exchange is over. */
export async function refuseByFault(sandbox: Sandbox, fault: Fault, reply: FastifyReply): Promise<boolean> {
  if (fault.fault === "timeout_before") {
    await hangAndDrop(sandbox, fault, reply);
    return true;
  }
  if (fault.fault === "http_500") {
    reply.code(500).type("text/html").send(html_page);
    return true;
  }
  if (fault.fault === "invalid_token") {
    sendInvalidToken(reply);
    return true;
  }
  const refusal = refusals_of_faults[fault.fault];
  if (refusal !== undefined) sendRefusal(sandbox, refusal, reply);
  return refusal !== undefined;
}

/** What a token that is unknown or out of date gets. */
export function sendInvalidToken(reply: FastifyReply): void {
  reply.code(401).type("application/json");
  reply.send(JSON.stringify({ error: "invalid_token", error_description: "Token signature verification failed" }));
}

const other_number = (text: string) => `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`;

/** What each fault of content does to a field of the answer, by the field's name. */
const lies: Partial<Record<Fault["fault"], (key: string, value: string) => string>> = {
  wrong_amount: (key, value) => (key === "value" ? `1${value}` : value),
  wrong_currency: (key, value) => (key === "currency_code" ? (value === "EUR" ? "USD" : "EUR") : value),
  wrong_number: (key, value) => (key === "custom_id" || key === "invoice_id" ? other_number(value) : value),
  wrong_merchant: (key, value) => (key === "merchant_id" ? "WRONGPAYEE123" : value),
  notice_wrong_amount: (key, value) => (key === "value" ? `1${value}` : value),
  notice_wrong_merchant: (key, value) => (key === "merchant_id" ? "WRONGPAYEE123" : value),
};

/** The JSON text of a resource, untrue in what the fault names. */
export function writeJson(body: unknown, fault: Fault["fault"] | undefined): string {
  const lie = fault && lies[fault];
  return JSON.stringify(body, (key, value) => (lie && typeof value === "string" ? lie(key, value) : value));
}

/** Sends an answer, bent by the call's fault, if there is one. */
export async function sendAnswer(
  sandbox: Sandbox,
  fault: Fault | undefined,
  { status, body }: PaypalAnswer,
  reply: FastifyReply,
): Promise<void> {
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  reply.code(status).header("paypal-debug-id", sandbox.random.hex(13)).type("application/json");
  reply.send(writeJson(body, fault?.fault));
}
