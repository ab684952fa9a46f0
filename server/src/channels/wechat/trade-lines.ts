/**
 * The lines of a trade bill (交易账单), whether of all trades, of successes or of refunds. Fees have five decimals, and come back
 * with refunds. https://pay.weixin.qq.com/doc/v3/merchant/4012791692
 */
import { createBeijingClock, roundUnits } from "../bill-cells.ts";
import { BillRefused, LineRejected } from "../bill-refused.ts";
import {
  clip,
  createSums,
  createTableRow,
  readNote,
  type SumsOf,
  statedCount,
  statedSum,
  type TableRow,
} from "../bill-table.ts";
import type { BillFormat, BillLine, BillReadInput, BillStatus, StatedTotal } from "../contract.ts";
import { createWechatReader } from "./bill-file.ts";

const columns = {
  time: { names: ["交易时间"] },
  applied: { names: ["退款申请时间"], optional: true },
  merchant: { names: ["商户号"] },
  sub_merchant: { names: ["特约商户号", "子商户号"], optional: true },
  trade_no: { names: ["微信订单号"] },
  our_no: { names: ["商户订单号"] },
  state: { names: ["交易状态"] },
  currency: { names: ["货币种类"], optional: true },
  amount: { names: ["订单金额", "总金额", "应结订单金额"] },
  settled: { names: ["应结订单金额"], optional: true },
  refund_no: { names: ["微信退款单号"], optional: true },
  our_refund_no: { names: ["商户退款单号"], optional: true },
  refunded: { names: ["申请退款金额", "退款金额"], optional: true },
  back: { names: ["退款金额"], optional: true },
  voucher_back: { names: ["充值券退款金额"], optional: true },
  refund_state: { names: ["退款状态"], optional: true },
  fee: { names: ["手续费"] },
} as const;
type Row = TableRow<keyof typeof columns>;

const TITLE = "a trade bill of WeChat Pay";
const FIRST_SUM = "总交易单数";
const FEE_DECIMALS = 5;

const summed = ["settled", "back", "voucher_back", "fee", "amount", "refunded"] as const;
type Sums = SumsOf<(typeof summed)[number]>;

/** The column that a stated sum is of. */
const sumColumns: Readonly<Record<string, (typeof summed)[number]>> = {
  应结订单总金额: "settled",
  退款总金额: "back",
  充值券退款总金额: "voucher_back",
  手续费总金额: "fee",
  订单总金额: "amount",
  申请退款总金额: "refunded",
};

/** 退款状态. CHANGE: the refund is abnormal and waits for a person. */
const refundStates: Readonly<Record<string, BillStatus>> = {
  SUCCESS: "succeeded",
  PROCESSING: "pending",
  CHANGE: "pending",
  FAIL: "failed",
  CLOSED: "failed",
};

export const tradeFormat: BillFormat = {
  charsets: ["utf-8", "gb18030"],
  open(file, input) {
    const row = createTableRow(file, columns, TITLE);
    const sums = createSums(summed);
    const clock = createBeijingClock();
    return createWechatReader({
      title: TITLE,
      row,
      first_column: "交易时间",
      first_sum: FIRST_SUM,
      readRow: (line_no) => readRow(row, sums, clock, input, line_no),
      compare: (name, stated, counts) => compare(row, sums, name, stated, counts),
    });
  },
};

function readRow(
  row: Row,
  sums: Sums,
  clock: (text: string) => number,
  input: BillReadInput,
  line_no: number,
): BillLine {
  row.checkWidth();
  const time = row.cell("applied") || row.cell("time");
  const occurred_at = clock(time);
  if (Number.isNaN(occurred_at)) throw new LineRejected(`交易时间 is "${clip(row.text("time"))}", which is no time.`);
  const amount = row.amount("amount", 2);
  const refunded = row.amount("refunded", 2);
  const fee = row.amount("fee", FEE_DECIMALS);
  const [settled, back, voucher_back] = [
    row.amount("settled", 2),
    row.amount("back", 2),
    row.amount("voucher_back", 2),
  ];
  const state = row.cell("state");
  const back_again = state === "REFUND" || state === "REVOKED";
  const word = back_again ? row.cell("refund_state") : "";
  const our_no = row.number("our_no");
  const line: BillLine = {
    line_no,
    entry: back_again ? "refund" : state === "SUCCESS" ? "payment" : "other",
    our_no: back_again ? row.number("our_refund_no") : our_no,
    original_our_no: back_again ? our_no : null,
    channel_trade_no: row.number("trade_no"),
    channel_refund_no: back_again ? row.number("refund_no") : null,
    merchant_no: readOwner(row, input),
    amount: BigInt(back_again ? -refunded : amount),
    fee: BigInt(roundUnits(fee, FEE_DECIMALS - 2)),
    currency: readCurrency(row),
    status: back_again ? statusOf(state, word) : "succeeded",
    occurred_at,
    balance_after: null,
    note: back_again ? readNote(word === "SUCCESS" ? "" : row.text("refund_state")) : noteOf(row, state),
  };
  sums.amount.add(amount);
  sums.refunded.add(refunded);
  sums.fee.add(fee);
  sums.settled.add(settled);
  sums.back.add(back);
  sums.voucher_back.add(voucher_back);
  return line;
}

/** The money of a reversed code payment goes back without a refund of ours. A word that no table lists has not ended. */
function statusOf(state: string, word: string): BillStatus {
  if (state === "REVOKED") return "revoked";
  return Object.hasOwn(refundStates, word) ? refundStates[word]! : "pending";
}

function noteOf(row: Row, state: string): string | null {
  return state === "SUCCESS" ? null : readNote(row.text("state"));
}

/** A provider's bill has a sub-merchant on each line; a merchant's own has 0 there. */
function readOwner(row: Row, { merchant: expected }: BillReadInput): string | null {
  const merchant = row.number("merchant");
  const sub = row.number("sub_merchant");
  if (expected !== undefined && expected !== merchant && expected !== sub) {
    throw new BillRefused(
      "other_account",
      `The bill has a line of merchant ${clip(sub ?? merchant ?? "none")}, and is not ${expected}'s.`,
    );
  }
  return sub ?? merchant;
}

function readCurrency(row: Row): string {
  const currency = row.cell("currency") || "CNY";
  if (/^[A-Z]{3}$/.test(currency)) return currency;
  throw new LineRejected(`货币种类 is "${clip(row.text("currency"))}", which is no currency.`);
}

function compare(
  row: Row,
  sums: Sums,
  name: string,
  stated: string,
  { rows, rejected }: { rows: number; rejected: number },
): StatedTotal | undefined {
  if (name === FIRST_SUM) return statedCount(name, stated, rows);
  const column = Object.hasOwn(sumColumns, name) ? sumColumns[name]! : undefined;
  if (column === undefined || !row.has(column)) return undefined;
  const found = rejected === 0 ? sums[column].total() : null;
  return statedSum(name, stated, found, column === "fee" ? FEE_DECIMALS : 2);
}
