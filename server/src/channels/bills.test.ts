/**
 * Guarantee: a bill is streamed as it was published or it is not a bill. Wherever its address leads, however its transfer
 * breaks and whatever comes in its place, nothing counts that did not come whole from the channel's own origin, and no
 * more of it is held than a chunk.
 */
import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { writeZip } from "../../../sandbox/kit/zip.ts";
import { type BillLimits, type BillSink, createBillReceiver } from "./bills.ts";
import { createObservedCallers, makeUuid, startPeer } from "./conformance/harness.ts";
import type { BillOutcome, Channel, ChannelAccount } from "./contract.ts";
import { channels } from "./registry.ts";

/** Both written by Python's zipfile: in place with names in UTF-8, and as a stream (lengths follow) with names in GBK. */
const zipInPlace = Buffer.from(
  "UEsDBBQAAAgIAAAAIQCXletlGQAAABYAAAAQAAAAMjA4ODFf5piO57uGLmNzdtu7+9L1XUd19n7Y9o6Xy1DHwkLPwJCXCwBQSwMEFAAACAAAAA" +
    "AhAAv5Q1YGAAAABgAAAAoAAADmsYfmgLsudHh0c3RvcmVkUEsBAhQDFAAACAgAAAAhAJeV62UZAAAAFgAAABAAAAAAAAAAAAAAAIABAAAAADIw" +
    "ODgxX+aYjue7hi5jc3ZQSwECFAMUAAAIAAAAACEAC/lDVgYAAAAGAAAACgAAAAAAAAAAAAAAgAFHAAAA5rGH5oC7LnR4dFBLBQYAAAAAAgACAH" +
    "YAAAB1AAAAAAA=",
  "base64",
);
const zipAsStream = Buffer.from(
  "UEsDBBQACAAIAAAAIQAAAAAAAAAAAAAAAAAOAAAAMjA4ODFfw/fPuC5jc3bbu/vS9V1HdfZ+2PaOl8tQx8JCz8CQlwsAUEsHCJeV62UZAAAAFg" +
    "AAAFBLAwQUAAgACAAAACEAAAAAAAAAAAAAAAAACAAAALvj19wudHh07cExAQAAAMKg2otvDQ+gAACAdwNQSwcI5xfumBQAAAC4CwAAUEsBAhQD" +
    "FAAIAAgAAAAhAJeV62UZAAAAFgAAAA4AAAAAAAAAAAAAAIABAAAAADIwODgxX8P3z7guY3N2UEsBAhQDFAAIAAgAAAAhAOcX7pgUAAAAuAsAAA" +
    "gAAAAAAAAAAAAAAIABVQAAALvj19wudHh0UEsFBgAAAAACAAIAcgAAAJ8AAAAAAA==",
  "base64",
);

type Compression = "none" | "gzip" | "zip";
type Fetch = { kind: string; reason?: string; detail?: string };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function peerWith(answer: (response: ServerResponse) => void): Promise<string> {
  const peer = await startPeer((_request, response) => answer(response));
  cleanups.push(peer.close);
  return peer.url;
}

/** Keeps what was written; `whole` names the files that were ended. */
function createSink() {
  const files = new Map<string, Buffer[]>();
  const whole: string[] = [];
  const sink: BillSink = {
    open(name = "bill") {
      const chunks: Buffer[] = [];
      files.set(name, chunks);
      return new Writable({
        write: (chunk, _encoding, done) => done(void chunks.push(chunk)),
        final: (done) => done(void whole.push(name)),
      });
    },
  };
  return { sink, whole, contentOf: (name = "bill") => Buffer.concat(files.get(name) ?? []) };
}

const locatedAt = (url: string, compression: Compression = "none", sha1?: string): BillOutcome => ({
  kind: "located",
  download: { method: "GET", url: `${url}/file?token=a`, headers: { "x-signed": "yes" } },
  compression,
  ...(sha1 === undefined ? {} : { sha1 }),
});

async function receive(located: BillOutcome, origins: string[], limits: BillLimits = {}) {
  const receiver = createBillReceiver(limits);
  const made = createSink();
  const outcome: Fetch = await receiver.receive(located, origins, made.sink);
  await receiver.end();
  return { outcome, ...made };
}

