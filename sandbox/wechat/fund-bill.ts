/** The bill of the basic account: every movement of a merchant's money in a day, with the balance after it. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { feeOf } from "../kit/bills.ts";
import { formatBeijing } from "../kit/clock.ts";
import { formatYuan, toFile, writeTable } from "./bill-text.ts";
import type { WechatTrade } from "./state.ts";

/** A movement; `amount` is whole fen, below zero where money leaves. */
type Movement = { at_ms: number; name: string; kind: string; amount: bigint; business_no: string; voucher_no: string };

const day_ms = 86_400_000;
const columns =
  "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号";
const sums = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

/** All that ever moved, the oldest first. */
function collectMovements(sandbox: Sandbox, mchid: string): Movement[] {
  const trades = [...sandbox.wechat.trades.values()].filter((trade) => trade.mchid === mchid && !trade.sub_mchid);
  const transfers = [...sandbox.wechat.transfers.values()].filter(
    (transfer) => transfer.mchid === mchid && transfer.state === "SUCCESS",
  );
  return [
    ...trades.flatMap(movementsOfTrade),
    ...transfers.map(({ updated_at_ms, amount, transfer_bill_no, out_bill_no }) => ({
      at_ms: updated_at_ms,
      name: "商家转账",
      kind: "商家转账",
      amount: BigInt(-amount),
      business_no: transfer_bill_no,
      voucher_no: out_bill_no,
    })),
  ].sort((a, b) => a.at_ms - b.at_ms);
}

function movementsOfTrade(trade: WechatTrade): Movement[] {
  const { paid_at_ms, revoked_at_ms, total, transaction_id = "", out_trade_no: voucher_no } = trade;
  if (paid_at_ms === undefined) return [];
  const move = (at_ms: number, name: string, amount: bigint, numbers = {}): Movement => ({
    at_ms,
    name,
    kind: name,
    amount,
    business_no: transaction_id,
    voucher_no,
    ...numbers,
  });
  const refunds = trade.refunds.flatMap(({ success_at_ms: at_ms, amount, refund_id, out_refund_no }) => {
    if (at_ms === undefined) return [];
    const numbers = { business_no: refund_id, voucher_no: out_refund_no };
    return [move(at_ms, "退款", -amount, numbers), move(at_ms, "扣除交易手续费", feeOf(amount), numbers)];
  });
  return [
    move(paid_at_ms, "交易", total),
    move(paid_at_ms, "扣除交易手续费", -feeOf(total)),
    ...refunds,
    ...(revoked_at_ms === undefined
      ? []
      : [move(revoked_at_ms, "退款", -total), move(revoked_at_ms, "扣除交易手续费", feeOf(total))]),
    ...(trade.sharings ?? []).flatMap((sharing) => movementsOfSharing(sharing)),
  ].filter(({ amount }) => amount !== 0n);
}

function movementsOfSharing({
  kind,
  order_id,
  out_order_no,
  parts,
  returns,
}: NonNullable<WechatTrade["sharings"]>[number]) {
  if (kind === "release") return [];
  const numbers = { business_no: order_id, voucher_no: out_order_no };
  const shared = parts.filter(({ result }) => result === "SUCCESS");
  const given = returns.filter(({ result }) => result === "SUCCESS");
  return [
    ...shared.map(({ finished_at_ms = 0, amount }) => ({
      ...{ at_ms: finished_at_ms, name: "分账", kind: "分账", amount: BigInt(-amount) },
      ...numbers,
    })),
    ...given.map(({ created_at_ms, amount, return_id, out_return_no }) => ({
      ...{ at_ms: created_at_ms, name: "分账回退", kind: "分账", amount: BigInt(amount) },
      ...{ business_no: return_id, voucher_no: out_return_no },
    })),
  ];
}

/** The bill of the day that begins at `start_ms`; undefined when nothing moved. The balance begins at nothing. */
export function writeFundBill(sandbox: Sandbox, mchid: string, start_ms: number): string | undefined {
  let balance = 0n;
  const rows: { movement: Movement; balance: bigint }[] = [];
  for (const movement of collectMovements(sandbox, mchid)) {
    balance += movement.amount;
    if (movement.at_ms >= start_ms && movement.at_ms < start_ms + day_ms) rows.push({ movement, balance });
  }
  if (rows.length === 0) return undefined;
  const written = rows.map(({ movement, balance: after }, index) => ({
    记账时间: formatBeijing(movement.at_ms),
    微信支付业务单号: movement.business_no,
    资金流水单号: flowNumber(movement, index),
    业务名称: movement.name,
    业务类型: movement.kind,
    收支类型: movement.amount > 0n ? "收入" : "支出",
    "收支金额(元)": formatYuan(movement.amount > 0n ? movement.amount : -movement.amount),
    "账户结余(元)": formatYuan(after),
    资金变更提交申请人: "system",
    备注: movement.name,
    业务凭证号: movement.voucher_no,
  }));
  return toFile([...writeTable(columns, written), ...writeTable(sums, [writeSums(rows.map((row) => row.movement))])]);
}

/** The same each time that the bill is written. */
function flowNumber({ business_no, name, at_ms }: Movement, index: number): string {
  const digits = BigInt(`0x${hash("sha256", `${business_no}/${name}/${at_ms}/${index}`).slice(0, 14)}`);
  return `10${String(digits).padStart(17, "0")}`;
}

function writeSums(movements: readonly Movement[]): Record<string, string> {
  const income = movements.filter(({ amount }) => amount > 0n);
  const expense = movements.filter(({ amount }) => amount < 0n);
  const sum = (items: readonly Movement[]) => items.reduce((total, { amount }) => total + amount, 0n);
  return {
    资金流水总笔数: String(movements.length),
    收入笔数: String(income.length),
    收入金额: formatYuan(sum(income)),
    支出笔数: String(expense.length),
    支出金额: formatYuan(-sum(expense)),
  };
}
