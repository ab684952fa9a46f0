/** What stands in exported files, in the languages that merchants read. */
import type { TransactionKind } from "../../ledger/index.ts";
import type { ShownName } from "../balance/index.ts";

export const languages = ["zh", "en"] as const;
export type Language = (typeof languages)[number];

type Words = Readonly<Record<Language, string>>;

const word = (zh: string, en: string): Words => ({ zh, en });

export const accountWords: Readonly<Record<ShownName, Words>> = {
  pending: word("待结算", "pending"),
  available: word("可用余额", "available"),
  reserve: word("保证金", "reserve"),
  frozen: word("冻结金额", "frozen"),
  payout_in_transit: word("出款在途", "payout in transit"),
  sharing_in_transit: word("分账在途", "sharing in transit"),
  refund_in_transit: word("退款在途", "refund in transit"),
  service_fee_due: word("应付服务费", "service fee due"),
  service_fee_prepaid: word("预存服务费", "service fee prepaid"),
  collected_directly: word("直连收款", "collected directly"),
};

export const kindWords: Readonly<Record<TransactionKind, Words>> = {
  payment_succeeded: word("支付成功", "payment succeeded"),
  duplicate_payment_succeeded: word("重复支付", "duplicate payment"),
  refund_initiated: word("退款申请", "refund initiated"),
  refund_succeeded: word("退款成功", "refund succeeded"),
  refund_failed: word("退款失败退回", "refund failed"),
  duplicate_refund_succeeded: word("重复支付退款", "duplicate payment refunded"),
  payout_initiated: word("出款申请", "payout initiated"),
  payout_succeeded: word("出款成功", "payout succeeded"),
  payout_failed: word("出款失败退回", "payout failed"),
  payout_cancelled: word("出款取消退回", "payout cancelled"),
  payout_returned: word("出款退汇", "payout returned"),
  settlement_created: word("结算", "settlement"),
  reserve_released: word("保证金释放", "reserve released"),
  funds_frozen: word("资金冻结", "funds frozen"),
  funds_released: word("资金解冻", "funds released"),
  adjustment_made: word("人工调账", "adjustment"),
  commission_settled: word("佣金结出", "commission settled"),
  commission_received: word("佣金入账", "commission received"),
  sharing_initiated: word("分账申请", "sharing initiated"),
  sharing_succeeded: word("分账成功", "sharing succeeded"),
  sharing_failed: word("分账失败退回", "sharing failed"),
  share_received: word("收到分账", "share received"),
  sharing_return_succeeded: word("分账回退到账", "share given back"),
  share_returned: word("退回分账", "share returned"),
  channel_settled: word("渠道结算到账", "channel settled"),
  channel_fee_adjusted: word("渠道手续费调整", "channel fee adjusted"),
  difference_suspended: word("对账差异挂账", "difference suspended"),
  difference_recovered: word("对账差异收回", "difference recovered"),
  difference_written_off: word("对账差异核销", "difference written off"),
  difference_adjusted: word("对账差异调账", "difference adjusted"),
  service_fee_topped_up: word("服务费预存", "service fee top-up"),
  service_fee_returned: word("服务费预存退回", "service fee prepayment returned"),
  service_fee_paid: word("服务费付款", "service fee paid"),
  service_fee_deducted: word("服务费扣除", "service fee deducted"),
  service_fee_collected: word("服务费代扣", "service fee collected"),
  reversal: word("冲正", "reversal"),
};

export const sheetWords = { summary: word("汇总", "Summary"), entries: word("明细", "Entries") };

/** Headings of the entries, in their order, with the widths of their columns. */
export const entryHeadings = {
  booked_at: [word("记账时间", "Booked at"), 20],
  occurred_at: [word("发生时间", "Occurred at"), 20],
  kind: [word("业务类型", "Type"), 18],
  account: [word("账户", "Account"), 18],
  currency: [word("币种", "Currency"), 8],
  amount: [word("金额", "Amount"), 16],
  balance_after: [word("账户余额", "Balance after"), 16],
  out_trade_no: [word("商户订单号", "out_trade_no"), 30],
  serial_no: [word("支付流水号", "serial_no"), 30],
  channel_trade_no: [word("渠道订单号", "channel_trade_no"), 34],
  out_refund_no: [word("商户退款单号", "out_refund_no"), 30],
  refund_no: [word("退款流水号", "refund_no"), 30],
  channel_refund_no: [word("渠道退款单号", "channel_refund_no"), 34],
  method: [word("支付方式", "Method"), 18],
  channel_account: [word("渠道账号", "Channel account"), 32],
  payment: [word("支付单编号", "Payment"), 32],
  entry: [word("分录编号", "Entry"), 32],
} as const satisfies Record<string, readonly [Words, number]>;

export type EntryColumn = keyof typeof entryHeadings;

/** Headings of the summary. */
export const summaryHeadings = {
  date: [word("账单日期", "Date"), 12],
  time_zone: [word("时区", "Time zone"), 18],
  status: [word("状态", "Status"), 10],
  currency: [word("币种", "Currency"), 8],
  account: [word("账户", "Account"), 18],
  opening: [word("期初余额", "Opening"), 18],
  amount_in: [word("转入", "In"), 18],
  amount_out: [word("转出", "Out"), 18],
  closing: [word("期末余额", "Closing"), 18],
  entry_count: [word("笔数", "Entries"), 10],
} as const satisfies Record<string, readonly [Words, number]>;

export const statusWords = { open: word("未结束", "open"), final: word("已结束", "final") };
