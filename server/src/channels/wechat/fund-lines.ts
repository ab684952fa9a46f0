/**
 * The lines of a fund bill (资金账单) of one of a merchant's accounts: every movement, with the balance after it. A fee is a
 * movement of its own. https://pay.weixin.qq.com/doc/v3/merchant/4012791692
 */
import { createBeijingClock } from "../bill-cells.ts";
import { LineRejected } from "../bill-refused.ts";
import { clip, createSums, createTableRow, readNote, statedCount, statedSum, type TableRow } from "../bill-table.ts";
import type { BillEntry, BillFormat, BillLine, StatedTotal } from "../contract.ts";
import { createWechatReader } from "./bill-file.ts";

const columns = {
  time: { names: ["记账时间"] },
  business_no: { names: ["微信支付业务单号"] },
  flow_no: { names: ["资金流水单号"] },
  name: { names: ["业务名称"], optional: true },
  kind: { names: ["业务类型"] },
  direction: { names: ["收支类型"] },
  amount: { names: ["收支金额(元)", "收支金额（元）"] },
  balance: { names: ["账户结余(元)", "账户结余（元）"] },
  memo: { names: ["备注"], optional: true },
  voucher_no: { names: ["业务凭证号"] },
} as const;
type Row = TableRow<keyof typeof columns>;

const TITLE = "a fund bill of WeChat Pay";
const FIRST_SUM = "资金流水总笔数";

/** 业务类型, and 业务名称 where that says more. */
const entries: Readonly<Record<string, BillEntry>> = {
  交易: "payment",
  退款: "refund",
  扣除交易手续费: "fee",
  手续费: "fee",
  退还交易手续费: "fee",
  提现: "settlement",
  结算: "settlement",
  充值: "settlement",
  商家转账: "payout",
  企业付款: "payout",
  转账: "payout",
  分账: "sharing",
  分账回退: "sharing",
  投诉: "dispute",
  调账: "adjustment",
};

interface Counts {
  income: number;
  expense: number;
}

export const fundFormat: BillFormat = {
  charsets: ["utf-8", "gb18030"],
  open(file) {
    const row = createTableRow(file, columns, TITLE);
    const clock = createBeijingClock();
    const sums = createSums(["income", "expense"]);
    const counts: Counts = { income: 0, expense: 0 };
    return createWechatReader({
      title: TITLE,
      row,
      first_column: "记账时间",
      first_sum: FIRST_SUM,
      readRow(line_no) {
        const line = readRow(row, clock, line_no);
        const side = line.amount < 0n ? "expense" : "income";
        counts[side] += 1;
        sums[side].add(Math.abs(Number(line.amount)));
        return line;
      },
      compare(name, stated, { rows, rejected }): StatedTotal | undefined {
        const whole = rejected === 0;
        if (name === FIRST_SUM) return statedCount(name, stated, rows);
        if (name === "收入笔数") return statedCount(name, stated, whole ? counts.income : null);
        if (name === "支出笔数") return statedCount(name, stated, whole ? counts.expense : null);
        if (name === "收入金额") return statedSum(name, stated, whole ? sums.income.total() : null, 2);
        if (name === "支出金额") return statedSum(name, stated, whole ? sums.expense.total() : null, 2);
        return undefined;
      },
    });
  },
};

function readRow(row: Row, clock: (text: string) => number, line_no: number): BillLine {
  row.checkWidth();
  const occurred_at = clock(row.cell("time"));
  if (Number.isNaN(occurred_at)) throw new LineRejected(`记账时间 is "${clip(row.text("time"))}", which is no time.`);
  const direction = row.text("direction");
  if (direction !== "收入" && direction !== "支出")
    throw new LineRejected(`收支类型 is "${clip(direction)}", neither 收入 nor 支出.`);
  const size = row.amount("amount", 2);
  if (size < 0) throw new LineRejected(`收支金额 is ${clip(row.text("amount"))}, below zero.`);
  const [kind, name, memo] = [row.text("kind"), row.text("name"), row.text("memo")];
  const entry = entryOf(name) ?? entryOf(kind) ?? "other";
  const business_no = row.number("business_no");
  return {
    line_no,
    entry,
    our_no: row.number("voucher_no"),
    original_our_no: null,
    channel_trade_no: entry === "refund" ? null : business_no,
    channel_refund_no: entry === "refund" ? business_no : null,
    merchant_no: null,
    amount: BigInt(direction === "收入" ? size : -size),
    fee: 0n,
    currency: "CNY",
    status: "succeeded",
    occurred_at,
    balance_after: BigInt(row.amount("balance", 2)),
    note: readNote([...new Set([kind, name, memo])].join(" ")),
  };
}

function entryOf(word: string): BillEntry | undefined {
  return Object.hasOwn(entries, word) ? entries[word] : undefined;
}
