/** One request of one payer: who asks, for which payment, in which language, and how it is answered. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { renderMessage, renderPayment } from "../../../../web/cashier/page.ts";
import type { Frame, Language, MessageView, Scene } from "../../../../web/cashier/view.ts";
import type { Clock } from "../../kit/clock.ts";
import { type PagePolicy, sendHtml } from "../../kit/http/security-headers.ts";
import type { Logger } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import { type Addresses, addressesOf, withLanguage } from "./addresses.ts";
import { formatAmount } from "./amount-text.ts";
import type { Assets } from "./assets.ts";
import { LANGUAGE_COOKIE, readCookie, writeCookie } from "./cookies.ts";
import { type Device, detectDevice } from "./device.ts";
import { acceptLanguage, readLanguage } from "./language.ts";
import { isPayable, revisionOf, type SceneInput, sceneOf } from "./scene.ts";
import type { CashierPayment, CashierService } from "./service.ts";

/** What every route of the cashier works with. */
export interface CashierContext {
  readonly service: CashierService;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly assets: Assets;
  /** Where the public reaches us, without a trailing slash. */
  readonly public_url: string;
  /** The sandbox's stand-in for WeChat's bridge, for payments in test mode only. */
  readonly jsbridge_url: string | undefined;
}

export interface Visit {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly payment: CashierPayment;
  readonly device: Device;
  readonly language: Language;
  readonly addresses: Addresses;
  readonly query: Readonly<Record<string, string | undefined>>;
}

const YEAR_S = 365 * 24 * 3600;
/** A time limit further away than this is no news to somebody who is about to pay. */
const TIMER_MS_MAX = 24 * 3600 * 1000;
const TOKEN = /^[0-9A-Za-z_-]{1,128}$/;

/** The visit's payment, or undefined: an address that cannot be one is not looked up. */
export async function loadPayment(
  context: CashierContext,
  request: FastifyRequest,
): Promise<CashierPayment | undefined> {
  const { token } = request.params as { token: string };
  return TOKEN.test(token) ? context.service.load(token) : undefined;
}

export function createVisit(request: FastifyRequest, reply: FastifyReply, payment: CashierPayment): Visit {
  const { headers } = request;
  return {
    request,
    reply,
    payment,
    device: detectDevice(headers["user-agent"]),
    language: languageOf(request),
    addresses: addressesOf(payment.token),
    query: queryOf(request),
  };
}

/** Query parameters given once; repeated ones are nobody's link of ours. */
export function queryOf(request: FastifyRequest): Record<string, string | undefined> {
  const query = request.query as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, typeof value === "string" ? value : undefined]),
  );
}

function languageOf(request: FastifyRequest): Language {
  const { cookie, "accept-language": accepted } = request.headers;
  return (
    readLanguage(queryOf(request).lang) ?? readLanguage(readCookie(cookie, LANGUAGE_COOKIE)) ?? acceptLanguage(accepted)
  );
}

/** Adds a `Set-Cookie`, which only HTTPS carries where we are served by it. */
export function setCookie(
  context: CashierContext,
  reply: FastifyReply,
  name: string,
  value: string,
  path: string,
  max_age_s: number,
) {
  const secure = context.public_url.startsWith("https:");
  reply.header("set-cookie", writeCookie(name, value, { path, max_age_s, secure }));
}

/** Sends the page of the payment's present scene. */
export function sendScene(context: CashierContext, visit: Visit, mode: SceneInput["mode"]): FastifyReply {
  const now = context.clock.now();
  const { payment, device, addresses } = visit;
  const absolute_url = context.public_url + addresses.enter;
  const { jsbridge_url } = context;
  const scene = sceneOf({ payment, device, now, addresses, absolute_url, mode, jsbridge_url });
  return sendPayment(context, visit, scene, mode);
}

/** Sends a page of the payment. `mode` is how the page finds itself again. */
export function sendPayment(
  context: CashierContext,
  visit: Visit,
  scene: Scene,
  mode: SceneInput["mode"],
): FastifyReply {
  const { payment, addresses, language, reply } = visit;
  const now = context.clock.now();
  const self = mode === "bridge" ? addresses.bridge : mode === "view" ? addresses.view : addresses.enter;
  // Only a PC's page may be fetched again as it is: elsewhere `enter` may start an attempt.
  const view_url = visit.device === "pc" && mode === "enter" ? addresses.enter : addresses.view;
  const waits = ["scan", "choose", "bridge", "transfer", "confirming"].includes(scene.kind);
  const left_ms = payment.expires_at - now;
  const counts = ["scan", "choose", "bridge", "transfer", "refused"].includes(scene.kind) && left_ms <= TIMER_MS_MAX;
  const page = renderPayment({
    frame: frameOf(context, language, payment.livemode, mode === "enter" ? view_url : self),
    summary: { ...payment, amount: formatAmount(payment.amount, language) },
    scene,
    attempts_url: addresses.attempts,
    live: waits ? { status_url: addresses.status, revision: revisionOf(payment, now), view_url } : undefined,
    remaining_ms: counts && isPayable(payment, now) ? left_ms : undefined,
  });
  return sendPage(context, visit.request, reply, page, policyOf(scene));
}

/** Sends a page about what went wrong where there is no payment to show. */
export function sendMessage(
  context: CashierContext,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  view: Omit<MessageView, "frame">,
): FastifyReply {
  const language = languageOf(request);
  const path = request.url.split("?", 1)[0]!;
  reply.code(status);
  return sendPage(
    context,
    request,
    reply,
    renderMessage({ ...view, frame: frameOf(context, language, true, path) }),
    {},
  );
}

function frameOf(context: CashierContext, language: Language, livemode: boolean, self: string): Frame {
  const { script, style } = context.assets;
  return {
    language,
    livemode,
    script_url: `/c/assets/${script.name}`,
    stylesheet_url: `/c/assets/${style.name}`,
    language_urls: { zh: withLanguage(self, "zh"), en: withLanguage(self, "en") },
  };
}

function policyOf(scene: Scene): PagePolicy {
  if (scene.kind === "bridge") return bridgePolicy(scene.script_url);
  return scene.kind === "handoff" && scene.fields ? { form_action: formTargets(scene.url) } : {};
}

/**
 * A wallet's gateway passes a posted form on to its cashier at a sibling of its host (gateway.95516.com to
 * cashier.95516.com), and a browser counts that redirect as the form's target.
 */
function formTargets(url: string): string[] {
  const { origin, protocol, hostname } = new URL(url);
  const parent = hostname.split(".").slice(1);
  const isName = parent.length >= 2 && !/^\d+$/.test(parent.at(-1)!);
  return isName ? [origin, `${protocol}//*.${parent.join(".")}`] : [origin];
}

/** The stand-in of WeChat's bridge is the sandbox's: its script, its calls and its pages are let in, in test mode. */
function bridgePolicy(script_url: string | undefined): PagePolicy {
  if (script_url === undefined) return {};
  const { origin } = new URL(script_url);
  return { script_src: [origin], connect_src: [origin], form_action: [origin] };
}

function sendPage(
  context: CashierContext,
  request: FastifyRequest,
  reply: FastifyReply,
  page: string,
  policy: PagePolicy,
) {
  const chosen = readLanguage(queryOf(request).lang);
  if (chosen) setCookie(context, reply, LANGUAGE_COOKIE, chosen, "/c", YEAR_S);
  reply.header("cache-control", "no-store");
  // WeChat's H5 page asks from which site the payer comes: the origin is told, the payment's address is not.
  reply.header("referrer-policy", "strict-origin-when-cross-origin");
  return sendHtml(reply, page, policy);
}
