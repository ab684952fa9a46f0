/**
 * Guarantee: each channel's form is read as its documents say, whatever stands between, and what is cut, doubled, of another
 * account or day, or not what its own sums say is refused.
 */
import { describe, expect, it } from "vitest";
import { alipayTrade, gbk, unionpayRow, wechatFund } from "./testing/bill-files.ts";
import { formatOf, read, refusal } from "./testing/read-file.ts";

describe("a fund bill of WeChat Pay", () => {
  const fund = formatOf("wechat", "fund_flow");
  const movements = [
    { kind: "交易", fen: 1_000, balance: 1_000 },
    { kind: "扣除交易手续费", fen: -6, balance: 994 },
    { kind: "退款", fen: -400, balance: 594, voucher_no: "R1" },
    { kind: "提现", fen: -500, balance: 94, voucher_no: "" },
    { kind: "新业务", fen: 1, balance: 95, voucher_no: "" },
  ];

  it("is read with signs, entries and balances", async () => {
    const { lines, rejected, totals } = await read(fund, wechatFund(movements));
    expect(rejected).toEqual([]);
    expect(lines).toMatchObject([
      { entry: "payment", our_no: "A1", channel_trade_no: "4200001", amount: 1_000n, fee: 0n, balance_after: 1_000n },
      { entry: "fee", our_no: "A1", amount: -6n, note: "扣除交易手续费" },
      { entry: "refund", our_no: "R1", channel_refund_no: "4200001", amount: -400n },
      { entry: "settlement", our_no: null, amount: -500n },
      { entry: "other", amount: 1n, note: "新业务" },
    ]);
    expect(totals.stated).toHaveLength(5);
  });

  it.each([
    ["count_differs", (text: string) => text.replace("`5,`2,", "`6,`2,")],
    ["count_differs", (text: string) => text.replace("`5,`2,", "`5,`3,")],
    ["sum_differs", (text: string) => text.replace("`10.01,", "`10.02,")],
  ])("is refused when its sums do not agree: %s", async (code, change) => {
    expect(await refusal(fund, change(wechatFund(movements)))).toMatchObject([code, /./]);
  });

  it("keeps a movement that goes neither in nor out", async () => {
    const { rejected } = await read(fund, wechatFund(movements).replace("收入,`10.00", "其他,`10.00"));
    expect(rejected).toMatchObject([{ line_no: 2, reason: expect.stringContaining("neither 收入 nor 支出") }]);
  });
});

describe("an Alipay bill", () => {
  const alipay = formatOf("alipay");
  const text = alipayTrade([
    { our_no: "A1", amount: "12.34", fee: "-0.05" },
    { our_no: "A1", amount: "-2.34", fee: "0.01", refund_no: "R1" },
  ]);

  it("is read in GBK, and as somebody saved it in UTF-8", async () => {
    for (const bytes of [gbk(text), Buffer.from(text), Buffer.from(`\ufeff${text}`)]) {
      const { lines, rejected } = await read(alipay, bytes, { date: "2026-11-20", merchant: "2088102175760085" });
      expect(rejected).toEqual([]);
      expect(lines).toMatchObject([
        { entry: "payment", our_no: "A1", amount: 1234n, fee: 5n, merchant_no: "2088102175760085" },
        { entry: "refund", our_no: "R1", original_our_no: "A1", amount: -234n, fee: -1n },
      ]);
    }
  });

  it.each([
    ["without its end", text.slice(0, text.indexOf("结束") - 40), "truncated"],
    ["doubled", text + text, "doubled"],
    ["of other sums", text.replace("共12.34元", "共12.35元"), "sum_differs"],
    ["of other counts", text.replace("退款合计：1笔", "退款合计：2笔"), "count_differs"],
    ["of another account", text.replace("2088102175760085", "2088102175760086"), "other_account"],
    ["of another day", text.replace("2026年11月20日", "2026年11月19日"), "other_day"],
    ["of another kind", text.replace("业务明细查询", "账务明细查询"), "unknown_format"],
  ])("is refused %s", async (_, changed, code) => {
    const input = { date: "2026-11-20", merchant: "2088102175760085" };
    expect(await refusal(alipay, gbk(changed), input)).toMatchObject([code, /./]);
  });

  it("has no lines in its summary", async () => {
    const file = { name: "20881021757600850156_20261120_业务明细(汇总).csv", bytes: gbk(text) };
    expect(await refusal(alipay, file)).toMatchObject(["unknown_format", /None of the files/]);
  });
});

describe("a UnionPay file", () => {
  const unionpay = formatOf("unionpay");
  const merchant = "777290058110048";
  const name = `INN26112088ZM_${merchant}`;
  const row = unionpayRow({ our_no: "A1", amount: "000000001234", fee: "D000000000005", settled: "C000000001229" });

  it("is cut by bytes, whatever characters stand between", async () => {
    const named = unionpayRow(
      { our_no: "A1", amount: "000000001234", fee: "D000000000005", settled: "C000000001229" },
      "小满茶铺",
    );
    const { lines, rejected } = await read(unionpay, { name, bytes: named }, { date: "2026-11-20", merchant });
    expect(rejected).toEqual([]);
    expect(lines).toMatchObject([
      { our_no: "A1", amount: 1234n, fee: 5n, occurred_at: Date.parse("2026-11-20T12:00:00+08:00") },
    ]);
  });

  it("takes the year that is near to its day", async () => {
    const old = { ...{ our_no: "A1", amount: "000000001234", fee: "", settled: "C000000001234" }, time: "1231235900" };
    const { lines } = await read(unionpay, { name: `INN27010188ZM_${merchant}`, bytes: unionpayRow(old) });
    expect(lines[0]!.occurred_at).toBe(Date.parse("2026-12-31T23:59:00+08:00"));
  });

  it("is refused when it was cut, is another's, of another day, or of no day", async () => {
    const bytes = Buffer.concat([row, row]);
    expect(await refusal(unionpay, { name, bytes: bytes.subarray(0, -300) })).toMatchObject(["truncated", /Line 2/]);
    expect(await refusal(unionpay, { name, bytes: "a,b\n" })).toMatchObject(["unknown_format", /Line 1/]);
    expect(await refusal(unionpay, { name, bytes }, { merchant: "777290058110049" })).toMatchObject([
      "other_account",
      /./,
    ]);
    expect(await refusal(unionpay, { name, bytes }, { date: "2026-11-21" })).toMatchObject(["other_day", /./]);
    expect(await refusal(unionpay, { bytes })).toMatchObject(["unknown_format", /date/]);
  });

  it("keeps a line whose money is none", async () => {
    const { rejected } = await read(unionpay, {
      name,
      bytes: Buffer.concat([row, unionpayRow({ our_no: "A2", amount: "00000000x234", fee: "", settled: "" })]),
    });
    expect(rejected).toMatchObject([{ line_no: 2, reason: expect.stringContaining("not whole fen") }]);
  });
});
