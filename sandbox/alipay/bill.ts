/**
 * alipay.data.dataservice.bill.downloadurl.query and what lies at the address: a zip with GBK names and two GBK tables, of
 * the merchant's trades (trade) or of its balance (signcustomer). A day is a day of Beijing; its bill is there from nine
 * o'clock of the next.
 */
import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { type BillLine, type FileFaults, feeOf } from "../kit/bills.ts";
import { formatBeijing, formatCompact, parseBeijing } from "../kit/clock.ts";
import { sendFile } from "../kit/exchange.ts";
import type { Fields } from "../kit/input.ts";
import { writeZip, type ZipFile } from "../kit/zip.ts";
import { type AlipayCall, AlipayError, refuse } from "./answer.ts";
import { chineseTime, day_ms, signedYuan, toFile, tradesOf, writeEnd, writeHead } from "./bill-text.ts";
import { writeFundFiles } from "./fund-bill.ts";
import { formatYuan } from "./money.ts";
import type { AlipayTrade } from "./state.ts";

const ready_ms = day_ms + 9 * 3_600_000;
const link_life_ms = 30_000;

/** A line of the trade bill. Amounts are whole fen, above zero for refunds too. */
export type TradeLine = BillLine & {
  trade_no: string;
  out_trade_no: string;
  subject: string;
  created_at_ms: number;
  payer: string;
};

const columns =
  "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

function linesOf(trade: AlipayTrade, within: (ms: number | undefined) => boolean): TradeLine[] {
  const common = {
    trade_no: trade.trade_no ?? "",
    out_trade_no: trade.out_trade_no,
    subject: trade.subject,
    created_at_ms: trade.opened_at_ms ?? trade.created_at_ms,
    payer: "*付款人(pay***@example.com)",
  };
  const lines: TradeLine[] = [];
  if (trade.paid_at_ms !== undefined && within(trade.paid_at_ms)) {
    const { total: amount, out_trade_no: number } = trade;
    lines.push({ ...common, type: "payment", number, amount, fee: feeOf(amount), at_ms: trade.paid_at_ms });
  }
  for (const { out_request_no: number, amount, status, done_at_ms } of trade.refunds) {
    if (status !== "done" || done_at_ms === undefined || !within(done_at_ms)) continue;
    lines.push({ ...common, type: "refund", number, amount, fee: feeOf(amount), at_ms: done_at_ms });
  }
  return lines;
}

/** A payment that never was, at noon of its day. */
function invent(start_ms: number, number: string, amount: bigint): TradeLine {
  const at_ms = start_ms + day_ms / 2;
  const digits = BigInt(`0x${hash("sha256", number).slice(0, 12)}`).toString();
  return {
    type: "payment",
    number,
    amount,
    fee: feeOf(amount),
    trade_no: `${formatCompact(at_ms).slice(0, 8)}22001${digits.padStart(15, "0")}`,
    out_trade_no: number,
    subject: "Order 订单",
    created_at_ms: at_ms,
    at_ms,
    payer: "*付款人(pay***@example.com)",
  };
}

/** Refunds are below zero, and so is what the merchant pays for a payment; a refund gives that back. */
function writeRow(line: TradeLine): string {
  const sign = line.type === "payment" ? 1n : -1n;
  const amount = signedYuan(sign * line.amount);
  return [
    `${line.trade_no}\t`,
    `${line.type === "payment" ? line.number : line.out_trade_no}\t`,
    `${line.type === "payment" ? "交易" : "退款"}\t`,
    line.subject.replace(/[,\r\n]/g, " "),
    formatBeijing(line.created_at_ms),
    formatBeijing(line.at_ms),
    ...["\t", "\t", "\t", "\t"],
    `${line.payer}\t`,
    ...[amount, amount, "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00\t", "0.00"],
    line.type === "refund" ? line.number : "\t",
    ...[signedYuan(-sign * line.fee), "0.00", ""],
  ].join(",");
}

type Sums = { count: number; amount: bigint; fee: bigint };

function sum(lines: readonly TradeLine[], type: TradeLine["type"]): Sums {
  const chosen = lines.filter((line) => line.type === type);
  return {
    count: chosen.length,
    amount: chosen.reduce((total, { amount }) => total + amount, 0n),
    fee: chosen.reduce((total, { fee }) => total + fee, 0n),
  };
}

