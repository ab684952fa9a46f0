/** The payer's wallet: a person scans (pastes or picks) an order and pays it, fails, or leaves, with a click. */
import { readFileSync } from "node:fs";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { makeReturnUrl } from "../alipay/notice.ts";
import { openTrade } from "../alipay/trade.ts";
import type { Sandbox } from "../context.ts";
import { decide } from "../control/pay.ts";
import { type Found, findTrade } from "../control/resolve.ts";
import { describeBill, listTrades } from "../control/show.ts";
import { ControlError, readFields } from "../kit/input.ts";
import { makeReturnUrl as makePaypalReturn } from "../paypal/order.ts";
import { makeFrontReturn } from "../unionpay/notice.ts";
import { verifyInvocation } from "../wechat/jsapi.ts";
import { exchange_paths, grantCode, serveExchange } from "../wechat/oauth.ts";
import { addCheckoutRoutes } from "./checkout.ts";
import { addCodeRoutes } from "./code.ts";
import { escapeHtml, renderButton, renderOutcome, renderPage, type Theme } from "./page.ts";
import { addTransferPages } from "./transfers.ts";

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'";
const orders_shown = 12;

function sendPage(reply: FastifyReply, theme: Theme, content: string, result?: string, status = 200): void {
  reply.code(status).header("Content-Security-Policy", policy).header("Cache-Control", "no-store");
  reply.type("text/html; charset=utf-8").send(renderPage(theme, content, result));
}

/** A code that finds this very trade again, whatever other merchants' numbers are. */
function codeOf(found: Found): string {
  if (found.channel === "paypal") return found.trade.order_id;
  return found.channel === "wechat" ? found.trade.prepay_id : found.trade.token;
}

/** Where this order is paid: a card is typed at Stripe's own checkout. */
function pageOf(found: Found): string {
  if (found.channel === "stripe") return `/c/pay/${found.trade.token}`;
  return `/wallet/pay?${new URLSearchParams({ code: codeOf(found) })}`;
}

/** An address to go back to: http or https only, so that no page can plant a script. */
function safeBack(back: string | undefined): string | undefined {
  const url = URL.parse(back ?? "");
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function renderHome(sandbox: Sandbox): string {
  const rows = listTrades(sandbox, 200)
    .map((found) => ({ found, bill: describeBill(sandbox, found) }))
    .filter(({ bill }) => bill.open)
    .slice(0, orders_shown)
    .map(({ found, bill }) => {
      const mark = { wechat: "微", alipay: "支", unionpay: "银", stripe: "卡", paypal: "P" }[bill.channel];
      return `<li><a href="${escapeHtml(pageOf(found))}"><span class="mark ${bill.channel}" aria-hidden="true">${mark}</span>
<span class="name">${escapeHtml(bill.subject)}<small>${escapeHtml(bill.merchant)} · ${escapeHtml(found.trade.out_trade_no)}</small></span><span class="sum">${bill.amount}</span></a></li>`;
    });
  const list =
    rows.length === 0
      ? `<p class="empty">没有待付订单 <span lang="en">No open orders</span></p>`
      : `<ul class="orders">${rows.join("")}</ul>`;
  return `<form class="scan" method="post" action="/wallet/scan">
<label for="code">扫一扫 <span lang="en">Scan: paste what the QR code says</span></label>
<textarea id="code" name="code" required placeholder="weixin://wxpay/bizpayurl?pr=…  ·  https://qr.alipay.com/…  ·  https://qr.95516.com/…"></textarea>
<button class="primary">识别 <span lang="en">Read</span></button></form>
<div class="actions"><a class="button third" href="/wallet/code">付款码 <span lang="en">Show a payment code</span></a>
<a class="button third" href="/wallet/transfers">待收款 <span lang="en">Transfers to confirm</span></a></div>
<h2>待付订单 <span lang="en">Open orders</span></h2>${list}`;
}

/** A payer whose code was scanned, and who has not paid by that, is asked for the password. */
function asksPassword({ trade }: Found): boolean {
  return "kind" in trade && (trade.kind === "code" || trade.kind === "barcode");
}

/** The bill with its three buttons, or what became of it. */
function renderBill(sandbox: Sandbox, found: Found, back: string | undefined, action = "/wallet/decide"): string {
  const bill = describeBill(sandbox, found);
  if (bill.paid) return renderOutcome("done", "已支付", "Paid already", bill.amount);
  if (!bill.open) return renderOutcome("closed", "订单已关闭", "The order is closed");
  const fields = { code: codeOf(found), ...(back === undefined ? {} : { back }) };
  const button = (outcome: string, style: string, ...texts: [label: string, english: string]) =>
    renderButton(action, { ...fields, outcome }, style, ...texts);
  const [label, english] = asksPassword(found) ? ["输入密码并付款", "Enter the password and pay"] : ["付款", "Pay"];
  return `<section class="bill"><p class="to">付款给 ${escapeHtml(bill.merchant)}</p>
<p class="amount">${bill.amount}</p></section>
<dl><div><dt>商品 <span lang="en">For</span></dt><dd>${escapeHtml(bill.subject)}</dd></div>
<div><dt>订单号 <span lang="en">Order</span></dt><dd class="number">${escapeHtml(found.trade.out_trade_no)}</dd></div>
<div><dt>付款人 <span lang="en">Payer</span></dt><dd>${escapeHtml(("openid" in found.trade && found.trade.openid) || "payer-1")}</dd></div></dl>
<div class="actions">${button("success", "primary", label, english)}${button("fail", "second", "支付失败", "Fail")}${button("leave", "third", "放弃", "Leave")}</div>`;
}

function showRefusal(reply: FastifyReply, theme: Theme, error: unknown): void {
  if (!(error instanceof ControlError)) throw error;
  sendPage(
    reply,
    theme,
    renderOutcome("closed", "无法支付", "This cannot be paid", error.message),
    "fail",
    error.status,
  );
}

/** Shows a code's bill. Opening an Alipay code is scanning it: from now on Alipay knows the trade. */
function showCode(sandbox: Sandbox, code: string, back: string | undefined, reply: FastifyReply): void {
  try {
    const found = findTrade(sandbox, code);
    if (found.channel === "stripe") return void reply.redirect(pageOf(found), 302);
    if (found.channel === "alipay") openTrade(sandbox, found.trade);
    sendPage(reply, found.channel, renderBill(sandbox, found, back));
  } catch (error) {
    showRefusal(reply, "plain", error);
  }
}

function readForm(request: FastifyRequest): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString("utf8") : ""));
}

