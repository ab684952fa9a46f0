/**
 * Guarantee: what a person hands in is unpacked by what it is, not by what it is called; an archive that is damaged, hides
 * another, or was made to explode is refused with a sentence before it takes room or memory.
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { writeZip } from "../../../sandbox/kit/zip.ts";
import { readBill } from "./bill-reader.ts";
import { unpackBill } from "./bill-unpack.ts";
import { getChannel } from "./registry.ts";
import { wechatRow, wechatTrade } from "./testing/bill-files.ts";

const text = Buffer.from("交易时间,微信订单号\r\n");
const zipOf = (...files: [string, Buffer][]) =>
  writeZip(
    files.map(([name, content]) => ({ name, content })),
    "20261120000000",
  );

async function unpack(bytes: Buffer, name = "bill.csv", limits = {}) {
  const files: [string | undefined, string][] = [];
  // Byte by byte: nothing hangs on how it arrives.
  const chunks = Readable.from(bytes.length < 1_000 ? [...bytes].map((byte) => Buffer.from([byte])) : [bytes]);
  for await (const file of unpackBill(name, chunks, limits))
    files.push([file.name, (await buffer(file.chunks)).toString()]);
  return files;
}

const refusal = (bytes: Buffer, limits = {}) =>
  unpack(bytes, "bill", limits).then(
    () => "unpacked",
    ({ code, message }) => [code, message],
  );

describe("a bill that is handed in", () => {
  it("is taken as it is, from gzip, and from a zip file of several", async () => {
    expect(await unpack(text)).toEqual([["bill.csv", text.toString()]]);
    expect(await unpack(gzipSync(text), "bill.csv.gz")).toEqual([["bill.csv", text.toString()]]);
    const files: [string, Buffer][] = [
      ["明细.csv", text],
      ["汇总.csv", Buffer.from("b")],
    ];
    expect(await unpack(zipOf(...files), "bill.csv")).toEqual(files.map(([name, bytes]) => [name, bytes.toString()]));
    expect(await unpack(Buffer.alloc(0))).toEqual([["bill.csv", ""]]);
  });

  it("is refused when it was cut anywhere", async () => {
    const zip = zipOf(["a", Buffer.from("some text that is long enough")]);
    const gzip = gzipSync(text);
    for (let length = 4; length < zip.length; length += 1)
      expect([length, (await refusal(zip.subarray(0, length)))[0]]).toEqual([length, "archive"]);
    for (let length = 2; length < gzip.length; length += 1)
      expect([length, (await refusal(gzip.subarray(0, length)))[0]]).toEqual([length, "archive"]);
  });

  it("is refused when it explodes, or is larger than a bill may be", async () => {
    const zeros = Buffer.alloc(64 * 2 ** 20);
    expect(await refusal(gzipSync(zeros))).toEqual(["archive", expect.stringContaining("200 times")]);
    expect(await refusal(bomb(zeros))).toEqual(["archive", expect.stringContaining("200 times")]);
    expect(await refusal(text, { bytes_max: 10 })).toEqual(["too_large", expect.stringContaining("10 bytes")]);
  });

  it("is refused with more files than a bill has", async () => {
    const many = Array.from({ length: 65 }, (_, index): [string, Buffer] => [`${index}`, Buffer.from("x")]);
    expect(await refusal(zipOf(...many))).toEqual(["archive", expect.stringContaining("64 files")]);
  });

  it("hides no archive within its archive", async () => {
    const inner = zipOf(["a.csv", Buffer.from(wechatTrade([wechatRow({})]))]);
    const files = unpackBill("bill.zip", Readable.from([zipOf(["inner.zip", inner])]));
    const { batches } = readBill(getChannel("wechat")!.bills!.formats!.trade!, {}, files);
    const readAll = async () => {
      for await (const _ of batches);
    };
    await expect(readAll()).rejects.toMatchObject({ name: "BillRefused", code: "archive" });
  });
});

/** A zip file whose header tells the truth: it is its contents that explode. */
function bomb(content: Buffer): Buffer {
  const deflated = deflateRawSync(content);
  const zip = zipOf(["a", Buffer.from("x")]);
  const name = Buffer.from("a");
  const header = Buffer.from(zip.subarray(0, 30));
  header.writeUInt16LE(8, 8);
  header.writeUInt32LE(deflated.length, 18);
  header.writeUInt32LE(content.length, 22);
  return Buffer.concat([header, name, deflated]);
}
