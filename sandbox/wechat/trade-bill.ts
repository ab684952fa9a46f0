/** The bill of trades: a row for each payment and each refund of a day, and a row of sums. */
import type { Sandbox } from "../context.ts";
import { type BillLine, feeOf } from "../kit/bills.ts";
import { formatBeijing, formatCompact } from "../kit/clock.ts";
import { formatYuan, toFile, writeTable } from "./bill-text.ts";
import { trade_types } from "./query.ts";
import type { WechatMerchant, WechatRefund, WechatTrade } from "./state.ts";

export type BillOwner = { mchid: string; sub_mchid?: string };
export type TradeBillType = "ALL" | "SUCCESS" | "REFUND";

/** A line with what its row says besides. */
export type TradeLine = BillLine & {
  /** What the line's trade and refund say, by the bill's columns. */
  cells: Readonly<Record<string, string>>;
  /** 交易状态 */
  state: "SUCCESS" | "REFUND" | "REVOKED";
};

const day_ms = 86_400_000;
const rate = "0.38%";
const columns: Record<TradeBillType, string> = {
  ALL: "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
  SUCCESS:
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注",
  REFUND:
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注",
};
const sums = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

function cellsOf(trade: WechatTrade): Record<string, string> {
  return {
    公众账号ID: trade.appid,
    商户号: trade.mchid,
    特约商户号: trade.sub_mchid ?? "0",
    微信订单号: trade.transaction_id ?? "",
    商户订单号: trade.out_trade_no,
    用户标识: trade.payer ?? "",
    交易类型: trade_types[trade.kind],
    付款银行: "OTHERS",
    货币种类: "CNY",
    商品名称: trade.description,
    商户数据包: trade.attach ?? "",
    费率: rate,
  };
}

/** The lines of a day; `until_ms` is when the bill is written: what becomes of a refund later is not in it. */
export function collectLines(sandbox: Sandbox, owner: BillOwner, start_ms: number, until_ms: number): TradeLine[] {
  const within = (ms: number | undefined) => ms !== undefined && ms >= start_ms && ms < start_ms + day_ms;
  const own = [...sandbox.wechat.trades.values()].filter(
    ({ mchid, sub_mchid }) => mchid === owner.mchid && (owner.sub_mchid === undefined || owner.sub_mchid === sub_mchid),
  );
  const lines = own.flatMap((trade): TradeLine[] => {
    const refunds = trade.refunds.filter(({ created_at_ms }) => within(created_at_ms));
    return [
      ...(within(trade.paid_at_ms) ? [paymentLine(trade)] : []),
      ...refunds.map((refund) => refundLine(trade, refund, until_ms)),
      ...(trade.paid_at_ms !== undefined && within(trade.revoked_at_ms) ? [revocationLine(trade)] : []),
    ];
  });
  return lines.sort((a, b) => a.at_ms - b.at_ms);
}

function paymentLine(trade: WechatTrade): TradeLine {
  const { total: amount, out_trade_no: number, paid_at_ms: at_ms = 0 } = trade;
  return { type: "payment", number, amount, fee: feeOf(amount), at_ms, state: "SUCCESS", cells: cellsOf(trade) };
}

function refundLine(trade: WechatTrade, refund: WechatRefund, until_ms: number): TradeLine {
  const { amount, out_refund_no: number, created_at_ms, success_at_ms } = refund;
  const done = success_at_ms !== undefined && success_at_ms <= until_ms;
  const open = { PROCESSING: "PROCESSING", SUCCESS: "PROCESSING", ABNORMAL: "CHANGE", CLOSED: "FAIL" }[refund.status];
  const cells = {
    ...cellsOf(trade),
    退款申请时间: formatBeijing(created_at_ms),
    退款成功时间: done ? formatBeijing(success_at_ms) : "",
    微信退款单号: refund.refund_id,
    退款类型: "ORIGINAL",
  };
  const status = done ? "SUCCESS" : open;
  return { type: "refund", number, amount, fee: feeOf(amount), at_ms: created_at_ms, status, state: "REFUND", cells };
}

/** The money of a reversed code payment goes back without a refund of its own. */
function revocationLine(trade: WechatTrade): TradeLine {
  const cells = {
    ...cellsOf(trade),
    微信退款单号: `50300${trade.transaction_id?.slice(5)}`,
    退款类型: "ORIGINAL",
  };
  const { total: amount, out_trade_no: number, revoked_at_ms: at_ms = 0 } = trade;
  return { type: "refund", number, amount, fee: feeOf(amount), at_ms, status: "SUCCESS", state: "REVOKED", cells };
}

/** A payment that never was. */
export function inventLine(
  merchant: WechatMerchant,
  owner: BillOwner,
  number: string,
  amount: bigint,
  at_ms: number,
): TradeLine {
  const cells = {
    公众账号ID: merchant.appids[0] ?? "",
    商户号: owner.mchid,
    特约商户号: owner.sub_mchid ?? "0",
    微信订单号: `42000${formatCompact(at_ms)}000000001`,
    商户订单号: number,
    用户标识: "o-nobody",
    交易类型: "NATIVE",
    付款银行: "OTHERS",
    货币种类: "CNY",
    商品名称: "Order 订单",
    费率: rate,
  };
  return { type: "payment", number, amount, fee: feeOf(amount), at_ms, state: "SUCCESS", cells };
}

/** Fees have five decimals, and come back with refunds. */
function writeRow(line: TradeLine): Record<string, string> {
  const paid = line.type === "payment";
  const amount = formatYuan(line.amount);
  return {
    ...line.cells,
    交易时间: formatBeijing(line.at_ms),
    ...(paid && { 商户订单号: line.number }),
    货币种类: line.currency ?? "CNY",
    交易状态: paid ? (line.status ?? line.state) : line.state,
    应结订单金额: paid ? amount : "0.00",
    代金券金额: "0.00",
    微信退款单号: line.cells.微信退款单号 ?? "0",
    商户退款单号: paid || line.state === "REVOKED" ? "0" : line.number,
    退款金额: paid ? "0.00" : amount,
    充值券退款金额: "0.00",
    退款状态: paid ? "" : (line.status ?? ""),
    手续费: formatYuan(paid ? line.fee : -line.fee, 5),
    订单金额: paid ? amount : "0.00",
    申请退款金额: paid ? "0.00" : amount,
  };
}

/** @param sum_by what the stated sum of payments is wrong by. */
export function writeTradeBill(type: TradeBillType, lines: readonly TradeLine[], sum_by: bigint): string {
  const total = (kind: TradeLine["type"]) =>
    lines.reduce((sum, line) => (line.type === kind ? sum + line.amount : sum), 0n);
  const fees = lines.reduce((sum, { type: kind, fee }) => (kind === "payment" ? sum + fee : sum - fee), 0n);
  const [paid, back] = [formatYuan(total("payment") + sum_by), formatYuan(total("refund"))];
  return toFile([
    ...writeTable(columns[type], lines.map(writeRow)),
    ...writeTable(sums, [
      {
        总交易单数: String(lines.length),
        应结订单总金额: paid,
        退款总金额: back,
        充值券退款总金额: "0.00",
        手续费总金额: formatYuan(fees, 5),
        订单总金额: paid,
        申请退款总金额: back,
      },
    ]),
  ]);
}
