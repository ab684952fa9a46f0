/**
 * Guarantees: a bill that is whole is read whole, however it is cut into chunks, with columns added, moved and dressed up
 * as channels and spreadsheets do; a line that cannot be read is kept with its reason; a file that is damaged, hostile or
 * not the bill that it should be is refused with a sentence, and never more of it is held than a piece.
 */
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBill } from "./bill-reader.ts";
import type { BillFormat, BillLine, BillReadInput, RejectedLine } from "./contract.ts";
import { getChannel } from "./registry.ts";
import {
  alipayTrade,
  gbk,
  unionpayRow,
  wechatFund,
  wechatHeader,
  wechatLine,
  wechatRow,
  wechatTrade,
} from "./testing/bill-files.ts";

const formatOf = (channel: string, kind: "trade" | "fund_flow" = "trade"): BillFormat =>
  getChannel(channel)!.bills!.formats![kind]!;
const wechat = formatOf("wechat");

type File = { name?: string; bytes: Buffer | string | AsyncIterable<Buffer> };

async function read(format: BillFormat, file: File | Buffer | string, input: BillReadInput = {}) {
  const one: File = typeof file === "string" || Buffer.isBuffer(file) ? { bytes: file } : file;
  const bytes = typeof one.bytes === "string" ? Buffer.from(one.bytes) : one.bytes;
  const chunks = Buffer.isBuffer(bytes) ? Readable.from(bytes.length > 0 ? [bytes] : []) : bytes;
  const reading = readBill(format, input, [{ name: one.name, chunks }]);
  const lines: BillLine[] = [];
  const rejected: RejectedLine[] = [];
  for await (const batch of reading.batches) {
    lines.push(...batch.lines);
    rejected.push(...batch.rejected);
  }
  return { lines, rejected, totals: reading.totals() };
}

const refusal = (format: BillFormat, file: File | Buffer | string, input?: BillReadInput) =>
  read(format, file, input).then(
    () => "read",
    (error) => (error.name === "BillRefused" ? [error.code, error.message] : Promise.reject(error)),
  );