/** What comes of a bill that a peer serves so. */
async function fetchFrom(
  answer: (response: ServerResponse) => void,
  { compression = "none", sha1, ...limits }: BillLimits & { compression?: Compression; sha1?: string } = {},
) {
  const url = await peerWith(answer);
  return receive(locatedAt(url, compression, sha1), [url], limits);
}

const content = (bytes: Buffer, compression: "none" | "zip"): BillOutcome => ({
  kind: "content",
  content: bytes,
  compression,
});
const csv = Buffer.from("\ufeff交易时间,商户订单号\r\n`2026-11-19 12:00:00,`01JC\r\n");
const sha1Of = (bytes: Buffer) => createHash("sha1").update(bytes).digest("hex");

describe("a good bill", () => {
  it.each([
    ["none", csv],
    ["gzip", gzipSync(csv)],
  ] as const)("arrives byte for byte (%s), held to the hash of what it says", async (compression, bytes) => {
    const options = { compression, sha1: sha1Of(csv).toUpperCase() };
    const { outcome, whole, contentOf } = await fetchFrom((response) => response.end(bytes), options);
    expect(outcome).toEqual({ kind: "fetched", files: 1, bytes: csv.length });
    expect([whole, contentOf()]).toEqual([["bill"], csv]);
  });

  it.each([
    ["in place", zipInPlace, "stored"],
    ["as a stream", zipAsStream, "x".repeat(3000)],
  ])("is unpacked from a zip file that was written %s, however its bytes arrive", async (_, bytes, second) => {
    for (const size of [1, 7, 30, 100_000]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_part, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const { outcome, whole, contentOf } = await fetchFrom(
        async (response) => {
          for (const part of parts) await new Promise((resolve) => response.write(part, resolve));
          response.end();
        },
        { compression: "zip" },
      );
      expect(outcome).toMatchObject({ kind: "fetched", files: 2 });
      expect(whole).toEqual(["20881_明细.csv", "汇总.txt"]);
      expect(new TextDecoder("gb18030").decode(contentOf("20881_明细.csv"))).toBe("交易号,金额\r\n1,88.01\r\n");
      expect(contentOf("汇总.txt").toString()).toBe(second);
    }
  });

  it("that came within the answer is unpacked alike", async () => {
    const { outcome, whole } = await receive(content(zipAsStream, "zip"), []);
    expect([outcome.kind, whole.length]).toEqual(["fetched", 2]);
  });

  it("is fetched by the caller through what the channel offers, with the signed headers", async () => {
    let signed: unknown;
    const peer = await startPeer((request, response) => {
      signed = request.headers["x-signed"];
      response.end(request.url === "/locate" ? "here" : csv);
    });
    cleanups.push(peer.close);
    const channel: Channel = {
      ...channels.wechat!,
      bills: {
        kinds: ["trade"],
        ready_at: "10:00",
        kept_ms: 1,
        origins: () => [peer.url],
        locate: {
          toRequest: async () => ({ method: "GET", url: `${peer.url}/locate`, headers: {} }),
          fromResponse: () => locatedAt(peer.url),
        },
      },
    };
    const account: ChannelAccount = { id: makeUuid(), version: 1, livemode: false, config: {}, secrets: {} };
    const { caller } = createObservedCallers();
    const { sink, contentOf } = createSink();
    const input = { kind: "trade", date: "2026-11-19" } as const;
    expect(await caller.downloadBill(channel, account, input, sink)).toMatchObject({ kind: "fetched" });
    expect([signed, contentOf()]).toEqual(["yes", csv]);
    await caller.end();
  });

  it.each([
    { kind: "not_ready", retry_after_ms: 1 },
    { kind: "empty" },
    { kind: "failed", failure: { code: "NO_AUTH", message: "" } },
  ] as const)("that is not there is told as the channel told it: %o", async (located) => {
    expect((await receive(located, [])).outcome).toEqual(located);
  });
});

