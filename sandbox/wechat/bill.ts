/**
 * Bills: GET /v3/bill/tradebill and /v3/bill/fundflowbill tell where a file lies for five minutes; the file is asked for
 * with a signature and comes without one. A day is a day of Beijing; its bill is there from ten o'clock of the next.
 */
import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import type { FileFaults } from "../kit/bills.ts";
import { formatBeijing } from "../kit/clock.ts";
import { sendFile } from "../kit/exchange.ts";
import { verifyRequest, type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { writeFundBill } from "./fund-bill.ts";
import { findSubMerchant, isProvider } from "./owner.ts";
import { type BillOwner, collectLines, inventLine, type TradeBillType, writeTradeBill } from "./trade-bill.ts";

const day_ms = 86_400_000;
const ready_ms = day_ms + 10 * 3_600_000;
const kept_ms = 92 * day_ms;
const link_life_ms = 300_000;
const links_max = 1000;
const bill_types: readonly TradeBillType[] = ["ALL", "SUCCESS", "REFUND"];
const account_types = ["BASIC", "OPERATION", "FEES"];

/** Midnight in Beijing. Throws PARAM_ERROR for what is no day, not over yet, or too long ago. */
function readDate(sandbox: Sandbox, { query, member }: WechatCall): { date: string; start_ms: number } {
  const { bill_date: date = "" } = query;
  const start_ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00+08:00`) : Number.NaN;
  if (Number.isNaN(start_ms)) throw new WechatError(400, "PARAM_ERROR", "参数错误：账单日期格式应为yyyy-MM-dd");
  const now_ms = sandbox.clock.now();
  if (start_ms + kept_ms < now_ms) throw new WechatError(400, "PARAM_ERROR", "参数错误：仅支持三个月内的账单下载申请");
  const name = { channel: "wechat", merchant: member.merchant.mchid, date } as const;
  if (!sandbox.bills.isPublished(name, now_ms, start_ms + ready_ms)) {
    if (formatBeijing(now_ms).slice(0, 10) <= date) {
      throw new WechatError(400, "PARAM_ERROR", "参数错误：账单日期应早于当前日期");
    }
    throw new WechatError(400, "STATEMENT_CREATING", "账单文件正在生成中，请稍后再试");
  }
  return { date, start_ms };
}

/** Whose lines: a merchant's own, all of a provider's sub-merchants, or one of them. */
function readBillOwner({ query, member }: WechatCall): BillOwner {
  const { mchid } = member.merchant;
  if (query.sub_mchid === undefined) return { mchid };
  if (!isProvider(member.merchant)) throw new WechatError(403, "NO_AUTH", "商户无服务商权限");
  return { mchid, sub_mchid: findSubMerchant(member.merchant, query.sub_mchid).sub_mchid };
}

function readChoice<T extends string>(value: string | undefined, choices: readonly T[], name: string): T {
  const found = choices.find((item) => item === (value ?? choices[0]));
  if (found === undefined) throw new WechatError(400, "PARAM_ERROR", `参数错误：${name}取值不合法`);
  return found;
}

function noStatement(): never {
  throw new WechatError(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在");
}

/** Writes a file down for five minutes and answers where. The hash is of what it unpacks to. */
function publish(sandbox: Sandbox, call: WechatCall, text: string, faults?: FileFaults): WechatAnswer {
  const tar = call.query.tar_type;
  if (tar !== undefined && tar !== "GZIP") throw new WechatError(400, "PARAM_ERROR", "参数错误：tar_type取值不合法");
  const { bill_links } = sandbox.wechat;
  const written = Buffer.from(text, "utf8");
  const content = faults?.spoil(written) ?? written;
  const token = sandbox.random.token(48);
  bill_links.set(token, {
    mchid: call.member.merchant.mchid,
    content: tar === "GZIP" ? gzipSync(content) : content,
    expires_at_ms: sandbox.clock.now() + link_life_ms,
  });
  const [oldest] = bill_links.keys();
  if (bill_links.size > links_max && oldest !== undefined) bill_links.delete(oldest);
  const download_url = `${sandbox.public_url}/v3/billdownload/file?token=${token}${tar === "GZIP" ? "&tartype=gzip" : ""}`;
  const hashed = faults?.wrong_hash ? Buffer.concat([content, content]) : content;
  return { status: 200, body: { hash_type: "SHA1", hash_value: hash("sha1", hashed, "hex"), download_url } };
}

/** GET /v3/bill/tradebill?bill_date=&bill_type=&tar_type=&sub_mchid= */
export function locateTradeBill(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { date, start_ms } = readDate(sandbox, call);
  const type = readChoice(call.query.bill_type, bill_types, "bill_type");
  const owner = readBillOwner(call);
  const startOf = (day: string) => Date.parse(`${day}T00:00:00+08:00`);
  const name = { channel: "wechat", merchant: owner.mchid, date } as const;
  const lines = sandbox.bills.bend(name, {
    endOf: (day) => startOf(day) + day_ms,
    collect: (day) => {
      const until_ms = Math.min(startOf(day) + ready_ms, sandbox.clock.now());
      return collectLines(sandbox, owner, startOf(day), until_ms);
    },
    invent: (number, amount) => inventLine(call.member.merchant, owner, number, amount, start_ms + day_ms / 2),
  });
  const chosen = lines.filter((line) => type === "ALL" || (type === "SUCCESS") === (line.type === "payment"));
  if (chosen.length === 0) return noStatement();
  const faults = sandbox.bills.faultsOf(name);
  return publish(sandbox, call, writeTradeBill(type, chosen, faults.summary_by), faults);
}

/** GET /v3/bill/fundflowbill?bill_date=&account_type=&tar_type= */
export function locateFundBill(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { start_ms } = readDate(sandbox, call);
  const account = readChoice(call.query.account_type, account_types, "account_type");
  const text = account === "BASIC" ? writeFundBill(sandbox, call.member.merchant.mchid, start_ms) : undefined;
  return text === undefined ? noStatement() : publish(sandbox, call, text);
}

/** GET /v3/billdownload/file?token=: signed by the merchant whose bill it is; the answer is not signed. */
export function serveBillFile(sandbox: Sandbox): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    try {
      const { merchant } = verifyRequest(sandbox, request);
      const { token = "" } = request.query as Record<string, string>;
      const link = sandbox.wechat.bill_links.get(token);
      if (link?.mchid !== merchant.mchid) throw new WechatError(404, "RESOURCE_NOT_EXISTS", "下载链接不存在");
      if (sandbox.clock.now() > link.expires_at_ms) throw new WechatError(400, "INVALID_REQUEST", "下载链接已失效");
      await sendFile(sandbox, sandbox.faults.take("wechat", "bill_file", merchant.mchid), link.content, reply);
    } catch (error) {
      if (!(error instanceof WechatError)) throw error;
      reply.code(error.status).send({ code: error.code, message: error.message });
    }
  };
}
