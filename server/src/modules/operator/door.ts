/** The door of `/operator/v1`: who enters, and the audit trail of what they change. */
import type { FastifyReply, FastifyRequest, FastifySchema } from "fastify";
import type { ApiServer, Operator } from "../../kit/http/api.ts";
import { routeOf } from "../../kit/http/error-answer.ts";
import { addressKey } from "../../kit/http/rate-limit.ts";
import { isSameOrigin } from "../../kit/http/same-origin.ts";
import { readSessionToken, requireSession, userErrors } from "../user/index.ts";
import { operatorErrors } from "./errors.ts";
import type { OperatorServices } from "./services.ts";
import { finishAction, insertAction } from "./store.ts";

/**
 * Prepares a scope of the server for operators: every route registered in it is behind the door.
 * @param public_url where the public reaches this server; pages of it may send changes.
 */
export function openOperatorScope(server: ApiServer, services: OperatorServices & { public_url: string }): void {
  const { db, log, clock } = services;
  const public_origin = new URL(services.public_url).origin;
  const actions = new WeakMap<FastifyRequest, string>();

  server.addHook("onRoute", (route) => {
    if (route.schema) route.schema = { ...route.schema, security: [{ operator_session: [] }, { operator_token: [] }] };
  });
  server.addHook("onRequest", async (request) => {
    request.operator = await admit(services, request, public_origin);
  });
  // After the request was read and judged: what is no request of ours changes nothing.
  server.addHook("preHandler", async (request) => {
    if (isSafe(request)) return;
    const id = services.ids.uuid();
    await insertAction(db, { id, ...describeAction(request), started_at: clock.now() });
    actions.set(request, id);
  });
  server.addHook("onSend", async (request, reply, payload) => {
    const id = actions.get(request);
    if (id === undefined) return;
    const outcome = { ...readOutcome(reply, payload), finished_at: clock.now() };
    // The effect stands whatever becomes of this; the action stays without an outcome, and the log says so.
    await finishAction(db, id, outcome).catch((err: unknown) => {
      log.error({ err, action: id, status: outcome.status }, "the outcome of an operator's action was not recorded");
    });
  });
}

function isSafe({ method }: FastifyRequest): boolean {
  return method === "GET" || method === "HEAD";
}

async function admit(
  { db, clock }: OperatorServices,
  request: FastifyRequest,
  public_origin: string,
): Promise<Operator> {
  const session = readSessionToken(request.headers);
  const { user } = await requireSession(db, clock, session?.token);
  if (user.role !== "operator") throw userErrors["user.not_operator"]();
  if (session?.by === "cookie" && !isSafe(request) && !isSameOrigin(request.headers, public_origin)) {
    throw operatorErrors["operator.origin_refused"]();
  }
  return { user_id: user.id, email: user.email, name: user.name };
}

function describeAction(request: FastifyRequest) {
  const { operationId } = (request.routeOptions.schema ?? {}) as FastifySchema & { operationId?: string };
  const { reason } = (request.body ?? {}) as { reason?: unknown };
  return {
    user_id: request.operator.user_id,
    source: "api" as const,
    operation: operationId ?? `${request.method} ${routeOf(request)}`,
    target: `${request.method} ${request.url.split("?", 1)[0]!}`,
    reason: typeof reason === "string" ? reason.trim() : null,
    address: addressKey(request.ip),
    request_id: request.id,
  };
}

/** What the answer says of what became of it: the object's id, or the error's code. */
function readOutcome({ statusCode: status }: FastifyReply, payload: unknown) {
  const body = typeof payload === "string" ? readJson(payload) : undefined;
  const { id, error } = (body ?? {}) as { id?: unknown; error?: { code?: unknown } };
  const code = typeof error?.code === "string" ? error.code : null;
  return { status, code, object_id: typeof id === "string" ? id : null };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