describe("a trade bill of WeChat Pay", () => {
  const rows = [
    wechatRow({ 商户订单号: "A1", 订单金额: "12.34", 应结订单金额: "12.34", 手续费: "0.05000" }),
    wechatRow(
      { 商户订单号: "A1", 交易状态: "REFUND", 商户退款单号: "R1", 微信退款单号: "50300", 退款状态: "SUCCESS" },
      -234,
    ),
  ];

  it("is read by the names of its columns", async () => {
    const { lines, rejected, totals } = await read(wechat, wechatTrade(rows), { date: "2026-11-20" });
    expect(rejected).toEqual([]);
    expect(lines).toEqual([
      {
        line_no: 2,
        entry: "payment",
        our_no: "A1",
        original_our_no: null,
        channel_trade_no: "4200001",
        channel_refund_no: null,
        merchant_no: "1900000109",
        amount: 1234n,
        fee: 5n,
        currency: "CNY",
        status: "succeeded",
        occurred_at: Date.parse("2026-11-20T12:00:00+08:00"),
        balance_after: null,
        note: null,
      },
      expect.objectContaining({
        line_no: 3,
        entry: "refund",
        our_no: "R1",
        original_our_no: "A1",
        channel_refund_no: "50300",
        amount: -234n,
        status: "succeeded",
      }),
    ]);
    expect(totals.sums).toEqual([
      { entry: "payment", status: "succeeded", currency: "CNY", count: 1, amount: 1234n, fee: 5n },
      { entry: "refund", status: "succeeded", currency: "CNY", count: 1, amount: -234n, fee: 0n },
    ]);
    expect(totals.stated).toHaveLength(7);
    expect(totals.stated.every(({ stated, found }) => stated === found)).toBe(true);
  });

  it("is the same with columns moved and added, other line ends, quotes, blank lines and no last line end", async () => {
    const expected = (await read(wechat, wechatTrade(rows))).lines.map(({ line_no: _, ...line }) => line);
    const moved = ["新栏目", ...wechatHeader.toReversed()];
    const dressed = [
      wechatTrade(rows, { header: moved }),
      wechatTrade(rows, { end: "\n" }),
      wechatTrade(rows, { mark: "" }),
      wechatTrade(rows, { tick: "" }),
      wechatTrade(rows, { tick: '"', tock: '"' }),
      wechatTrade(rows).trimEnd(),
      wechatTrade(rows).replaceAll("\r\n", "\r\n\r\n"),
      wechatTrade(rows, { header: wechatHeader.filter((name) => name !== "商品名称" && name !== "退款类型") }),
    ];
    for (const text of dressed) {
      const { lines, rejected } = await read(wechat, text);
      expect(rejected).toEqual([]);
      expect(lines.map(({ line_no: _, ...line }) => line)).toEqual(expected);
    }
    expect((await read(wechat, gbk(wechatTrade(rows, { mark: "" })))).lines).toHaveLength(2);
  });

  it("takes a comma and quotes within a title, and a thousands separator", async () => {
    const odd = [wechatRow({ 商品名称: 'tea, "green", two', 订单金额: "1,234.50", 应结订单金额: "1,234.50" }, 123_450)];
    expect((await read(wechat, wechatTrade(odd))).lines).toMatchObject([{ amount: 123_450n }]);
  });

  it("is read alike however it arrives", async () => {
    const bytes = Buffer.from(wechatTrade([...rows, ...rows, ...rows]));
    const whole = await read(wechat, bytes);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }), async (sizes) => {
        const parts: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length]!;
          parts.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(await read(wechat, { bytes: Readable.from(parts) })).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps what it cannot read, with the reason, and does not hold sums against it", async () => {
    const spoilt = [
      ...rows,
      wechatRow({ 订单金额: "1.2.3" }),
      wechatRow({ 交易时间: "2026-13-40 12:00:00" }),
      wechatRow({ 订单金额: "0.001" }),
      `${wechatLine({})},\`one more`,
      wechatRow({ 商户订单号: "x".repeat(129) }),
    ];
    const { lines, rejected, totals } = await read(wechat, wechatTrade(spoilt));
    expect(lines).toHaveLength(2);
    expect(rejected.map(({ line_no, reason }) => [line_no, reason])).toEqual([
      [4, '订单金额 is "1.2.3", which is no amount.'],
      [5, '交易时间 is "2026-13-40 12:00:00", which is no time.'],
      [6, '订单金额 is "0.001", which is no amount.'],
      [7, "The line has 28 cells, the header 27."],
      [8, "商户订单号 is longer than 128 characters."],
    ]);
    expect(rejected[0]!.text).toContain("1900000109");
    expect(totals).toMatchObject({ lines: 2, rejected: 5 });
    expect(totals.stated.slice(0, 2)).toEqual([
      { name: "总交易单数", stated: "7", found: "7" },
      { name: "应结订单总金额", stated: expect.any(String), found: null },
    ]);
  });

  it("has lines of an unknown kind as other, and reversed orders as revoked", async () => {
    const { lines } = await read(
      wechat,
      wechatTrade([wechatRow({ 交易状态: "ADJUST" }), wechatRow({ 交易状态: "REVOKED", 退款状态: "SUCCESS" }, -100)]),
    );
    expect(lines).toMatchObject([
      { entry: "other", note: "ADJUST" },
      { entry: "refund", status: "revoked", our_no: null, original_our_no: "A1", amount: -100n },
    ]);
  });

  it("comes to the same in another order of its rows, and is refused where its sums come first", async () => {
    const sorted = await read(wechat, wechatTrade(rows));
    const reordered = await read(wechat, wechatTrade(rows.toReversed()));
    expect(reordered.totals.stated).toEqual(sorted.totals.stated);
    expect(reordered.lines.map(({ our_no }) => our_no)).toEqual(["R1", "A1"]);
    const [header, one, two, names, sums] = wechatTrade(rows).split("\r\n");
    const first = [header, names, sums, one, two].join("\r\n");
    expect(await refusal(wechat, first)).toMatchObject(["doubled", /after the sums/]);
  });

  it("keeps a provider's sub-merchants apart", async () => {
    const text = wechatTrade([wechatRow({ 特约商户号: "1900000201" }), wechatRow({ 特约商户号: "1900000202" })]);
    expect((await read(wechat, text)).lines.map(({ merchant_no }) => merchant_no)).toEqual([
      "1900000201",
      "1900000202",
    ]);
    expect(await refusal(wechat, text, { merchant: "1900000201" })).toMatchObject(["other_account", /1900000202/]);
    expect((await read(wechat, text, { merchant: "1900000109" })).lines).toHaveLength(2);
  });

  it("is data, whatever a payer wrote into it", async () => {
    const formula = '=cmd|" /C calc"!A0';
    const { lines } = await read(wechat, wechatTrade([wechatRow({ 商户订单号: formula })]));
    expect(lines).toMatchObject([{ our_no: formula }]);
  });
});

