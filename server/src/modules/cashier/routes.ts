/** The cashier's routes: `/c/<token>` for everybody, the forms and status behind it, and its two assets. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type Method, methods } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import { TributaryError } from "../../kit/error.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { isSameOrigin } from "../../kit/http/same-origin.ts";
import type { Logger } from "../../kit/log.ts";
import { type Random, systemRandom } from "../../kit/random.ts";
import { type Asset, chooseEncoding, loadAssets } from "./assets.ts";
import type { Device } from "./device.ts";
import { handoffOf, isPayable, revisionOf } from "./scene.ts";
import type { CashierService } from "./service.ts";
import { continueFromWallet, enterWallet, startAttempt } from "./start-attempt.ts";
import {
  type CashierContext,
  createVisit,
  loadPayment,
  sendMessage,
  sendPayment,
  sendScene,
  type Visit,
} from "./visit.ts";

export interface CashierOptions {
  service: CashierService;
  /** Where the public reaches this server, with or without a trailing slash. */
  public_url: string;
  clock: Clock;
  log: Logger;
  /** The sandbox's script that stands in for WeChat's bridge; used for payments in test mode only. */
  jsbridge_url?: string | undefined;
  /** Chance for the login's state; the operating system's unless given. */
  random?: Random;
}

const FORM_BYTES_MAX = 1024;
/** A signed result with its certificate. */
const RETURN_BYTES_MAX = 16 * 1024;
const YEAR_S = 365 * 24 * 3600;
/** Pages are no part of the API's description. */
const hidden = { schema: { hide: true } };

/** Registers the cashier in a scope of its own. Limits by address are the caller's to add around it. */
export function registerCashierRoutes(server: ApiServer, options: CashierOptions): void {
  const context: CashierContext = {
    ...options,
    random: options.random ?? systemRandom,
    public_url: options.public_url.replace(/\/+$/, ""),
    jsbridge_url: options.jsbridge_url,
    assets: loadAssets(),
  };
  server.register(async (scope) => {
    scope.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: FORM_BYTES_MAX },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
    );
    scope.setErrorHandler<FastifyError>((error, request, reply) => answerError(context, error, request, reply));
    const forVisit = (handle: (visit: Visit) => FastifyReply | Promise<FastifyReply>) =>
      async function handleVisit(request: FastifyRequest, reply: FastifyReply) {
        const payment = await loadPayment(context, request);
        if (!payment) return sendNotFound(context, request, reply);
        return handle(createVisit(request, reply, payment));
      };
    scope.get(
      "/c/:token",
      hidden,
      forVisit((visit) => enter(context, visit)),
    );
    scope.get(
      "/c/:token/go",
      hidden,
      forVisit((visit) => handOver(context, visit)),
    );
    scope.get(
      "/c/:token/attempts",
      hidden,
      forVisit((visit) => visit.reply.redirect(visit.addresses.view, 303)),
    );
    // UnionPay's page posts its signed result back through the browser: it says nothing that a notice does not say better.
    scope.post(
      "/c/:token",
      { ...hidden, bodyLimit: RETURN_BYTES_MAX },
      forVisit((visit) => visit.reply.redirect(visit.addresses.view, 303)),
    );
    scope.post("/c/:token/attempts", hidden, async (request, reply) => {
      if (!isSameOrigin(request.headers, new URL(context.public_url).origin))
        return refuseOrigin(context, request, reply);
      return forVisit((visit) => choose(context, visit))(request, reply);
    });
    scope.get("/c/assets/:name", hidden, (request, reply) => sendAsset(context, request, reply));
  });
  server.get("/c/:token/status", hidden, (request, reply) => sendStatus(context, request, reply));
}

/** The method by which a wallet's own browser pays. */
const walletMethods: Partial<Record<Device, Method>> = {
  wechat: "wechat.jsapi",
  alipay: "alipay.wap",
  unionpay: "unionpay.jsapi",
};