describe("an address elsewhere", () => {
  it.each([
    ["another host", "https://bills.example"],
    ["another port", "http://127.0.0.1:1"],
    ["a look-alike", "https://api.mch.weixin.qq.com.example"],
    ["a user in front", "https://api.mch.weixin.qq.com@bills.example"],
    ["plain http", "http://api.mch.weixin.qq.com"],
    ["a file", "file:///etc/passwd"],
    ["no address", "nowhere"],
  ])("is not asked: %s", async (_, url) => {
    const { outcome, whole } = await receive(locatedAt(url), ["https://api.mch.weixin.qq.com"]);
    expect(outcome).toMatchObject({ kind: "unknown", reason: "integrity" });
    expect(whole).toEqual([]);
  });

  it.each([301, 302, 303, 307, 308])("is not followed by a redirect of status %i", async (status) => {
    let followed = false;
    const target = await peerWith((response) => {
      followed = true;
      response.end(csv);
    });
    const { outcome } = await fetchFrom((response) => response.writeHead(status, { location: target }).end(csv));
    expect(outcome).toMatchObject({ kind: "unknown", reason: "http_status" });
    expect(followed).toBe(false);
  });
});

describe("what is no bill", () => {
  const page = "  <!doctype html><h1>502 Bad Gateway</h1>";
  const gzipped = gzipSync(csv);
  const cases: [string, (response: ServerResponse) => void, Compression, string][] = [
    ["nothing", (response) => response.end(), "none", "unreadable"],
    ["nothing, compressed", (response) => response.end(gzipSync("")), "gzip", "unreadable"],
    ["nothing in place of an archive", (response) => response.end(), "zip", "unreadable"],
    ["a page", (response) => response.writeHead(200, { "content-type": "text/html" }).end(page), "none", "unreadable"],
    ["a page that says it is text", (response) => response.end(page), "none", "unreadable"],
    ["a page in place of gzip", (response) => response.end(page), "gzip", "unreadable"],
    ["a page in place of zip", (response) => response.end(page), "zip", "unreadable"],
    ["a cut gzip file", (response) => response.end(gzipped.subarray(0, gzipped.length - 9)), "gzip", "unreadable"],
    ["a cut gzip trailer", (response) => response.end(gzipped.subarray(0, gzipped.length - 1)), "gzip", "unreadable"],
    ["a bare status 404", (response) => response.writeHead(404).end(), "none", "http_status"],
    ["a bare status 500", (response) => response.writeHead(500).end(), "none", "http_status"],
    ["a bare status 429", (response) => response.writeHead(429).end(), "none", "rate_limited"],
  ];
  it.each(cases)("is not taken for one: %s", async (_, answer, compression, reason) => {
    const { outcome, whole } = await fetchFrom(answer, { compression });
    expect(outcome).toMatchObject({ kind: "unknown", reason });
    expect(whole).toEqual([]);
  });

  it("with another hash than was told is not ended", async () => {
    const { outcome, whole } = await fetchFrom((response) => response.end(csv), { sha1: sha1Of(gzipSync(csv)) });
    expect(outcome).toMatchObject({ kind: "unknown", reason: "integrity" });
    expect(whole).toEqual([]);
  });

  it.each([
    ["in place", zipInPlace],
    ["as a stream", zipAsStream],
  ])("is a zip file, written %s, that was cut anywhere, or whose bytes were changed", async (_, good) => {
    const end = good.length - 1;
    await fc.assert(
      fc.asyncProperty(fc.nat(end), async (length) => {
        const { outcome } = await receive(content(good.subarray(0, length), "zip"), []);
        expect(outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
      }),
      { numRuns: 150 },
    );
    const whole = await receive(content(good, "zip"), []);
    await fc.assert(
      fc.asyncProperty(fc.nat(end), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Buffer.from(good);
        bytes[at] = bytes[at]! ^ mask;
        const changed = await receive(content(bytes, "zip"), []);
        // Dates and attributes of a file are nobody's, and a name's spelling may be another: its contents must not be.
        if (changed.outcome.kind !== "fetched") return;
        const contentsOf = (fetched: typeof whole) => fetched.whole.map((name) => fetched.contentOf(name));
        expect(contentsOf(changed)).toEqual(contentsOf(whole));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["encrypted", { flags: 1 }],
    ["of an unknown method", { method: 14 }],
    ["stored without a length", { flags: 8, method: 0 }],
    ["zip64", { size: 0xffffffff }],
  ])("is a zip file that is %s", async (_, { flags = 0, method = 8, size = 1 }: Record<string, number>) => {
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(flags, 6);
    header.writeUInt16LE(method, 8);
    header.writeUInt32LE(size, 22);
    const { outcome } = await receive(content(Buffer.concat([header, deflateRawSync("x")]), "zip"), []);
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
  });
});

describe("a transfer that breaks", () => {
  it("in the middle is not known, and its file is not ended", async () => {
    for (const compression of ["none", "gzip", "zip"] as const) {
      const bytes = { none: csv, gzip: gzipSync(csv), zip: zipAsStream }[compression];
      const { outcome, whole } = await fetchFrom(
        (response) => {
          response.writeHead(200, { "content-length": bytes.length });
          response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
        },
        { compression },
      );
      expect(outcome).toMatchObject({ kind: "unknown", reason: "connection" });
      // The first file of the archive had come whole by then.
      expect(whole).toEqual(compression === "zip" ? ["20881_明细.csv"] : []);
    }
  });

  it("by dripping ends with the time for the whole", async () => {
    const { outcome } = await fetchFrom(
      (response) => {
        const drip = setInterval(() => response.write("1"), 20);
        response.on("close", () => clearInterval(drip));
      },
      { total_ms: 300 },
    );
    expect(outcome).toMatchObject({ kind: "unknown", reason: "timeout" });
  });

  it("by falling silent ends with the time for a byte", async () => {
    const { outcome } = await fetchFrom((response) => response.write("1"), { idle_ms: 100 });
    expect(outcome).toMatchObject({ kind: "unknown", reason: "timeout" });
  });

  it("because the caller's file cannot be written is the caller's own affair", async () => {
    const url = await peerWith((response) => response.end(csv));
    const receiver = createBillReceiver();
    const full: BillSink = {
      open: () => new Writable({ write: (_chunk, _encoding, done) => done(new Error("no space left")) }),
    };
    await expect(receiver.receive(locatedAt(url), [url], full)).rejects.toThrow("no space left");
    await expect(receiver.receive(content(csv, "none"), [], full)).rejects.toThrow("no space left");
    await receiver.end();
  });
});

describe("a bill without an end", () => {
  const mebibyte = Buffer.alloc(1_048_576, 0x31);

  /** Serves up to 100 MB, as fast as it is read. */
  function endless() {
    const served = { mebibytes: 0 };
    const answer = (response: ServerResponse) => {
      const write = () => {
        while (served.mebibytes < 100 && !response.destroyed) {
          served.mebibytes += 1;
          if (!response.write(mebibyte)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    };
    return { served, answer };
  }

  it("is left when it is larger than is allowed", async () => {
    const { served, answer } = endless();
    const { outcome, whole } = await fetchFrom(answer, { bytes_max: 4 * 1_048_576 });
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
    expect([whole, served.mebibytes < 100]).toEqual([[], true]);
  });

  it("is left when it only grows so large by decompressing", async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1_048_576, 0x31));
    const { outcome, whole } = await fetchFrom((response) => response.end(bomb), {
      compression: "gzip",
      bytes_max: 4 * 1_048_576,
    });
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
    expect(whole).toEqual([]);
  });

  it("is left when it unpacks to more than a bill could, long before it fills a disk", async () => {
    const zeros = Buffer.alloc(64 * 1_048_576);
    for (const [compression, bytes] of [
      ["gzip", gzipSync(zeros)],
      ["zip", writeZip([{ name: "bill", content: zeros }], "20261120000000")],
    ] as const) {
      const { outcome, whole } = await fetchFrom((response) => response.end(bytes), { compression });
      expect(outcome).toMatchObject({
        kind: "unknown",
        reason: "unreadable",
        detail: expect.stringContaining("200 times"),
      });
      expect(whole).toEqual([]);
    }
  });

  it("is read no faster than it is stored", async () => {
    const { served, answer } = endless();
    const url = await peerWith(answer);
    const receiver = createBillReceiver();
    let release: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: BillSink = {
      open: () => new Writable({ write: (_chunk, _encoding, done) => void stuck.then(() => done()) }),
    };
    const fetching = receiver.receive(locatedAt(url), [url], slow);
    let before = -1;
    // The sockets' own buffers fill up first; then nothing moves.
    while (served.mebibytes !== before || before < 1) {
      before = served.mebibytes;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(served.mebibytes).toBeLessThan(100);
    release();
    expect(await fetching).toMatchObject({ kind: "fetched", bytes: 100 * 1_048_576 });
    await receiver.end();
  });
});
