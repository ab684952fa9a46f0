/** What stands in exported items, in the languages that merchants read. */
import type { ItemType } from "./invoice.ts";

export const languages = ["zh", "en"] as const;
export type Language = (typeof languages)[number];

type Words = Readonly<Record<Language, string>>;
const word = (zh: string, en: string): Words => ({ zh, en });

export const typeWords: Readonly<Record<ItemType, Words>> = {
  payment: word("支付", "payment"),
  refund: word("退款", "refund"),
  adjustment: word("冲正", "correction"),
};

/** Headings in their order, with the widths of their columns. */
export const headings = [
  [word("发生时间", "Occurred at"), 20],
  [word("类型", "Type"), 10],
  [word("币种", "Currency"), 8],
  [word("交易金额", "Amount"), 16],
  [word("服务费", "Service fee"), 16],
  [word("商户订单号", "out_trade_no"), 30],
  [word("商户退款单号", "out_refund_no"), 30],
  [word("支付单编号", "Payment"), 32],
  [word("分录编号", "Entry"), 32],
] as const satisfies readonly (readonly [Words, number])[];