/** What was scanned is an order, or an ordinary link, which a phone would open in its wallet's browser. */
function scan(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const code = (readForm(request).code ?? "").trim();
  try {
    const found = findTrade(sandbox, code);
    const page = found.channel === "stripe" ? pageOf(found) : `/wallet/pay?${new URLSearchParams({ code })}`;
    reply.redirect(page, 303);
  } catch (error) {
    const link = safeBack(code);
    if (link === undefined || !(error instanceof ControlError) || error.status !== 404) {
      showRefusal(reply, "plain", error);
      return;
    }
    const note = "手机会在微信或支付宝的浏览器中打开此链接；这里只能用您的浏览器打开。";
    const english = "A phone opens this link in the browser of WeChat or Alipay. Here it opens in your own browser.";
    sendPage(
      reply,
      "plain",
      `<h2>普通链接 <span lang="en">An ordinary link</span></h2><p class="detail">${escapeHtml(link)}</p><p>${note}<br><span lang="en">${english}</span></p>
<div class="actions"><a class="button primary" href="${escapeHtml(link)}">打开 <span lang="en">Open</span></a></div>`,
    );
  }
}

const endings = {
  success: ["done", "支付成功", "Paid", "ok"],
  fail: ["failed", "支付失败", "The payment failed", "fail"],
  leave: ["left", "已放弃", "Left without paying", "cancel"],
} as const;

/** UnionPay's way back to the merchant: the browser posts the signed result to `frontUrl`. Empty for the others. */
async function renderFrontReturn(sandbox: Sandbox, found: Found): Promise<string> {
  const url = found.channel === "unionpay" ? safeBack(found.trade.front_url) : undefined;
  const fields = found.channel === "unionpay" ? await makeFrontReturn(sandbox, found.trade) : undefined;
  if (url === undefined || fields === undefined) return "";
  return `<div class="actions">${renderButton(escapeHtml(url), fields, "primary", "返回商户", "Back to the merchant")}</div>`;
}

/** Carries out a click, then goes back to the merchant's page where there is one. */
async function click(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const form = readForm(request);
  try {
    const outcome = form.outcome === "success" || form.outcome === "fail" ? form.outcome : "leave";
    const found = findTrade(sandbox, form.code ?? "");
    if (outcome !== "leave") decide(sandbox, found, { outcome, payer: form.payer, notify: true });
    const [sign, title, english, result] = endings[outcome];
    const back = safeBack(form.back);
    if (form.sheet === "1" && back !== undefined && found.channel === "wechat") {
      return void reply.redirect(`${back.split("#")[0]}#wxpay=${found.trade.prepay_id}:${result}`, 303);
    }
    const signed =
      found.channel === "alipay" && outcome === "success" ? await makeReturnUrl(sandbox, found.trade) : undefined;
    const returned = found.channel === "paypal" ? makePaypalReturn(found.trade, outcome !== "leave") : undefined;
    const target = signed ?? returned ?? back;
    if (target !== undefined) return void reply.redirect(target, 303);
    const outcome_page = renderOutcome(sign, title, english, describeBill(sandbox, found).amount);
    sendPage(reply, found.channel, outcome_page + (await renderFrontReturn(sandbox, found)), result);
  } catch (error) {
    showRefusal(reply, "plain", error);
  }
}

