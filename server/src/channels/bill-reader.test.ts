/**
 * Guarantees: a bill that is whole is read whole, however it is cut into chunks, with columns added, moved and dressed up
 * as channels and spreadsheets do; a line that cannot be read is kept with its reason; a file that is damaged, hostile or
 * not the bill that it should be is refused with a sentence, and never more of it is held than a piece.
 */
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gbk, wechatFund, wechatHeader, wechatLine, wechatRow, wechatTrade } from "./testing/bill-files.ts";
import { formatOf, read, refusal } from "./testing/read-file.ts";

const wechat = formatOf("wechat");

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
