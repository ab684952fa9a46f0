/** What a person is given: transfers of WeChat Pay that wait for a click (收款), and what becomes of them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { ControlError } from "../kit/input.ts";
import { formatYuan } from "../wechat/bill-text.ts";
import type { WechatTransfer } from "../wechat/state.ts";
import { decideTransfer, findTransfer } from "../wechat/transfer.ts";
import { escapeHtml, renderButton, renderOutcome, renderPage } from "./page.ts";

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'";
const shown_max = 12;

function sendPage(reply: FastifyReply, content: string, result?: string, status = 200): void {
  reply.code(status).header("Content-Security-Policy", policy).header("Cache-Control", "no-store");
  reply.type("text/html; charset=utf-8").send(renderPage("wechat", content, result));
}

const sumOf = ({ amount }: WechatTransfer) => `¥${formatYuan(BigInt(amount))}`;

function nameOf(sandbox: Sandbox, { mchid }: WechatTransfer): string {
  return sandbox.wechat.members.get(mchid)?.merchant.name ?? mchid;
}

function renderList(sandbox: Sandbox): string {
  const rows = [...sandbox.wechat.transfers.values()]
    .filter(({ state }) => state === "WAIT_USER_CONFIRM")
    .slice(-shown_max)
    .reverse()
    .map((transfer) => {
      const page = `/wallet/transfer?${new URLSearchParams({ package: transfer.package_info })}`;
      return `<li><a href="${escapeHtml(page)}"><span class="mark wechat" aria-hidden="true">微</span>
<span class="name">${escapeHtml(transfer.remark)}<small>${escapeHtml(nameOf(sandbox, transfer))} · ${escapeHtml(transfer.out_bill_no)}</small></span><span class="sum">${sumOf(transfer)}</span></a></li>`;
    });
  const head = `<h2>待收款 <span lang="en">Transfers to confirm</span></h2>`;
  if (rows.length === 0) return `${head}<p class="empty">没有待收款 <span lang="en">Nothing waits</span></p>`;
  return `${head}<ul class="orders">${rows.join("")}</ul>`;
}

function renderTransfer(sandbox: Sandbox, transfer: WechatTransfer): string {
  if (transfer.state === "SUCCESS" || transfer.state === "TRANSFERING") {
    return renderOutcome("done", "已收款", "Received", sumOf(transfer));
  }
  if (transfer.state !== "WAIT_USER_CONFIRM") return renderOutcome("closed", "转账已结束", "The transfer has ended");
  const button = (outcome: string, style: string, label: string, english: string) =>
    renderButton("/wallet/transfer", { package: transfer.package_info, outcome }, style, label, english);
  return `<section class="bill"><p class="to">${escapeHtml(nameOf(sandbox, transfer))} 向您转账</p>
<p class="amount">${sumOf(transfer)}</p></section>
<dl><div><dt>说明 <span lang="en">For</span></dt><dd>${escapeHtml(transfer.remark)}</dd></div>
<div><dt>单号 <span lang="en">Number</span></dt><dd class="number">${escapeHtml(transfer.out_bill_no)}</dd></div></dl>
<div class="actions">${button("confirm", "primary", "确认收款", "Confirm")}${button("fail", "second", "收款失败", "Fail")}${button("leave", "third", "放弃", "Leave")}</div>`;
}

function refuse(reply: FastifyReply, error: unknown): void {
  if (!(error instanceof ControlError)) throw error;
  sendPage(reply, renderOutcome("closed", "无法收款", "This cannot be received", error.message), "fail", error.status);
}

function show(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const { package: number = "" } = request.query as Record<string, string>;
  try {
    sendPage(reply, renderTransfer(sandbox, findTransfer(sandbox, number)));
  } catch (error) {
    refuse(reply, error);
  }
}

function click(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "");
  const outcome = form.get("outcome");
  try {
    const transfer = findTransfer(sandbox, form.get("package") ?? "");
    if (outcome === "confirm") {
      decideTransfer(sandbox, transfer, "confirm");
      sendPage(reply, renderOutcome("done", "收款成功", "Received", sumOf(transfer)), "ok");
    } else if (outcome === "fail") {
      decideTransfer(sandbox, transfer, "fail");
      sendPage(reply, renderOutcome("failed", "收款失败", "The transfer failed", sumOf(transfer)), "fail");
    } else {
      sendPage(reply, renderOutcome("left", "已放弃", "Left unconfirmed"), "cancel");
    }
  } catch (error) {
    refuse(reply, error);
  }
}

export function addTransferPages(app: FastifyInstance, sandbox: Sandbox): void {
  app.get("/wallet/transfers", async (_request, reply) => sendPage(reply, renderList(sandbox)));
  app.get("/wallet/transfer", async (request, reply) => show(sandbox, request, reply));
  app.post("/wallet/transfer", async (request, reply) => click(sandbox, request, reply));
}