function writeTradeFiles(
  seller_id: string,
  date: string,
  lines: readonly TradeLine[],
  start_ms: number,
  faults: FileFaults,
): ZipFile[] {
  const paid = sum(lines, "payment");
  const back = sum(lines, "refund");
  const exported = `#导出时间：[${chineseTime(start_ms + day_ms + 5 * 3_600_000)}]`;
  const prefix = `${seller_id}0156_${date.replaceAll("-", "")}_业务明细`;
  const net = paid.amount - back.amount;
  const fees = back.fee - paid.fee;
  const totals = [paid.count, back.count, signedYuan(net), signedYuan(net), "0.00", "0.00", "0.00"];
  const detail = toFile(`${prefix}.csv`, [
    ...writeHead("业务明细", "业务明细列表", seller_id, start_ms),
    columns,
    ...lines.map(writeRow),
    writeEnd("业务明细列表"),
    `#交易合计：${paid.count}笔，商家实收共${formatYuan(paid.amount + faults.summary_by)}元，商家优惠共0.00元`,
    `#退款合计：${back.count}笔，商家实收退款共${signedYuan(-back.amount)}元，商家优惠退款共0.00元`,
    exported,
  ]);
  return [
    { ...detail, content: faults.spoil(detail.content) },
    toFile(`${prefix}(汇总).csv`, [
      ...writeHead("业务汇总", "业务汇总列表", seller_id, start_ms),
      "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）",
      ["合计\t", "", ...totals, signedYuan(fees), "0.00", signedYuan(net + fees)].join(","),
      writeEnd("业务汇总列表"),
      exported,
    ]),
  ];
}

/** The bill of a day as a zip; undefined when nothing happened on it. */
function writeBill(sandbox: Sandbox, app_id: string, type: BillType, date: string): Buffer | undefined {
  const seller_id = sandbox.alipay.members.get(app_id)?.merchant.seller_id ?? "";
  const start_ms = parseBeijing(`${date} 00:00:00`) ?? 0;
  const files = type === "trade" ? tradeFiles() : writeFundFiles(sandbox, seller_id, date, start_ms);
  return files && writeZip(files, formatCompact(start_ms + day_ms + 5 * 3_600_000));

  function tradeFiles(): ZipFile[] | undefined {
    const name = { channel: "alipay", merchant: app_id, date } as const;
    const lines = sandbox.bills.bend<TradeLine>(name, {
      endOf: (day) => (parseBeijing(`${day} 00:00:00`) ?? 0) + day_ms,
      collect(day) {
        const from_ms = parseBeijing(`${day} 00:00:00`) ?? 0;
        const within = (ms: number | undefined) => ms !== undefined && ms >= from_ms && ms < from_ms + day_ms;
        const all = tradesOf(sandbox, seller_id).flatMap((trade) => linesOf(trade, within));
        return all.sort((a, b) => a.at_ms - b.at_ms);
      },
      invent: (number, amount) => invent(start_ms, number, amount),
    });
    if (lines.length === 0) return undefined;
    return writeTradeFiles(seller_id, date, lines, start_ms, sandbox.bills.faultsOf(name));
  }
}

const bill_types = ["trade", "signcustomer"] as const;
type BillType = (typeof bill_types)[number];

/** Answers an address that is good for 30 seconds. Not made yet, and made of nothing, are the same refusal. */
export function locateBill(sandbox: Sandbox, call: AlipayCall): Fields {
  const { bill_type, bill_date } = call.content;
  const type = bill_types.find((known) => known === bill_type);
  const day = typeof bill_date === "string" && /^\d{4}-\d{2}-\d{2}$/.test(bill_date) ? bill_date : undefined;
  const start_ms = day === undefined ? undefined : parseBeijing(`${day} 00:00:00`);
  const now_ms = sandbox.clock.now();
  const { app_id, seller_id } = call.owner.merchant;
  const asked = { channel: "alipay", merchant: app_id, date: day ?? "" } as const;
  if (type === undefined || day === undefined || start_ms === undefined) {
    throw new AlipayError("40004", "isv.invalid_arguments", "参数错误");
  }
  const published = sandbox.bills.isPublished(asked, now_ms, start_ms + ready_ms);
  if (!published && now_ms < start_ms + day_ms) throw new AlipayError("40004", "isv.invalid_arguments", "参数错误");
  if (!published || writeBill(sandbox, app_id, type, day) === undefined) refuse("isp.bill_not_exist", "账单不存在");
  const token = sandbox.random.hex(32);
  sandbox.alipay.bill_links.set(token, { app_id, type, date: day, made_at_ms: now_ms });
  const file = `${seller_id}0156_${day.replaceAll("-", "")}.csv.zip`;
  const query = new URLSearchParams({
    bizType: type,
    userId: `${seller_id}0156`,
    fileType: "csv.zip",
    bizDates: day.replaceAll("-", ""),
    downloadFileName: file,
    fileId: `/${type}/${seller_id}0156/${file}`,
    timestamp: String(Math.floor(now_ms / 1000)),
    token,
  });
  const bill_download_url = `${sandbox.public_url}/downloadBillFile.resource?${query}`;
  return { code: "10000", msg: "Success", bill_download_url };
}

/** GET /downloadBillFile.resource: the file, or a page when the address is old or made up. */
export async function serveBill(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { token = "" } = request.query as Record<string, string>;
  const link = sandbox.alipay.bill_links.get(token);
  const stale = link === undefined || sandbox.clock.now() - link.made_at_ms > link_life_ms;
  const zip = stale ? undefined : writeBill(sandbox, link.app_id, link.type, link.date);
  if (link === undefined || zip === undefined) {
    reply.code(200).type("text/html;charset=GBK").send("<html><body>The address has expired.</body></html>");
    return;
  }
  await sendFile(sandbox, sandbox.faults.take("alipay", "bill_file", link.app_id), zip, reply);
}
