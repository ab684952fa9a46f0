/** The bill of a merchant's balance (signcustomer): every movement, with the balance after it. It knows no discrepancies. */
import type { Sandbox } from "../context.ts";
import { feeOf } from "../kit/bills.ts";
import { formatBeijing, formatCompact } from "../kit/clock.ts";
import type { ZipFile } from "../kit/zip.ts";
import { chineseTime, day_ms, signedYuan, toFile, tradesOf, writeEnd, writeHead } from "./bill-text.ts";
import { stateOf } from "./settle.ts";
import type { AlipayTrade } from "./state.ts";

/** One movement; `amount` is whole fen, below zero for money that leaves. */
type Movement = {
  at_ms: number;
  type: "交易付款" | "交易退款" | "收费" | "退费" | "交易分账" | "转账";
  business_no: string;
  number: string;
  subject: string;
  other: string;
  amount: bigint;
};

function movementsOf(sandbox: Sandbox, trade: AlipayTrade): Movement[] {
  if (trade.paid_at_ms === undefined) return [];
  const common = {
    business_no: trade.trade_no ?? "",
    number: trade.out_trade_no,
    subject: trade.subject,
    other: "付款人 (pay***@example.com)",
  };
  const at_ms = trade.paid_at_ms;
  const fee = feeOf(trade.total);
  const paid: Movement[] = [
    { ...common, at_ms, type: "交易付款", amount: trade.total },
    { ...common, at_ms, type: "收费", amount: -fee },
  ];
  const refunds = trade.refunds.flatMap(({ amount, status, done_at_ms }): Movement[] => {
    if (status !== "done" || done_at_ms === undefined) return [];
    return [
      { ...common, at_ms: done_at_ms, type: "交易退款", amount: -amount },
      { ...common, at_ms: done_at_ms, type: "退费", amount: feeOf(amount) },
    ];
  });
  const parts = trade.settles.flatMap((settle) => settle.parts);
  const shared = parts
    .filter((part) => stateOf(sandbox, part) === "SUCCESS")
    .map(
      (part): Movement => ({
        ...common,
        at_ms: part.due_at_ms,
        type: "交易分账",
        other: part.trans_in,
        amount: -part.amount,
      }),
    );
  return [...paid, ...refunds, ...shared];
}

function transfersOf(sandbox: Sandbox, seller_id: string): Movement[] {
  return [...sandbox.alipay.transfers.values()]
    .filter(({ app_id }) => sandbox.alipay.members.get(app_id)?.merchant.seller_id === seller_id)
    .filter(({ due_at_ms, error_code }) => error_code === undefined && due_at_ms <= sandbox.clock.now())
    .map((transfer) => ({
      at_ms: transfer.due_at_ms,
      type: "转账",
      business_no: transfer.order_id,
      number: transfer.out_biz_no,
      subject: "转账",
      other: transfer.identity,
      amount: -transfer.amount,
    }));
}

/** Undefined when the balance did not move on that day. */
export function writeFundFiles(
  sandbox: Sandbox,
  seller_id: string,
  date: string,
  start_ms: number,
): ZipFile[] | undefined {
  const all = [
    ...tradesOf(sandbox, seller_id).flatMap((trade) => movementsOf(sandbox, trade)),
    ...transfersOf(sandbox, seller_id),
  ]
    .filter(({ amount, at_ms }) => amount !== 0n && at_ms < start_ms + day_ms)
    .sort((a, b) => a.at_ms - b.at_ms);
  let balance = 0n;
  const rows = all.map((movement, index) => {
    balance += movement.amount;
    return { movement, text: writeRow(movement, balance, index) };
  });
  const day = rows.filter(({ movement }) => movement.at_ms >= start_ms);
  if (day.length === 0) return undefined;
  const exported = `#导出时间：[${chineseTime(start_ms + day_ms + 5 * 3_600_000)}]`;
  const prefix = `${seller_id}0156_${date.replaceAll("-", "")}_账务明细`;
  const sums = [
    sum(
      day.map(({ movement }) => movement),
      -1n,
    ),
    sum(
      day.map(({ movement }) => movement),
      1n,
    ),
  ] as const;
  return [
    toFile(`${prefix}.csv`, [
      ...writeHead("账务明细", "账务明细列表", seller_id, start_ms),
      "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注",
      ...day.map(({ text }) => text),
      writeEnd("账务明细列表"),
      `#支出合计：${sums[0].count}笔，共${signedYuan(sums[0].amount)}元`,
      `#收入合计：${sums[1].count}笔，共${signedYuan(sums[1].amount)}元`,
      exported,
    ]),
    toFile(`${prefix}(汇总).csv`, [
      ...writeHead("账务汇总", "账务汇总列表", seller_id, start_ms),
      "类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）",
      [
        "合计\t",
        sums[1].count,
        signedYuan(sums[1].amount),
        sums[0].count,
        signedYuan(sums[0].amount),
        signedYuan(sums[1].amount + sums[0].amount),
      ].join(","),
      writeEnd("账务汇总列表"),
      exported,
    ]),
  ];
}

function sum(movements: readonly Movement[], sign: 1n | -1n): { count: number; amount: bigint } {
  const chosen = movements.filter(({ amount }) => amount * sign > 0n);
  return { count: chosen.length, amount: chosen.reduce((total, { amount }) => total + amount, 0n) };
}

function writeRow(movement: Movement, balance: bigint, index: number): string {
  const { amount } = movement;
  return [
    `${formatCompact(movement.at_ms).slice(0, 8)}${String(index).padStart(8, "0")}\t`,
    `${movement.business_no}\t`,
    `${movement.number}\t`,
    `${movement.subject.replace(/[,\r\n]/g, " ")}\t`,
    formatBeijing(movement.at_ms),
    `${movement.other}\t`,
    amount > 0n ? signedYuan(amount) : "0.00",
    amount < 0n ? signedYuan(amount) : "0.00",
    signedYuan(balance),
    "支付宝",
    movement.type,
    "",
  ].join(",");
}
