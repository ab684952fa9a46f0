/**
 * The server factory: limits, validation, errors, headers and request ids are set up here once for every route, and each
 * hook is synchronous because it runs for each of ten thousand requests a second.
 */
import type { Socket } from "node:net";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import {
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
  fastify,
  type HookHandlerDoneFunction,
  type RouteOptions,
} from "fastify";
import { Type } from "typebox";
import type { Clock } from "../clock.ts";
import { type Logger, withLogContext } from "../log.ts";
import type { Random } from "../random.ts";
import type { ApiServer } from "./api.ts";
import { createErrorHandler, routeOf, toErrorBody } from "./error-answer.ts";
import { doorErrors } from "./errors.ts";
import { registerOpenApi } from "./openapi.ts";
import { createRequestIds } from "./request-id.ts";
import { createRouteIndex, type RouteIndex } from "./route-index.ts";
import { apiHeaders } from "./security-headers.ts";
import { closeObjects, compileValidator, refuseUnstorable } from "./validation.ts";

export interface HttpServerOptions {
  log: Logger;
  clock: Clock;
  random: Random;
  /** Where the public reaches this server, without a trailing slash; the start of `doc_url`. */
  base_url: string;
  /** Addresses or networks of proxies whose `X-Forwarded-For` is believed; none unless given. */
  trust_proxy?: readonly string[];
  body_limit_bytes?: number;
  header_limit_bytes?: number;
  /** How long a client may take to send its headers, and its whole request. */
  headers_timeout_ms?: number;
  request_timeout_ms?: number;
  /** How often connections are looked over for these limits. */
  connections_check_ms?: number;
  /** How long a connection may be silent, also while we work. */
  connection_timeout_ms?: number;
  keep_alive_timeout_ms?: number;
  /** A request that took longer is logged. */
  slow_request_ms?: number;
}

type DoorOptions = Required<HttpServerOptions>;

const defaults = {
  trust_proxy: [],
  body_limit_bytes: 64 * 1024,
  header_limit_bytes: 16 * 1024,
  headers_timeout_ms: 10_000,
  request_timeout_ms: 30_000,
  connections_check_ms: 5_000,
  connection_timeout_ms: 120_000,
  keep_alive_timeout_ms: 72_000,
  slow_request_ms: 1_000,
} as const;

/** Makes the server. Routes are added to it, or to scopes registered in it; `listen` and `close` are the caller's. */
export async function createHttpServer(given: HttpServerOptions): Promise<ApiServer> {
  const options: DoorOptions = { ...defaults, ...given };
  const nextRequestId = createRequestIds(options.clock, options.random);
  const handleError = createErrorHandler(options.log, options.base_url);
  const server: ApiServer = fastify({
    // Modules log through the kit's logger, which knows the request id; Fastify's own would make a child per request.
    logger: false,
    genReqId: nextRequestId,
    requestIdHeader: false,
    trustProxy: options.trust_proxy.length > 0 ? [...options.trust_proxy] : false,
    bodyLimit: options.body_limit_bytes,
    requestTimeout: options.request_timeout_ms,
    connectionTimeout: options.connection_timeout_ms,
    keepAliveTimeout: options.keep_alive_timeout_ms,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 128 },
    http: {
      maxHeaderSize: options.header_limit_bytes,
      headersTimeout: options.headers_timeout_ms,
      connectionsCheckingInterval: options.connections_check_ms,
    },
    frameworkErrors: (error, request, reply) => {
      setHeaders(request, reply);
      handleError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, options.base_url, nextRequestId()),
  }).withTypeProvider<TypeBoxTypeProvider>();
  server.decorateRequest("caller");
  server.decorateRequest("operator");
  const routes = createRouteIndex();
  server.addHook("onRoute", (route) => {
    routes.add(route.method, route.url);
    closeRequest(route);
  });
  server.setValidatorCompiler(compileValidator);
  server.setErrorHandler(handleError);
  acceptJson(server);
  addHooks(server, options, routes);
  await registerOpenApi(server, options.base_url);
  return server;
}

