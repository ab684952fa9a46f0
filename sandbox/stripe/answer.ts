/** Requests and answers of Stripe's API v1 at the wire: bearer keys, forms in, JSON out, errors with type and code. */
import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { hangAndDrop, html_page, interfere } from "../kit/exchange.ts";
import type { Fault } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import { type Parameters, parseParameters } from "./form.ts";
import type { Metadata, StripeAccount } from "./state.ts";

/** A refusal as Stripe words it. */
export class StripeError extends Error {
  readonly status: number;
  readonly details: { type: string; code?: string; param?: string };
  constructor(status: number, details: StripeError["details"], message: string) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** Refuses a parameter, or what it asks for. */
export function refuse(message: string, param?: string, code?: string, status = 400): never {
  throw new StripeError(
    status,
    {
      type: "invalid_request_error",
      ...(code === undefined ? {} : { code }),
      ...(param === undefined ? {} : { param }),
    },
    message,
  );
}

export function refuseMissing(what: string, id: string, param = "id"): never {
  refuse(`No such ${what}: '${id}'`, param, "resource_missing", param === "id" ? 404 : 400);
}

/** An authenticated request. `fault` is the one that this call uses up. */
export type StripeCall = {
  account: StripeAccount;
  parameters: Parameters;
  fault: Fault | undefined;
  idempotency_key: string | undefined;
};

/** The account of a bearer key. Throws 401 for none, an unknown one or one that has ended. */
export function authenticate(sandbox: Sandbox, request: FastifyRequest): StripeAccount {
  const authentication = (message: string, code?: string) =>
    new StripeError(401, { type: "invalid_request_error", ...(code === undefined ? {} : { code }) }, message);
  const key = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (key === undefined) {
    throw authentication("You did not provide an API key. Provide it in the Authorization header, as a bearer token.");
  }
  const now_ms = sandbox.clock.now();
  for (const account of sandbox.stripe.members.values()) {
    const known = account.keys.find(({ value }) => value === key);
    if (known === undefined) continue;
    if (known.ends_at_ms !== undefined && known.ends_at_ms <= now_ms) {
      throw authentication(`Expired API Key provided: ${mask(key)}`, "api_key_expired");
    }
    const asked = request.headers["stripe-account"];
    if (asked !== undefined && asked !== account.account_id) {
      const message = `The provided key '${mask(key)}' does not have access to account '${asked}' (or that account does not exist).`;
      throw new StripeError(403, { type: "invalid_request_error", code: "account_invalid" }, message);
    }
    return account;
  }
  throw authentication(`Invalid API Key provided: ${mask(key)}`);
}

function mask(key: string): string {
  return `${key.slice(0, 8)}${"*".repeat(Math.max(0, key.length - 12))}${key.slice(-4)}`;
}

/** The form of a POST, or the query of a GET. Throws StripeError. */
export function readParameters(request: FastifyRequest): Parameters {
  const body = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
  const query = request.url.includes("?") ? request.url.slice(request.url.indexOf("?") + 1) : "";
  const type = request.headers["content-type"] ?? "";
  if (request.method === "POST" && body !== "" && !type.startsWith("application/x-www-form-urlencoded")) {
    refuse("Invalid request: send parameters as application/x-www-form-urlencoded.");
  }
  return (
    parseParameters(request.method === "POST" ? body : query) ?? refuse("Invalid request: a parameter is malformed.")
  );
}

/** Refuses parameters outside `known`, as Stripe does. */
export function refuseUnknown(parameters: Parameters, known: readonly string[], within = ""): void {
  const extra = Object.keys(parameters).find((name) => !known.includes(name));
  if (extra === undefined) return;
  const param = within === "" ? extra : `${within}[${extra}]`;
  refuse(`Received unknown parameter: ${param}`, param, "parameter_unknown");
}

export function textOf(parameters: Parameters, name: string, within = ""): string | undefined {
  const value = parameters[name];
  if (value === undefined || value === "") return undefined;
  const param = within === "" ? name : `${within}[${name}]`;
  if (typeof value !== "string") refuse(`Invalid string: ${param}`, param);
  return value;
}

export function requiredOf(parameters: Parameters, name: string, within = ""): string {
  const param = within === "" ? name : `${within}[${name}]`;
  return textOf(parameters, name, within) ?? refuse(`Missing required param: ${param}.`, param, "parameter_missing");
}

/** A whole number. */
export function integerOf(parameters: Parameters, name: string, within = ""): bigint | undefined {
  const text = textOf(parameters, name, within);
  if (text === undefined) return undefined;
  const param = within === "" ? name : `${within}[${name}]`;
  if (!/^-?\d{1,18}$/.test(text)) refuse(`Invalid integer: ${text}`, param, "parameter_invalid_integer");
  return BigInt(text);
}

export function objectOf(parameters: Parameters, name: string): Parameters | undefined {
  const value = parameters[name];
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") refuse("Invalid object", name);
  return value;
}

/** A list of strings. */
export function textsOf(parameters: Parameters, name: string): string[] {
  const list = objectOf(parameters, name) ?? {};
  return Object.keys(list).map((index) => requiredOf(list, index, name));
}

/** At most 50 keys of 40 characters with values of 500. */
export function metadataOf(parameters: Parameters, within = ""): Metadata {
  const given = objectOf(parameters, "metadata") ?? {};
  const param = within === "" ? "metadata" : `${within}[metadata]`;
  const entries = Object.keys(given).flatMap((key): [string, string][] => {
    // An empty value takes the key away.
    const value = textOf(given, key, param);
    return value === undefined ? [] : [[key, value]];
  });
  if (entries.length > 50) refuse("Metadata may hold at most 50 keys.", param);
  for (const [key, value] of entries) {
    if (key.length > 40) refuse(`Metadata keys can have up to 40 characters: ${key}`, param);
    if (value.length > 500) refuse("Metadata values can have up to 500 characters.", `${param}[${key}]`);
  }
  return Object.fromEntries(entries);
}

const errors_of_faults: Partial<Record<Fault["fault"], { status: number; type: string; code?: string }>> = {
  system_error: { status: 500, type: "api_error" },
  service_unavailable: { status: 503, type: "api_error" },
  rate_limit: { status: 429, type: "invalid_request_error", code: "rate_limit" },
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
  const error = errors_of_faults[fault.fault];
  if (error === undefined) return false;
  const { status, ...details } = error;
  throw new StripeError(status, details, "Simulated trouble: nothing was done.");
}

/** Sends an answer, bent by the call's fault, if there is one. */
export async function sendAnswer(
  sandbox: Sandbox,
  fault: Fault | undefined,
  answer: { body: string; replayed?: boolean },
  reply: FastifyReply,
): Promise<void> {
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  if (answer.replayed) reply.header("Idempotent-Replayed", "true");
  reply.code(200).type("application/json").send(answer.body);
}

export function sendError(reply: FastifyReply, error: StripeError): void {
  const { status, details, message } = error;
  const doc_url = details.code && `https://stripe.com/docs/error-codes/${details.code.replaceAll("_", "-")}`;
  reply
    .code(status)
    .type("application/json")
    .send({ error: { ...details, ...(doc_url && { doc_url }), message } });
}

const remembered_ms = 24 * 3_600_000;

/**
 * Runs a keyed request once: the same key with the same path and parameters answers what was answered before, as it was
 * then; with other ones it is refused. A refused request is not remembered, and keys are forgotten after a day.
 */
export function runOnce(
  sandbox: Sandbox,
  call: StripeCall,
  path: string,
  run: () => Fields,
): { body: string; replayed?: boolean } {
  const { account, idempotency_key: key, parameters } = call;
  if (key === undefined) return { body: write(run()) };
  if (key.length > 255) refuse("Idempotency keys can have up to 255 characters.");
  const place = `${account.account_id}/${key}`;
  const fingerprint = hash("sha256", `${path}\n${JSON.stringify(parameters)}`);
  const now_ms = sandbox.clock.now();
  const known = sandbox.stripe.remembered.get(place);
  if (known !== undefined && now_ms - known.at_ms < remembered_ms) {
    if (known.fingerprint === fingerprint) return { body: known.body, replayed: true };
    const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`;
    throw new StripeError(400, { type: "idempotency_error" }, message);
  }
  const body = write(run());
  sandbox.stripe.remembered.set(place, { fingerprint, body, at_ms: now_ms });
  return { body };
}

/** Amounts are whole numbers of JSON; ours stay below 2^53. */
export function write(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? Number(item) : item));
}
