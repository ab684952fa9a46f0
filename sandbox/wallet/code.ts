/** The code that a payer shows at a counter (付款码), drawn with a click: of which wallet, and how its payer behaves. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { type Behaviour, behaviours, type CodeChannel, code_channels } from "../kit/auth-codes.ts";
import { renderButton, renderPage, type Theme } from "./page.ts";

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'";

const wallets: Record<CodeChannel, readonly [string, string]> = {
  wechat: ["微信", "WeChat"],
  alipay: ["支付宝", "Alipay"],
  unionpay: ["云闪付", "UnionPay"],
};

const choices: Record<Behaviour, readonly [string, string]> = {
  success: ["直接付款", "pays at once"],
  confirm: ["需要输入密码", "must enter the password in the wallet"],
  not_enough: ["余额不足", "has not enough money"],
  expired: ["付款码过期", "shows an expired code"],
  invalid: ["付款码无效", "shows a code of no wallet"],
  system_error: ["系统异常（已扣款）", "pays, and the channel does not say so"],
  bank_error: ["银行超时（待确认）", "waits for a bank that does not answer"],
};

function sendPage(reply: FastifyReply, theme: Theme, content: string): void {
  reply.header("Content-Security-Policy", policy).header("Cache-Control", "no-store");
  reply.type("text/html; charset=utf-8").send(renderPage(theme, content));
}

function renderChoices(channel: CodeChannel): string {
  const buttons = behaviours.map((behaviour) => {
    const style = behaviour === "success" ? "primary" : "third";
    return renderButton("/wallet/code", { channel, behaviour }, style, ...choices[behaviour]);
  });
  return `<h2>${wallets[channel][0]}付款码 <span lang="en">${wallets[channel][1]} payment code: the payer …</span></h2>
<div class="actions">${buttons.join("")}</div>`;
}

function renderWallets(): string {
  const links = code_channels.map(
    (channel) =>
      `<a class="button primary" href="/wallet/code?channel=${channel}">${wallets[channel][0]} <span lang="en">${wallets[channel][1]}</span></a>`,
  );
  return `<h2>付款码 <span lang="en">Payment code</span></h2><div class="actions">${links.join("")}</div>`;
}

/** Draws a code and shows its digits, as a till that scans nothing would have them typed in. */
function draw(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "");
  const channel = code_channels.find((name) => name === form.get("channel"));
  const behaviour = behaviours.find((name) => name === form.get("behaviour"));
  if (channel === undefined || behaviour === undefined) return void reply.redirect("/wallet/code", 303);
  const { code } = sandbox.auth_codes.issue(channel, behaviour, "payer-1");
  const shown = `<section class="outcome"><h2>${choices[behaviour][0]}</h2>
<p lang="en">The payer ${choices[behaviour][1]}</p><p class="code">${code}</p>
<p class="detail">一分钟内有效，仅可使用一次 <span lang="en">For one order, within a minute</span></p></section>`;
  const again = renderButton("/wallet/code", { channel, behaviour }, "primary", "刷新", "Another");
  sendPage(reply, channel, `${shown}<div class="actions">${again}</div>`);
}

export function addCodeRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  app.get("/wallet/code", async (request, reply) => {
    const { channel } = request.query as Record<string, string>;
    const chosen = code_channels.find((name) => name === channel);
    sendPage(reply, chosen ?? "plain", chosen === undefined ? renderWallets() : renderChoices(chosen));
  });
  app.post("/wallet/code", async (request, reply) => draw(sandbox, request, reply));
}