async function enter(context: CashierContext, visit: Visit): Promise<FastifyReply> {
  const { payment, device, query } = visit;
  const mode = modeOf(visit);
  const method = walletMethods[device];
  if (mode === "view" && payment.attempt) {
    await context.service.returned(payment.token, payment.attempt.method, query);
  }
  if (mode !== "enter" || method === undefined || !payment.methods.includes(method)) {
    return sendScene(context, visit, mode);
  }
  if (!isPayable(payment, context.clock.now())) return sendScene(context, visit, "view");
  const code = query[context.service.codeParameter(method)];
  if (query.state !== undefined) return continueFromWallet(context, visit, method, code);
  return enterWallet(context, visit, method);
}

function modeOf({ device, query, request }: Visit): "enter" | "view" | "bridge" {
  if (query.pay === "wechat" && device === "wechat") return "bridge";
  // Whoever asks for the headers alone wants nothing started.
  return query.view === undefined && request.method === "GET" ? "enter" : "view";
}

/** Passes on to the wallet's page. A page rather than a redirect: see `startAttempt`. */
function handOver(context: CashierContext, visit: Visit): FastifyReply {
  const handoff = isPayable(visit.payment, context.clock.now()) ? handoffOf(visit.payment) : undefined;
  if (!handoff) return visit.reply.redirect(visit.addresses.view, 303);
  return sendPayment(context, visit, { kind: "handoff", ...handoff }, "view");
}

/** The payer chose a way to pay. */
async function choose(context: CashierContext, visit: Visit): Promise<FastifyReply> {
  const { payment, request, reply, addresses } = visit;
  const { method } = (request.body ?? {}) as { method?: string };
  const chosen = methods.find((known) => known === method && payment.methods.includes(known));
  // Over meanwhile, or not offered any more: the page says what is.
  if (!isPayable(payment, context.clock.now()) || !chosen) return reply.redirect(addresses.view, 303);
  return startAttempt(context, visit, chosen, {});
}

async function sendStatus(context: CashierContext, request: FastifyRequest, reply: FastifyReply) {
  const payment = await loadPayment(context, request);
  if (!payment) return reply.code(404).send({ status: "not_found", revision: "not_found" });
  return reply
    .header("cache-control", "no-store")
    .send({ status: payment.status, revision: revisionOf(payment, context.clock.now()) });
}

function sendAsset(context: CashierContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { name } = request.params as { name: string };
  const asset: Asset | undefined = Object.values(context.assets).find((candidate) => candidate.name === name);
  if (!asset) return sendNotFound(context, request, reply);
  const encoding = chooseEncoding(request.headers["accept-encoding"]);
  if (encoding !== "identity") reply.header("content-encoding", encoding);
  return reply
    .header("cache-control", `public, max-age=${YEAR_S}, immutable`)
    .header("vary", "accept-encoding")
    .header("x-content-type-options", "nosniff")
    .type(asset.content_type)
    .send(asset.bytes[encoding]);
}

function sendNotFound(context: CashierContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendMessage(context, request, reply, 404, {
    message: "not_found",
    request_id: undefined,
    retry_url: undefined,
  });
}

function refuseOrigin(context: CashierContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const retry_url = request.url.replace(/\/attempts.*$/, "");
  return sendMessage(context, request, reply, 403, { message: "forbidden", request_id: request.id, retry_url });
}

/** An error page in the payer's language, with the request's number to give to support and nothing of the cause. */
function answerError(context: CashierContext, error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const known = error instanceof TributaryError ? error : undefined;
  const status = known?.entry.status ?? error.statusCode ?? 500;
  if (status === 404) return sendNotFound(context, request, reply);
  if (status >= 500) context.log.error({ err: error, request_id: request.id }, "a cashier page failed");
  if (known?.retry_after_s !== undefined) reply.header("retry-after", String(known.retry_after_s));
  const message = status === 429 ? "busy" : "error";
  const retry_url = request.method === "GET" ? request.url.split("?", 1)[0] : undefined;
  return sendMessage(context, request, reply, status, { message, request_id: request.id, retry_url });
}
