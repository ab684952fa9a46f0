/** Bills as text, made for tests of reading them: whole ones, whose sums agree, and parts to spoil. */
import { encodeGbk } from "../../../../sandbox/kit/gbk.ts";

export const gbk = encodeGbk;

export const wechatHeader =
  "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注".split(
    ",",
  );

type Cells = Readonly<Record<string, string>>;

/** A row of one yuan paid, and what is to be otherwise. `fen` below zero is a refund's. */
export function wechatRow(cells: Cells, fen = 100): Cells {
  const amount = (Math.abs(fen) / 100).toFixed(2);
  const [paid, back] = fen < 0 ? ["0.00", amount] : [amount, "0.00"];
  return {
    交易时间: "2026-11-20 12:00:00",
    公众账号ID: "wx0123456789abcdef",
    商户号: "1900000109",
    特约商户号: "0",
    微信订单号: "4200001",
    商户订单号: "A1",
    交易类型: "NATIVE",
    交易状态: fen < 0 ? "REFUND" : "SUCCESS",
    货币种类: "CNY",
    应结订单金额: paid,
    代金券金额: "0.00",
    微信退款单号: "0",
    商户退款单号: "0",
    退款金额: back,
    充值券退款金额: "0.00",
    商品名称: "茶",
    手续费: "0.00000",
    费率: "0.38%",
    订单金额: paid,
    申请退款金额: back,
    ...cells,
  };
}

/** The same as a line without its end. */
export function wechatLine(cells: Cells): string {
  const row = wechatRow(cells);
  return wechatHeader.map((name) => `\`${row[name] ?? ""}`).join(",");
}

const sumsOfColumns: readonly [string, string][] = [
  ["应结订单总金额", "应结订单金额"],
  ["退款总金额", "退款金额"],
  ["充值券退款总金额", "充值券退款金额"],
  ["手续费总金额", "手续费"],
  ["订单总金额", "订单金额"],
  ["申请退款总金额", "申请退款金额"],
];

export interface Dress {
  readonly header?: readonly string[];
  readonly end?: string;
  readonly mark?: string;
  /** Before each cell of data, and behind it. */
  readonly tick?: string;
  readonly tock?: string;
}

/** A whole trade bill. A row may be given as text, and counts without money. */
export function wechatTrade(rows: readonly (Cells | string)[], dress: Dress = {}): string {
  const { header = wechatHeader, end = "\r\n", mark = "\ufeff", tick = "`", tock = "" } = dress;
  const write = (cells: readonly string[]) => cells.map((cell) => tick + cell + tock).join(",");
  const sumOf = (column: string) =>
    rows.reduce((sum, row) => sum + (typeof row === "string" ? 0 : Number(row[column]?.replace(",", "")) || 0), 0);
  const sums = sumsOfColumns.map(([, column]) => sumOf(column).toFixed(column === "手续费" ? 5 : 2));
  const lines = [
    header.join(","),
    ...rows.map((row) => (typeof row === "string" ? row : write(header.map((name) => row[name] ?? "")))),
    ["总交易单数", ...sumsOfColumns.map(([name]) => name)].join(","),
    write([String(rows.length), ...sums]),
  ];
  return mark + lines.map((line) => line + end).join("");
}

/** A movement of a fund bill. */
export interface Movement {
  readonly kind: string;
  readonly fen: number;
  readonly balance: number;
  readonly voucher_no?: string;
}

/** A whole fund bill. */
export function wechatFund(movements: readonly Movement[]): string {
  const yuan = (fen: number) => (fen / 100).toFixed(2);
  const rows = movements.map(({ kind, fen, balance, voucher_no = "A1" }) =>
    [
      ...["2026-11-20 12:00:00", "4200001", "10001", kind, kind, fen < 0 ? "支出" : "收入"],
      ...[yuan(Math.abs(fen)), yuan(balance), "system", kind, voucher_no],
    ]
      .map((cell) => `\`${cell}`)
      .join(","),
  );
  const [income, expense] = [movements.filter(({ fen }) => fen >= 0), movements.filter(({ fen }) => fen < 0)];
  const sum = (list: readonly Movement[]) => yuan(list.reduce((total, { fen }) => total + Math.abs(fen), 0));
  const sums = [movements.length, income.length, sum(income), expense.length, sum(expense)];
  const lines = [
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号",
    ...rows,
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额",
    sums.map((cell) => `\`${cell}`).join(","),
  ];
  return `\ufeff${lines.map((line) => `${line}\r\n`).join("")}`;
}

/** A row of an Alipay trade bill; with a `refund_no`, of a refund. */
export interface AlipayRow {
  readonly our_no: string;
  readonly amount: string;
  readonly fee: string;
  readonly refund_no?: string;
}

/** A whole trade bill of Alipay, as text. */
export function alipayTrade(rows: readonly AlipayRow[]): string {
  const of = (refund: boolean) => rows.filter(({ refund_no }) => (refund_no !== undefined) === refund);
  const sum = (list: readonly AlipayRow[]) => list.reduce((total, { amount }) => total + Number(amount), 0).toFixed(2);
  const line = ({ our_no, amount, fee, refund_no }: AlipayRow) =>
    [
      ...["2026112022001\t", `${our_no}\t`, `${refund_no === undefined ? "交易" : "退款"}\t`, "茶"],
      ...["2026-11-20 11:59:00", "2026-11-20 12:00:00", "\t", "\t", "\t", "\t", "*付款人(pay***@example.com)\t"],
      ...[amount, amount, "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00\t", "0.00", refund_no ?? "\t"],
      ...[fee, "0.00", ""],
    ].join(",");
  const dashes = "-".repeat(33);
  return [
    "#支付宝业务明细查询",
    "#账号：[20881021757600850156]",
    "#起始日期：[2026年11月20日 00:00:00]   终止日期：[2026年11月21日 00:00:00]",
    `#${dashes}业务明细列表${dashes}`,
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注",
    ...rows.map(line),
    `#${dashes}业务明细列表结束${dashes}`,
    `#交易合计：${of(false).length}笔，商家实收共${sum(of(false))}元，商家优惠共0.00元`,
    `#退款合计：${of(true).length}笔，商家实收退款共${sum(of(true))}元，商家优惠退款共0.00元`,
    "#导出时间：[2026年11月21日 05:00:00]",
  ]
    .map((text) => `${text}\r\n`)
    .join("");
}

export interface UnionpayRow {
  readonly our_no: string;
  readonly amount: string;
  readonly fee: string;
  readonly settled: string;
  readonly time?: string;
}

const zm_widths = [
  ...[3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15],
  ...[32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98],
];

/** A row of a ZM file, paid unless `time` and more say otherwise; `name` is the merchant's. */
export function unionpayRow({ our_no, amount, fee, settled, time = "1120120000" }: UnionpayRow, name = ""): Buffer {
  const cells: Record<number, string> = {
    ...{ 1: "S22", 5: time, 7: amount, 10: "202611201200001234567", 12: our_no, 16: fee, 17: settled, 20: "01" },
    ...{ 28: "777290058110048", 31: name },
  };
  const parts = zm_widths.flatMap((width, index) => {
    const bytes = encodeGbk(cells[index + 1] ?? "");
    return [bytes, Buffer.alloc(width - bytes.length, 0x20), Buffer.from(index < zm_widths.length - 1 ? " " : "\r\n")];
  });
  return Buffer.concat(parts);
}
