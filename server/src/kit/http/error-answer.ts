/** Turns whatever was thrown into an answer of the catalogue. Nothing of a stack, of SQL or of a cause gets out. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { TributaryError } from "../error.ts";
import type { Logger } from "../log.ts";
import { isUnavailable } from "../sql/database.ts";
import { GroupFullError } from "../sql/group-commit.ts";
import { doorErrors } from "./errors.ts";
import { ValidationFailure } from "./validation.ts";

/** The body of every error. */
export interface ErrorBody {
  error: {
    type: string;
    code: string;
    message: string;
    param: string | null;
    doc_url: string;
    request_id: string;
    retryable: boolean;
    outcome: string;
  };
}

const RETRY_AFTER_UNAVAILABLE_S = 1;

/** What Fastify itself refuses, by its code. */
const frameworkRefusals: Record<string, keyof typeof doorErrors> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "request.unsupported_media_type",
  FST_ERR_CTP_BODY_TOO_LARGE: "request.body_too_large",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "request.malformed",
  FST_ERR_CTP_EMPTY_JSON_BODY: "request.malformed_json",
  FST_ERR_CTP_INVALID_JSON_BODY: "request.malformed_json",
  FST_ERR_MAX_PARAM_LENGTH: "request.uri_too_long",
  FST_ERR_BAD_URL: "request.malformed",
  FST_ERR_NOT_FOUND: "request.route_not_found",
};

/** The catalogue's error for a thrown value; a fault of ours becomes `api.internal` with the value as its cause. */
export function toCatalogueError(thrown: unknown): TributaryError {
  if (thrown instanceof TributaryError) return thrown;
  if (thrown instanceof ValidationFailure) return thrown.failure;
  if (thrown instanceof GroupFullError || isUnavailable(thrown)) {
    return doorErrors["api.unavailable"]({ cause: thrown, retry_after_s: RETRY_AFTER_UNAVAILABLE_S });
  }
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  const refusal = typeof code === "string" ? frameworkRefusals[code] : undefined;
  if (refusal) return doorErrors[refusal]();
  if (statusCode === 400)
    return doorErrors[thrown instanceof SyntaxError ? "request.malformed_json" : "request.malformed"]();
  return doorErrors["api.internal"]({ cause: thrown });
}

/** @param is_read a request that changes nothing has no unknown outcome. */
export function toErrorBody(error: TributaryError, base_url: string, request_id: string, is_read: boolean): ErrorBody {
  const { type, code, retryable, outcome } = error.entry;
  return {
    error: {
      type,
      code,
      message: error.message,
      param: error.param ?? null,
      doc_url: `${base_url}/docs/errors/${code}`,
      request_id,
      retryable,
      outcome: is_read && outcome === "unknown" ? "none" : outcome,
    },
  };
}

/** Fastify's error handler. */
export function createErrorHandler(log: Logger, base_url: string) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = toCatalogueError(thrown);
    logRefusal(log, error, request);
    if (error.retry_after_s !== undefined) reply.header("retry-after", String(error.retry_after_s));
    const isRead = request.method === "GET" || request.method === "HEAD";
    reply
      .code(error.entry.status)
      .type("application/json; charset=utf-8")
      .send(JSON.stringify(toErrorBody(error, base_url, request.id, isRead)));
  };
}

/** Faults of ours with their cause; refusals, which are the caller's affair, only when someone debugs. */
function logRefusal(log: Logger, error: TributaryError, request: FastifyRequest): void {
  const status = error.entry.status;
  const line = { request_id: request.id, method: request.method, route: routeOf(request), status, code: error.code };
  if (status >= 500) log.error({ ...line, err: error.cause ?? error }, "a request failed");
  else if (log.isLevelEnabled("debug")) log.debug(line, "a request was refused");
}

/** The route's pattern, never the URL: a path or query may carry what no log should. */
export function routeOf(request: FastifyRequest): string {
  return request.is404 ? "(no route)" : (request.routeOptions.url ?? "");
}