/** The payment sheet that the stand-in for WeChat's browser opens over the page. */
function showSheet(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const { back, ...fields } = request.query as Record<string, string>;
  try {
    const trade = verifyInvocation(sandbox, fields);
    const target = safeBack(back);
    const page = renderBill(sandbox, { channel: "wechat", trade }, target);
    const hidden = target === undefined ? "" : '<input type="hidden" name="sheet" value="1">';
    sendPage(reply, "wechat", page.replaceAll("<button", `${hidden}<button`));
  } catch (error) {
    showRefusal(reply, "wechat", error);
  }
}

/** GET /connect/oauth2/authorize: approves by itself, or with `ask=1` lets a person choose who pays. */
function authorize(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const { ask, payer, ...query } = request.query as Record<string, string>;
  const target = grantCode(sandbox, query, payer ?? "payer-1");
  if (target === undefined) {
    const reason = "appid, redirect_uri, response_type or scope";
    return void sendPage(
      reply,
      "wechat",
      renderOutcome("closed", "参数错误", "The authorization request is wrong", reason),
      undefined,
      400,
    );
  }
  if (ask !== "1" || payer !== undefined) return void reply.redirect(target, 302);
  const choices = ["payer-1", "payer-2", "payer-3"].map((name, index) => {
    const style = index === 0 ? "primary" : "third";
    return `<a class="button ${style}" href="?${escapeHtml(new URLSearchParams({ ...query, payer: name }).toString())}">${name}</a>`;
  });
  sendPage(
    reply,
    "wechat",
    `<h2>以谁的身份继续？ <span lang="en">Continue as</span></h2><div class="actions">${choices.join("")}</div>`,
  );
}

function addFile(app: FastifyInstance, path: string, file: string, type: string): void {
  const content = readFileSync(new URL(file, import.meta.url));
  app.get(path, async (_request, reply) => reply.type(type).header("Cache-Control", "no-cache").send(content));
}

/** POST /wechat/jsapi/invoke: the same check as the sheet's, for clients without a browser. */
function invoke(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  reply.header("Access-Control-Allow-Origin", "*");
  try {
    const known = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"];
    const trade = verifyInvocation(sandbox, readFields(request.body, known));
    const wallet_url = `${sandbox.public_url}/wallet/pay?code=${trade.prepay_id}`;
    reply.send({ err_msg: "get_brand_wcpay_request:open", prepay_id: trade.prepay_id, wallet_url });
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    reply.code(error.status).send({ err_msg: "get_brand_wcpay_request:fail", err_desc: error.message });
  }
}

export function addWalletRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  addFile(app, "/wallet/wallet.css", "wallet.css", "text/css; charset=utf-8");
  addFile(app, "/wallet/sheet.js", "sheet.js", "text/javascript; charset=utf-8");
  addFile(app, "/wechat/jsbridge.js", "jsbridge.js", "text/javascript; charset=utf-8");
  app.get("/", async (_request, reply) => reply.redirect("/wallet", 302));
  app.get("/wallet", async (_request, reply) => sendPage(reply, "plain", renderHome(sandbox)));
  app.post("/wallet/scan", async (request, reply) => scan(sandbox, request, reply));
  addCodeRoutes(app, sandbox);
  addTransferPages(app, sandbox);
  addCheckoutRoutes(app, sandbox);
  app.post("/wallet/decide", (request, reply) => click(sandbox, request, reply));
  app.get("/wallet/pay", async (request, reply) => {
    const { code = "", back } = request.query as Record<string, string>;
    showCode(sandbox, code, safeBack(back), reply);
  });
  app.get("/wallet/error", async (request, reply) => {
    const { name = "", reason = "", channel } = request.query as Record<string, string>;
    sendPage(
      reply,
      channel === "unionpay" ? "unionpay" : "alipay",
      renderOutcome("closed", "订单错误", "The order is refused", `${name} ${reason}`),
      undefined,
      400,
    );
  });
  app.get("/cgi-bin/mmpayweb-bin/checkmweb", async (request, reply) => {
    const { prepay_id = "", redirect_url } = request.query as Record<string, string>;
    showCode(sandbox, prepay_id, safeBack(redirect_url), reply);
  });
  app.get("/wechat/jsapi/sheet", async (request, reply) => showSheet(sandbox, request, reply));
  app.post("/wechat/jsapi/invoke", async (request, reply) => invoke(sandbox, request, reply));
  app.get("/connect/oauth2/authorize", async (request, reply) => authorize(sandbox, request, reply));
  for (const path of exchange_paths) app.get(path, (request, reply) => serveExchange(sandbox, path, request, reply));
}
