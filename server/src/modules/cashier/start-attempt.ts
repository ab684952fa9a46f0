/** Starting an attempt from the cashier: with a login at the wallet first where it needs the payer's identity. */
import type { FastifyReply } from "fastify";
import type { Scene } from "../../../../web/cashier/view.ts";
import type { Method } from "../../channels/contract.ts";
import { equalSecrets } from "../../kit/crypto.ts";
import { TributaryError } from "../../kit/error.ts";
import { randomToken } from "../../kit/random.ts";
import { isWebAddress } from "./addresses.ts";
import { readCookie, STATE_COOKIE } from "./cookies.ts";
import { choicesFor } from "./scene.ts";
import type { PayerIdentity } from "./service.ts";
import { type CashierContext, sendPayment, setCookie, type Visit } from "./visit.ts";

type Refusal = Extract<Scene, { kind: "refused" }>["refusal"];

const STATE_LENGTH = 32;
/** A wallet's code lives five minutes; a payer who takes longer starts again. */
const STATE_S = 600;

/** Opens a payment inside a wallet's own browser: asks the wallet who the payer is, or starts at once. */
export async function enterWallet(context: CashierContext, visit: Visit, method: Method): Promise<FastifyReply> {
  const { payment, reply, addresses } = visit;
  const state = randomToken(context.random, STATE_LENGTH);
  const redirect_url = context.public_url + addresses.enter;
  const url = await context.service.authorizeUrl(payment.token, method, redirect_url, state);
  if (url === undefined) return startAttempt(context, visit, method, {});
  // HttpOnly, so that only a return to the browser that left is taken for this payer's.
  setCookie(context, reply, STATE_COOKIE, state, addresses.enter, STATE_S);
  return reply.redirect(url, 302);
}

/**
 * The payer is back from the wallet's login: checks that it is this browser's, learns who it is, and starts. Without a
 * code the wallet did not tell, and is not asked again.
 */
export async function continueFromWallet(
  context: CashierContext,
  visit: Visit,
  method: Method,
  code: string | undefined,
): Promise<FastifyReply> {
  const { payment, reply, request, addresses, query } = visit;
  const expected = readCookie(request.headers.cookie, STATE_COOKIE);
  if (code === undefined || expected === undefined || !equalSecrets(expected, query.state ?? "")) {
    return sendRefusal(context, visit, { kind: "unidentified" }, 403);
  }
  setCookie(context, reply, STATE_COOKIE, "", addresses.enter, 0);
  let payer: PayerIdentity;
  try {
    payer = await context.service.identify(payment.token, method, code);
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    context.log.info({ code: error.code, method }, "a payer could not be identified");
    return sendRefusal(context, visit, { kind: "unidentified" }, 403);
  }
  return startAttempt(context, visit, method, payer);
}

/** Starts an attempt and sends the payer on to what comes next. */
export async function startAttempt(
  context: CashierContext,
  visit: Visit,
  method: Method,
  identity: PayerIdentity,
): Promise<FastifyReply> {
  const { payment, reply, request, addresses } = visit;
  const return_url = context.public_url + addresses.view;
  try {
    const payer = { ...identity, ip: request.ip };
    const { action, failure } = await context.service.start(payment.token, method, payer, return_url);
    if (failure) return sendRefusal(context, visit, { kind: "refused", ...failure }, 422);
    if (action.type === "jsapi") return reply.redirect(addresses.bridge, 303);
    if (action.type === "qr_code") return reply.redirect(addresses.enter, 303);
    if (action.type === "form") return reply.redirect(addresses.go, 303);
    if (action.type === "redirect" && isWebAddress(action.url)) {
      // A form may not lead away from us (CSP), and a browser counts a redirect after it: a page of ours comes between.
      return request.method === "GET" ? reply.redirect(action.url, 302) : reply.redirect(addresses.go, 303);
    }
    return reply.redirect(addresses.view, 303);
  } catch (error) {
    return answerRefusedStart(context, visit, error);
  }
}

/** A start that the catalogue refuses: what is unknown or over is shown as it is, the rest offers another way. */
function answerRefusedStart(context: CashierContext, visit: Visit, error: unknown): FastifyReply {
  if (!(error instanceof TributaryError)) throw error;
  const { outcome, status } = error.entry;
  if (outcome !== "none" || status === 409) return visit.reply.redirect(visit.addresses.view, 303);
  context.log.info({ code: error.code }, "a cashier's attempt was refused");
  return sendRefusal(context, visit, { kind: "unavailable", request_id: visit.request.id }, status);
}

function sendRefusal(context: CashierContext, visit: Visit, refusal: Refusal, status: number): FastifyReply {
  const { payment, device, addresses } = visit;
  const choices = choicesFor(payment.methods, device, addresses);
  visit.reply.code(status);
  return sendPayment(context, visit, { kind: "refused", refusal, choices }, "enter");
}
