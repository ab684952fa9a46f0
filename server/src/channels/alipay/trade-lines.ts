/**
 * The lines of a trade bill (业务明细): payments and refunds of a day, refunds below zero. What the merchant pays for a service is
 * below zero too. https://opendocs.alipay.com/open/01inem
 */
import { createBeijingClock } from "../bill-cells.ts";
import { LineRejected } from "../bill-refused.ts";
import { clip, createSums, createTableRow, readNote, statedCount, statedSum, type TableRow } from "../bill-table.ts";
import type { BillEntry, BillFormat, BillLine, StatedTotal } from "../contract.ts";
import { createAlipayReader } from "./bill-file.ts";

const columns = {
  trade_no: { names: ["支付宝交易号"] },
  our_no: { names: ["商户订单号"] },
  kind: { names: ["业务类型"] },
  time: { names: ["完成时间"] },
  amount: { names: ["订单金额（元）", "订单金额(元)"] },
  received: { names: ["商家实收（元）", "商家实收(元)"] },
  refund_no: { names: ["退款批次号/请求号", "退款批次号"] },
  fee: { names: ["服务费（元）", "服务费(元)"] },
} as const;
type Row = TableRow<keyof typeof columns>;

const TITLE = "a trade bill of Alipay";
const entries: Readonly<Record<string, BillEntry>> = { 交易: "payment", 退款: "refund" };

export const tradeFormat: BillFormat = {
  charsets: ["utf-8", "gb18030"],
  open(file, input) {
    const row = createTableRow(file, columns, TITLE);
    const clock = createBeijingClock();
    const counts = { payment: 0, refund: 0 };
    const sums = createSums(["payment", "refund"]);
    return createAlipayReader(file, input, {
      title: TITLE,
      word: "业务明细",
      first_column: "支付宝交易号",
      row,
      readRow(line_no, merchant_no) {
        const line = readRow(row, clock, line_no, merchant_no);
        const received = row.amount("received", 2);
        if (line.entry !== "payment" && line.entry !== "refund") return line;
        counts[line.entry] += 1;
        sums[line.entry].add(received);
        return line;
      },
      compare(text, whole): StatedTotal[] {
        const found = /^#(交易合计|退款合计)：(\d+)笔，商家实收(?:退款)?共(-?[\d.,]+)元/.exec(text);
        if (!found) return [];
        const [, name = "", count = "", sum = ""] = found;
        const entry = name === "交易合计" ? "payment" : "refund";
        return [
          statedCount(`${name}笔数`, count, whole ? counts[entry] : null),
          statedSum(`${name}商家实收`, sum, whole ? sums[entry].total() : null, 2),
        ];
      },
    });
  },
};

function readRow(row: Row, clock: (text: string) => number, line_no: number, merchant_no: string | null): BillLine {
  row.checkWidth();
  const occurred_at = clock(row.cell("time"));
  if (Number.isNaN(occurred_at)) throw new LineRejected(`完成时间 is "${clip(row.text("time"))}", which is no time.`);
  const kind = row.text("kind");
  const entry = Object.hasOwn(entries, kind) ? entries[kind]! : "other";
  const our_no = row.number("our_no");
  const refund = entry === "refund";
  return {
    line_no,
    entry,
    our_no: refund ? row.number("refund_no") : our_no,
    original_our_no: refund ? our_no : null,
    channel_trade_no: row.number("trade_no"),
    channel_refund_no: null,
    merchant_no,
    amount: BigInt(row.amount("amount", 2)),
    fee: BigInt(-row.amount("fee", 2)),
    currency: "CNY",
    status: "succeeded",
    occurred_at,
    balance_after: null,
    note: entry === "other" ? readNote(kind) : null,
  };
}
