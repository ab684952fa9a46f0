/** Stripe's hosted checkout: a person types a card, meets a challenge, is declined, pays, or walks away. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { ControlError } from "../kit/input.ts";
import { showAmount } from "../stripe/money.ts";
import { answerChallenge, type CardOutcome, tryCard } from "../stripe/pay.ts";
import { refreshTrade } from "../stripe/session.ts";
import type { StripeTrade } from "../stripe/state.ts";
import { escapeHtml, renderButton, renderOutcome, renderPage } from "./page.ts";

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'";

/** Cards that a person can pick instead of typing one. */
const sample_cards = [
  ["4242 4242 4242 4242", "成功", "Succeeds"],
  ["4000 0000 0000 0002", "拒付", "Declined"],
  ["4000 0000 0000 9995", "余额不足", "Insufficient funds"],
  ["4000 0025 0000 3155", "需 3-D Secure 验证", "Asks for 3-D Secure"],
  ["4000 0000 0000 0259", "成功，随后被拒付争议", "Succeeds, then is disputed"],
  ["4000 0000 0000 5126", "成功，退款失败", "Succeeds, its refunds fail"],
] as const;

function sendPage(reply: FastifyReply, content: string, status = 200): void {
  reply.code(status).header("Content-Security-Policy", policy).header("Cache-Control", "no-store");
  reply.type("text/html; charset=utf-8").send(renderPage("stripe", content));
}

/** An address to go back to: http or https only, with the session's id where the merchant wants it. */
function backTo(trade: StripeTrade, address: string | undefined): string | undefined {
  const url = URL.parse((address ?? "").replaceAll("{CHECKOUT_SESSION_ID}", trade.session_id));
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function renderBill(sandbox: Sandbox, trade: StripeTrade): string {
  const merchant = sandbox.stripe.members.get(trade.account_id)?.name ?? trade.account_id;
  return `<section class="bill"><p class="to">${escapeHtml(merchant)}</p>
<p class="amount">${showAmount(trade.total, trade.currency)}</p></section>
<dl><div><dt>商品 <span lang="en">For</span></dt><dd>${escapeHtml(trade.subject)}</dd></div></dl>`;
}

function renderCard(sandbox: Sandbox, trade: StripeTrade): string {
  const path = `/c/pay/${trade.token}`;
  const problem =
    trade.decline === undefined ? "" : `<p class="detail" role="alert">${escapeHtml(trade.decline.message)}</p>`;
  const samples = sample_cards.map(
    ([number, text, english]) =>
      `<li><button class="third" name="number" value="${number}"><span>${number}</span><span>${text} <span lang="en">${english}</span></span></button></li>`,
  );
  const leave = backTo(trade, trade.cancel_url);
  const left =
    leave === undefined
      ? ""
      : `<a class="button third" href="${escapeHtml(leave)}">放弃 <span lang="en">Leave</span></a>`;
  return `${renderBill(sandbox, trade)}${problem}
<form class="scan" method="post" action="${path}">
<label for="email">邮箱 <span lang="en">Email</span></label>
<input id="email" name="email" type="email" autocomplete="off" value="payer-1@example.com" required>
<label for="number">卡号 <span lang="en">Card number</span></label>
<input id="number" name="number" inputmode="numeric" autocomplete="off" value="4242 4242 4242 4242" required>
<button class="primary">付款 <span lang="en">Pay</span></button>
<h2>测试卡 <span lang="en">Test cards</span></h2><ul class="cards">${samples.join("")}</ul></form>
<div class="actions">${left}</div>`;
}

function renderChallenge(sandbox: Sandbox, trade: StripeTrade): string {
  const path = `/c/pay/${trade.token}/challenge`;
  const button = (outcome: string, style: string, text: string, english: string) =>
    renderButton(path, { outcome }, style, text, english);
  return `${renderBill(sandbox, trade)}<h2>3-D Secure 验证 <span lang="en">Authentication by your bank</span></h2>
<div class="actions">${button("pass", "primary", "完成验证", "Complete")}${button("fail", "second", "验证失败", "Fail")}</div>`;
}

function show(sandbox: Sandbox, trade: StripeTrade, reply: FastifyReply): void {
  refreshTrade(sandbox, trade);
  if (trade.status === "complete") {
    sendPage(reply, renderOutcome("done", "已支付", "Paid already", showAmount(trade.total, trade.currency)));
  } else if (trade.status === "expired") {
    sendPage(reply, renderOutcome("closed", "会话已过期", "This session has expired"), 410);
  } else sendPage(reply, trade.challenged === undefined ? renderCard(sandbox, trade) : renderChallenge(sandbox, trade));
}

/** Onwards after a try: to the merchant when paid, else back to the checkout, which says what happened. */
function goOn(trade: StripeTrade, outcome: CardOutcome, reply: FastifyReply): void {
  const target = outcome === "paid" ? backTo(trade, trade.success_url) : undefined;
  reply.redirect(target ?? `/c/pay/${trade.token}`, 303);
}

function readForm(request: FastifyRequest): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString("utf8") : ""));
}

type Page = (trade: StripeTrade, request: FastifyRequest, reply: FastifyReply) => void;

export function addCheckoutRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  const page = (method: "GET" | "POST", url: string, work: Page) =>
    app.route({
      method,
      url,
      handler: async (request, reply) => {
        const trade = sandbox.stripe.by_token.get((request.params as { token: string }).token);
        try {
          if (trade === undefined) throw new ControlError(404, "No such checkout session. 没有这个会话");
          work(trade, request, reply);
        } catch (error) {
          if (!(error instanceof ControlError)) throw error;
          sendPage(reply, renderOutcome("closed", "无法支付", "This cannot be paid", error.message), error.status);
        }
        return reply;
      },
    });
  page("GET", "/c/pay/:token", (trade, _request, reply) => show(sandbox, trade, reply));
  page("POST", "/c/pay/:token", (trade, request, reply) => {
    const { number = "", email } = readForm(request);
    const payment = { number: number.replaceAll(/\D/g, ""), payer: email, notify: true };
    goOn(trade, tryCard(sandbox, trade, payment), reply);
  });
  page("POST", "/c/pay/:token/challenge", (trade, request, reply) => {
    goOn(trade, answerChallenge(sandbox, trade, readForm(request).outcome === "pass"), reply);
  });
}