/**
 * Requests of the API say nothing that it does not understand: its schemas refuse unknown fields, and where there is no
 * schema for a query or a body, there must be none. Hidden routes (pages, notices) look after themselves.
 */
function closeRequest(route: RouteOptions): void {
  const { schema } = route;
  if (!schema) return;
  const { body, querystring, hide } = schema as FastifySchema & { hide?: boolean };
  route.schema = {
    ...schema,
    ...(body !== undefined && { body: closeObjects(body) }),
    ...(querystring !== undefined && { querystring: closeObjects(querystring) }),
    ...(querystring === undefined && !hide && { querystring: noFields }),
  };
  const isRead = [route.method].flat().every((method) => method === "GET" || method === "HEAD");
  if (body === undefined && !hide && !isRead) route.preValidation = [refuseBody, ...[route.preValidation ?? []].flat()];
}

const noFields = Type.Object({}, { additionalProperties: false });

/** An empty object is as good as no body: some clients cannot send none. */
function refuseBody(request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
  const { body } = request;
  const isEmpty = body === undefined || (typeof body === "object" && body !== null && Object.keys(body).length === 0);
  const problem = "This request takes no body. Send it without one.";
  done(isEmpty ? undefined : doorErrors["request.invalid"]({ values: { problem } }));
}

/** JSON is the only body the API takes. An empty one is no body: some clients always send the content type. */
function acceptJson(server: ApiServer): void {
  const parse = server.getDefaultJsonParser("error", "error");
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "string" }, (request, text, done) => {
    if (text.length === 0) return done(null, undefined);
    return parse(request, text as string, (error, body) => {
      if (error) return done(doorErrors["request.malformed_json"]());
      try {
        refuseUnstorable(text as string, body);
      } catch (refusal) {
        return done(refusal as Error);
      }
      return done(null, body);
    });
  });
}

function addHooks(server: ApiServer, options: DoorOptions, routes: RouteIndex): void {
  const { log, slow_request_ms } = options;
  server.addHook("onRequest", (request, reply, done) => {
    setHeaders(request, reply);
    // Answered here rather than in a not-found handler, which would first read and judge the body.
    if (request.is404) done(unknownRoute(routes, request, reply));
    else done();
  });
  // After the body was read: the events of its arrival would leave the context again.
  server.addHook("preValidation", (request, _reply, done) => withLogContext({ request_id: request.id }, done));
  server.addHook("onResponse", (request, reply, done) => {
    const slow = reply.elapsedTime > slow_request_ms;
    if (slow || log.isLevelEnabled("debug")) logAccess(log, request, reply, slow);
    done();
  });
  server.setNotFoundHandler(() => {
    throw doorErrors["request.route_not_found"]();
  });
}

function setHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(apiHeaders).header("request-id", request.id);
}

function unknownRoute(routes: RouteIndex, request: FastifyRequest, reply: FastifyReply): Error {
  const methods = routes.methodsOf(request.url.split("?", 1)[0]!);
  if (methods.length === 0) return doorErrors["request.route_not_found"]();
  const allowed = methods.join(", ");
  reply.header("allow", allowed);
  return doorErrors["request.method_not_allowed"]({ values: { method: request.method, allowed } });
}

function logAccess(log: Logger, request: FastifyRequest, reply: FastifyReply, slow: boolean): void {
  const line = {
    request_id: request.id,
    method: request.method,
    route: routeOf(request),
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime),
    key_id: request.caller?.key_id,
  };
  if (slow) log.warn(line, "a request was slow");
  else log.debug(line, "request");
}

/** What Node refuses before there is a request: unreadable HTTP, headers too large, a request that never ends. */
function answerClientError(error: Error & { code?: string }, socket: Socket, base_url: string, id: string): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const code =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "request.headers_too_large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "request.timeout"
        : "request.malformed";
  const refusal = doorErrors[code]();
  const body = JSON.stringify(toErrorBody(refusal, base_url, id, true));
  const headers = { ...apiHeaders, "request-id": id, "content-type": "application/json; charset=utf-8" };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${refusal.entry.status} ${code}\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
