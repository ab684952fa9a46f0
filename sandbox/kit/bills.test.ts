/**
 * Guarantee: a bill shows exactly the discrepancies that were asked for, the same at each download, and what a bill is
 * written in is GBK that others read as it was meant.
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { readZip } from "../../server/src/channels/zip.ts";
import { type BillLine, createBillBook, readDiscrepancies } from "./bills.ts";
import { encodeGbk, padGbk } from "./gbk.ts";
import { writeZip } from "./zip.ts";

const name = { channel: "unionpay", merchant: "7772", date: "2026-11-20" } as const;
const line = (number: string, type: BillLine["type"] = "payment"): BillLine => ({
  type,
  number,
  amount: 100n,
  fee: 1n,
  at_ms: 0,
});
const days: Record<string, BillLine[]> = {
  "2026-11-19": [line("A1"), line("A2")],
  "2026-11-20": [line("B1"), line("B2"), line("B3", "refund")],
};
const writer = {
  collect: (date: string) => days[date] ?? [],
  invent: (number: string, amount: bigint) => ({ ...line(number), amount }),
  endOf: (date: string) => Date.parse(date) + 86_400_000,
};
const numbersOf = (lines: BillLine[]) => lines.map(({ number }) => number);

describe("discrepancies", () => {
  it("are none unless they are asked for, and leave the trades alone", () => {
    const book = createBillBook();
    expect(book.bend(name, writer)).toEqual(days["2026-11-20"]);
    book.ask(name, [{ kind: "amount", number: "B1", by: 5n }], 0);
    expect(book.bend(name, writer)[0]).toMatchObject({ number: "B1", amount: 105n });
    expect(days["2026-11-20"]![0]!.amount).toBe(100n);
    book.clear();
    expect(book.bend(name, writer)).toEqual(days["2026-11-20"]);
  });

  it("fall on the line that is named, or on the first that is left", () => {
    const book = createBillBook();
    book.ask(name, [{ kind: "missing", number: "B2" }, { kind: "fee", by: -1n }, { kind: "missing" }], 0);
    book.ask(name, [{ kind: "extra", number: "X1", amount: 7n }], 0);
    for (let time = 0; time < 2; time += 1) {
      const lines = book.bend(name, writer);
      expect(numbersOf(lines)).toEqual(["B1", "X1"]);
      expect(lines.map(({ amount, fee }) => [amount, fee])).toEqual([
        [100n, 0n],
        [7n, 1n],
      ]);
    }
  });

  it("move a line into the next day's bill", () => {
    const book = createBillBook();
    book.ask({ ...name, date: "2026-11-19" }, [{ kind: "late", number: "A2" }], 0);
    expect(numbersOf(book.bend({ ...name, date: "2026-11-19" }, writer))).toEqual(["A1"]);
    expect(numbersOf(book.bend(name, writer))).toEqual(["A2", "B1", "B2", "B3"]);
  });

  it("change what a line says, double it, and leave out a refund", () => {
    const book = createBillBook();
    book.ask(
      name,
      [
        { kind: "currency", number: "B1", currency: "USD" },
        { kind: "number", number: "B1", to: "B9" },
        { kind: "duplicate", number: "B2" },
        { kind: "missing_refund" },
      ],
      0,
    );
    const lines = book.bend(name, writer);
    expect(numbersOf(lines)).toEqual(["B9", "B2", "B2"]);
    expect(lines[0]!.currency).toBe("USD");
  });

  it("move a line over midnight, its time too", () => {
    const book = createBillBook();
    book.ask({ ...name, date: "2026-11-19" }, [{ kind: "midnight", number: "A2" }], 0);
    expect(numbersOf(book.bend({ ...name, date: "2026-11-19" }, writer))).toEqual(["A1"]);
    expect(book.bend(name, writer)[0]).toEqual({ ...line("A2"), at_ms: Date.parse("2026-11-20") + 10_000 });
  });

  it("spoil the file: cut, doubled, with foreign bytes, other sums or another hash", () => {
    const faultsOf = (...kinds: ("truncated" | "doubled" | "encoding" | "hash")[]) => {
      const book = createBillBook();
      book.ask(name, [...kinds.map((kind) => ({ kind })), { kind: "summary", by: 5n }], 0);
      return book.faultsOf(name);
    };
    const content = Buffer.from("abcd");
    expect(faultsOf("truncated").spoil(content).toString()).toBe("a");
    expect(faultsOf("doubled").spoil(content).toString()).toBe("abcdabcd");
    expect(faultsOf("encoding").spoil(content).toString("latin1")).toBe("ab\u00ff\u00ffcd");
    expect(faultsOf("hash")).toMatchObject({ wrong_hash: true, summary_by: 5n });
    expect(createBillBook().faultsOf(name).spoil(content)).toBe(content);
  });

  it("hold a bill back for a time, and then publish it", () => {
    const book = createBillBook();
    book.ask(name, [{ kind: "not_ready", seconds: 60 }], 1_000);
    expect([60_999, 61_000].map((now_ms) => book.isPublished(name, now_ms, 10))).toEqual([false, true]);
  });

  it("are of the merchant, the channel and the day that was named", () => {
    const book = createBillBook();
    book.ask({ ...name, merchant: "other" }, [{ kind: "missing" }], 0);
    book.ask({ channel: "wechat", date: name.date }, [{ kind: "missing" }], 0);
    expect(book.bend(name, writer)).toHaveLength(3);
    expect(book.isPublished(name, 5, 10)).toBe(false);
    expect(book.isPublished(name, 10, 10)).toBe(true);
    book.ask({ channel: "unionpay", date: name.date }, [], 0);
    expect(book.isPublished(name, 5, 10)).toBe(true);
  });

  it.each([
    [{ kind: "gone" }, "kind"],
    [{ kind: "extra", amount: 1 }, "number"],
    [{ kind: "amount", by: 0.5 }, "whole number"],
    [{ kind: "missing", number: 1 }, "number"],
    [{ kind: "status", status: "X" }, "show no status"],
    [{ kind: "hash" }, "show no hash"],
    [{ kind: "number" }, '"to"'],
  ])("are refused with a sentence when they make no sense: %o", (item, sentence) => {
    expect(() => readDiscrepancies("unionpay", [item])).toThrow(sentence);
  });
});

describe("writing", () => {
  it("makes GBK that is read back as it was, with a question mark for what GBK lacks", () => {
    const text = "交易 88.01 元，汇流〇Ａ—“”；é";
    expect(new TextDecoder("gb18030").decode(encodeGbk(text))).toBe(text);
    expect(encodeGbk("🥮é")).toEqual(Buffer.from([0x3f, 0xa8, 0xa6]));
    expect(encodeGbk("中").toString("hex")).toBe("d6d0");
  });

  it("fills up and cuts by bytes, between characters", () => {
    expect(padGbk("中文", 5).toString("hex")).toBe("d6d0cec420");
    expect(padGbk("中文", 3).toString("hex")).toBe("d6d020");
  });

  it("makes zip files that a reader that knows nothing of it unpacks", async () => {
    const files = [
      { name: "汇总.csv", content: encodeGbk("汇流") },
      { name: "empty", content: Buffer.alloc(0) },
    ];
    const found: typeof files = [];
    for await (const { name: label, chunks } of readZip(Readable.from([writeZip(files, "20261121090000")])))
      found.push({ name: label, content: await buffer(chunks) });
    expect(found).toEqual(files);
  });
});