describe("is refused with a sentence:", () => {
  const good = wechatTrade([wechatRow({}), wechatRow({ 商户订单号: "A2" })]);
  const line = (index: number) => good.split("\r\n")[index]!;
  const cases: [string, string | Buffer, string, RegExp][] = [
    ["no byte", "", "empty", /empty/],
    ["a page", "<!doctype html><html>", "page", /page/],
    ["a page behind blanks", "\r\n  <html>\n", "page", /page/],
    ["NUL bytes", Buffer.from([...Buffer.from(good), 0, 10]), "binary", /NUL/],
    ["an executable", Buffer.from("7f454c4602010100000a", "hex"), "binary", /NUL/],
    ["UTF-16", Buffer.from(good.slice(1), "utf16le"), "binary", /NUL/],
    ["UTF-16 with a mark", Buffer.from(good, "utf16le"), "encoding", /UTF-16/],
    ["broken UTF-8", Buffer.concat([Buffer.from(good), Buffer.from([0xff, 0xff, 10])]), "encoding", /utf-8/],
    ["two encodings", Buffer.concat([Buffer.from(good), gbk("商户\n")]), "encoding", /utf-8/],
    ["an archive", Buffer.concat([Buffer.from("PK\u0003\u0004aaaa\n")]), "archive", /archive/],
    ["another table", "name,amount\r\na,1\r\n", "columns_missing", /交易时间, 商户号/],
    ["a missing column", good.replace("手续费", "費"), "columns_missing", /lacks 手续费/],
    ["a column twice", good.replace("设备号", "手续费"), "columns_missing", /手续费 twice/],
    ["a cut after a row", `${line(0)}\r\n${line(1)}\r\n`, "truncated", /cut/],
    ["a cut within the sums", `${line(0)}\r\n${line(1)}\r\n${line(3)}\r\n`, "truncated", /cut/],
    ["only a header", `${line(0)}\r\n`, "truncated", /cut/],
    ["the file doubled", good + good.slice(1), "doubled", /second header/],
    ["a row after the sums", `${good}${line(1)}\r\n`, "doubled", /after the sums/],
    ["a header in the middle", `${line(0)}\r\n${line(1)}\r\n${line(0).slice(1)}\r\n`, "doubled", /second header/],
    ["a row less", [line(0), line(1), line(3), line(4)].join("\r\n"), "count_differs", /总交易单数 2.+come to 1/],
    ["a row more", [line(0), line(1), line(1), line(2), line(3), line(4)].join("\r\n"), "count_differs", /come to 3/],
    ["an amount changed", good.replace("`1.00", "`1.01"), "sum_differs", /states 应结订单总金额 2.00.+come to 2.01/],
    ["a stated sum that is none", good.replace(/`2\.00(?=,`0\.00,`0\.00,`0)/, "`much"), "sum_differs", /much/],
    ["a line without end", Buffer.concat([Buffer.from(good), Buffer.alloc(70_000, 0x61)]), "line_too_long", /65536/],
    ["a long line", `${good.replace("茶", "a".repeat(70_000))}`, "line_too_long", /Line 2/],
  ];
  it.each(cases)("%s", async (_, file, code, sentence) => {
    expect(await refusal(wechat, file)).toEqual([code, expect.stringMatching(sentence)]);
  });

  it("a line of a gigabyte, of which nothing is held", async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      const chunk = Buffer.alloc(65_536, 0x61);
      for (; given < 2 ** 30; given += chunk.length) yield chunk;
    }
    expect(await refusal(wechat, { bytes: endless() })).toMatchObject(["line_too_long", /./]);
    expect(given).toBeLessThan(2 ** 20);
  });

  it("a file of which hardly a line can be read", async () => {
    const text = wechatTrade(Array.from({ length: 10_002 }, () => wechatRow({ 交易时间: "`1" })));
    expect(await refusal(wechat, text)).toMatchObject(["too_many_rejected", /10001/]);
  });

  it("another day's and another account's", async () => {
    expect(await refusal(wechat, good, { date: "2026-11-24" })).toMatchObject([
      "other_day",
      /nearest is of 2026-11-20/,
    ]);
    expect(await refusal(wechat, good, { merchant: "1900000999" })).toMatchObject(["other_account", /1900000109/]);
  });

  it("a fund bill given as a trade bill, and the other way", async () => {
    expect(await refusal(wechat, wechatFund([]))).toMatchObject(["columns_missing", /交易时间/]);
    expect(await refusal(formatOf("wechat", "fund_flow"), good)).toMatchObject(["columns_missing", /记账时间/]);
  });
});

describe("cut anywhere, changed anywhere,", () => {
  const bill = wechatTrade([
    wechatRow({}),
    wechatRow({ 商户订单号: "A2", 订单金额: "3.00", 应结订单金额: "3.00" }, 300),
  ]);

  it("a bill is refused, or tells the same money", async () => {
    const bytes = Buffer.from(bill.trimEnd());
    const whole = JSON.stringify((await read(wechat, bytes)).totals, (_, value) => String(value));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (at) => {
        const outcome = await refusal(wechat, bytes.subarray(0, at));
        if (outcome !== "read") return;
        // What the last sum has lost at its end must show as another sum, unless it says the same.
        expect(JSON.stringify((await read(wechat, bytes.subarray(0, at))).totals, (_, v) => String(v))).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });
});

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
