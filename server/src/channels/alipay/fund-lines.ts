/**
 * The lines of an account bill (账务明细, signcustomer): every movement of the merchant's balance, with the balance after it. A
 * fee is a movement of its own. A refund's names the order, not the refund.
 */
import { createBeijingClock } from "../bill-cells.ts";
import { LineRejected } from "../bill-refused.ts";
import { clip, createSums, createTableRow, readNote, statedCount, statedSum, type TableRow } from "../bill-table.ts";
import type { BillEntry, BillFormat, BillLine, StatedTotal } from "../contract.ts";
import { createAlipayReader } from "./bill-file.ts";

const columns = {
  flow_no: { names: ["账务流水号"] },
  business_no: { names: ["业务流水号"] },
  our_no: { names: ["商户订单号"] },
  time: { names: ["发生时间"] },
  income: { names: ["收入金额（+元）", "收入金额(+元)"] },
  expense: { names: ["支出金额（-元）", "支出金额(-元)"] },
  balance: { names: ["账户余额（元）", "账户余额(元)"] },
  kind: { names: ["业务类型"] },
  memo: { names: ["备注"], optional: true },
} as const;
type Row = TableRow<keyof typeof columns>;

const TITLE = "an account bill of Alipay";

/** 业务类型. */
const entries: Readonly<Record<string, BillEntry>> = {
  交易付款: "payment",
  在线支付: "payment",
  当面付: "payment",
  交易退款: "refund",
  收费: "fee",
  退费: "fee",
  交易分账: "sharing",
  分账: "sharing",
  分账退回: "sharing",
  转账: "payout",
  提现: "settlement",
  充值: "settlement",
  调账: "adjustment",
};

export const fundFormat: BillFormat = {
  charsets: ["utf-8", "gb18030"],
  open(file, input) {
    const row = createTableRow(file, columns, TITLE);
    const clock = createBeijingClock();
    const counts = { 支出: 0, 收入: 0 };
    const sums = createSums(["支出", "收入"]);
    return createAlipayReader(file, input, {
      title: TITLE,
      word: "账务明细",
      first_column: "账务流水号",
      row,
      readRow(line_no, merchant_no) {
        const line = readRow(row, clock, line_no, merchant_no);
        const side = line.amount < 0n ? "支出" : "收入";
        counts[side] += 1;
        sums[side].add(Number(line.amount));
        return line;
      },
      compare(text, whole): StatedTotal[] {
        const found = /^#(支出|收入)合计：(\d+)笔，共(-?[\d.,]+)元/.exec(text);
        if (!found) return [];
        const side = found[1] as "支出" | "收入";
        return [
          statedCount(`${side}合计笔数`, found[2]!, whole ? counts[side] : null),
          statedSum(`${side}合计`, found[3]!, whole ? sums[side].total() : null, 2),
        ];
      },
    });
  },
};

function readRow(row: Row, clock: (text: string) => number, line_no: number, merchant_no: string | null): BillLine {
  row.checkWidth();
  const occurred_at = clock(row.cell("time"));
  if (Number.isNaN(occurred_at)) throw new LineRejected(`发生时间 is "${clip(row.text("time"))}", which is no time.`);
  const income = row.amount("income", 2);
  const expense = row.amount("expense", 2);
  if (income < 0 || (income !== 0 && expense !== 0))
    throw new LineRejected("The line has money coming in below zero, or both in and out.");
  const kind = row.text("kind");
  const entry = Object.hasOwn(entries, kind) ? entries[kind]! : "other";
  const our_no = row.number("our_no");
  return {
    line_no,
    entry,
    our_no: entry === "refund" ? null : our_no,
    original_our_no: entry === "refund" ? our_no : null,
    channel_trade_no: row.number("business_no"),
    channel_refund_no: null,
    merchant_no,
    amount: BigInt(income - Math.abs(expense)),
    fee: 0n,
    currency: "CNY",
    status: "succeeded",
    occurred_at,
    balance_after: BigInt(row.amount("balance", 2)),
    note: readNote([kind, row.text("memo")].join(" ")),
  };
}
