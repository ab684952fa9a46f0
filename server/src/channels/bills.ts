/**
 * Fetches what a channel's `bills.locate` found: streams it, decompressed, into the caller's files. The address of a bill
 * comes in an answer, so it is held to the channel's own origins and no redirect is followed; sizes and times are bounded;
 * a page in place of a bill, a file that was cut, and one with another hash than was told are no bills.
 */
import { createHash } from "node:crypto";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { InvariantError } from "../kit/error.ts";
import type { BillOutcome, BillPage, ChannelFailure, Unknown, UnknownReason } from "./contract.ts";
import { unknown } from "./refusal.ts";
import { outcomeOfBrokenExchange } from "./wire.ts";
import { BadZip, readZip } from "./zip.ts";

/** Where the files of a bill go. What was written counts only when the outcome is `fetched`. */
export interface BillSink {
  /**
   * Begins a file. A bill that is no archive is one file without a name; a name is the channel's text and no path. The
   * file is ended when it came whole, destroyed when it did not.
   */
  open(name: string | undefined): Writable;
}

/** Gives a page of a bill that has no file. */
export type NextPage = (cursor: string) => Promise<BillPage>;

export type BillFetch =
  /** All files came whole. `bytes` counts them decompressed. */
  | { readonly kind: "fetched"; readonly files: number; readonly bytes: number }
  | { readonly kind: "not_ready"; readonly retry_after_ms: number }
  | { readonly kind: "empty" }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

export interface BillLimits {
  /** The largest bill, all its files together, compressed and decompressed; 4 GB unless given. */
  readonly bytes_max?: number;
  /** Without a byte, in milliseconds; 30 s unless given. */
  readonly idle_ms?: number;
  /** For the whole download, in milliseconds; half an hour unless given. */
  readonly total_ms?: number;
}

export interface BillReceiver {
  /**
   * Streams a located bill into `sink`. Throws what the sink throws; the channel's trouble is the outcome `unknown`.
   * @param origins such as `https://api.mch.weixin.qq.com`: from nowhere else is anything downloaded.
   */
  receive(located: BillOutcome, origins: readonly string[], sink: BillSink, nextPage?: NextPage): Promise<BillFetch>;
  end(): Promise<void>;
}

const CONNECTIONS_PER_ORIGIN = 4;
const FILES_MAX = 64;

/** Why a file is no bill. */
class BadBill extends Error {
  readonly reason: UnknownReason;

  constructor(reason: UnknownReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Opens no connection yet. */
export function createBillReceiver(limits: BillLimits = {}): BillReceiver {
  const { bytes_max = 4 * 2 ** 30, idle_ms = 30_000, total_ms = 1_800_000 } = limits;
  const agent = new Agent({ connections: CONNECTIONS_PER_ORIGIN, headersTimeout: idle_ms, bodyTimeout: idle_ms });
  async function download(
    { download: { method, url, headers, body }, compression, sha1 }: Extract<BillOutcome, { kind: "located" }>,
    origins: readonly string[],
    sink: BillSink,
  ): Promise<BillFetch> {
    const address = URL.parse(url);
    if (!address || !origins.includes(address.origin))
      return unknown("integrity", `the bill lies at ${address?.origin ?? "no address"}, which is not the channel's`);
    const { origin, pathname, search } = address;
    const signal = AbortSignal.timeout(total_ms);
    const request = { origin, path: pathname + search, method, headers: { ...headers }, body: body ?? null, signal };
    const response = await agent.request(request);
    const problem = findProblem(response);
    if (!problem) return store(response.body, compression, { bytes_max, sha1 }, sink);
    response.body.on("error", () => undefined).destroy();
    return problem;
  }
  return {
    async receive(located, origins, sink, nextPage) {
      try {
        if (located.kind === "paged") {
          if (!nextPage) throw new InvariantError("a channel's bill is paged, and it gives no pages");
          return await storePages(located.cursor, nextPage, bytes_max, sink);
        }
        if (located.kind === "content")
          return await store(Readable.from([located.content]), located.compression, { bytes_max }, sink);
        return located.kind === "located" ? await download(located, origins, sink) : located;
      } catch (error) {
        if (error instanceof SinkFailed) throw error.cause;
        return outcomeOfBrokenExchange(error);
      }
    },
    end: () => agent.close(),
  };
}

function findProblem({ statusCode, headers }: Dispatcher.ResponseData): Unknown | undefined {
  if (statusCode === 429) return unknown("rate_limited", "status 429");
  if (statusCode >= 300 && statusCode < 400)
    return unknown("http_status", `status ${statusCode}: a redirect, which is not followed`);
  if (statusCode !== 200) return unknown("http_status", `status ${statusCode}`);
  if (String(headers["content-type"] ?? "").startsWith("text/html"))
    return unknown("unreadable", "a page came in place of the bill");
  return undefined;
}

/** What a bill is held to. */
interface Expected {
  readonly bytes_max: number;
  readonly sha1?: string | undefined;
}

/** The caller's file could not be written: its own affair, and no outcome of the channel. */
class SinkFailed extends Error {}

async function store(
  source: Readable,
  compression: "none" | "gzip" | "zip",
  expected: Expected,
  sink: BillSink,
): Promise<BillFetch> {
  const gauge = createGauge();
  const meter = createMeter(expected, compression === "none" ? undefined : gauge);
  const packed = gauge.through(source);
  try {
    if (compression === "zip") return await storeZip(packed, meter, sink, expected.bytes_max);
    const chunks = compression === "gzip" ? gunzip(packed) : packed;
    await storeFile(meter.through(chunks, true), sink.open(undefined));
    return { kind: "fetched", files: 1, bytes: meter.bytes() };
  } catch (error) {
    if (error instanceof BadBill) return unknown(error.reason, error.message);
    if (error instanceof BadZip) return unknown("unreadable", `the bill is no good zip file: ${error.message}`);
    const code = (error as { code?: unknown }).code;
    if (typeof code === "string" && code.startsWith("Z_"))
      return unknown("unreadable", `the bill does not decompress: ${(error as Error).message}`);
    throw error;
  } finally {
    source.destroy();
  }
}

/** A page could not be had: the whole bill is what its outcome says. */
class NoPage extends Error {
  readonly outcome: Exclude<BillPage, { kind: "page" }>;

  constructor(outcome: Exclude<BillPage, { kind: "page" }>) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

/** Waited before a later page is asked for again, in milliseconds: what was read so far would be lost. */
const PAGE_PAUSES_MS = [500, 2_000, 8_000];

/** The first page is asked for before the file is begun, once: it tells whether there is a bill. */
async function storePages(cursor: string, nextPage: NextPage, bytes_max: number, sink: BillSink): Promise<BillFetch> {
  const first = await nextPage(cursor);
  if (first.kind !== "page") return first;
  const meter = createMeter({ bytes_max });
  async function* pages(): AsyncGenerator<Buffer> {
    for (let page: BillPage = first; ; page = await askPatiently(nextPage, page.next)) {
      if (page.kind !== "page") throw new NoPage(page);
      yield page.content;
      if (page.next === undefined) return;
    }
  }
  try {
    await storeFile(meter.through(pages(), true), sink.open(undefined));
    return { kind: "fetched", files: 1, bytes: meter.bytes() };
  } catch (error) {
    if (error instanceof NoPage) return error.outcome;
    if (error instanceof BadBill) return unknown(error.reason, error.message);
    throw error;
  }
}

/** Troubles that pass by themselves. */
const passing: ReadonlySet<UnknownReason> = new Set<UnknownReason>([
  ...(["timeout", "connection", "http_status", "rate_limited", "system_error"] as const),
]);

async function askPatiently(nextPage: NextPage, cursor: string): Promise<BillPage> {
  for (const pause of PAGE_PAUSES_MS) {
    const page = await nextPage(cursor);
    if (page.kind !== "unknown" || !passing.has(page.reason)) return page;
    await sleep(pause);
  }
  return nextPage(cursor);
}

async function storeZip(
  source: AsyncIterable<Buffer>,
  meter: Meter,
  sink: BillSink,
  bytes_max: number,
): Promise<BillFetch> {
  let files = 0;
  for await (const { name, chunks } of readZip(bounded(source, bytes_max))) {
    files += 1;
    if (files > FILES_MAX) throw new BadBill("unreadable", `the bill has more than ${FILES_MAX} files`);
    await storeFile(meter.through(chunks, false), sink.open(name));
  }
  meter.check();
  return { kind: "fetched", files, bytes: meter.bytes() };
}

/** An archive may hold more than its files: what is not passed on counts too. */
async function* bounded(source: AsyncIterable<Buffer>, bytes_max: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > bytes_max) throw tooLarge(bytes_max);
    yield chunk;
  }
}

/** Writes one file. What its source throws is thrown as it is; what the file throws, as SinkFailed. */
async function storeFile(chunks: AsyncIterable<Buffer>, file: Writable): Promise<void> {
  let trouble: unknown;
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* chunks;
    } catch (error) {
      trouble = error;
      throw error;
    }
  }
  try {
    await pipeline(watched, file);
  } catch (error) {
    throw trouble ?? new SinkFailed("the bill could not be stored", { cause: error });
  }
}

async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzipping = createGunzip();
  // What breaks the source breaks the reading below with the same error.
  const fed = pipeline(source, gunzipping).catch(() => undefined);
  yield* gunzipping;
  await fed;
}

/** Bills are a tenth or a twentieth when packed; what is small may be more. */
const RATIO_MAX = 200;
const RATIO_FREE_BYTES = 16 * 2 ** 20;

/** Counts what comes in packed. */
interface Gauge {
  through(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
  bytes(): number;
}

function createGauge(): Gauge {
  let bytes = 0;
  return {
    async *through(source) {
      for await (const chunk of source) {
        bytes += chunk.length;
        yield chunk;
      }
    },
    bytes: () => bytes,
  };
}

/** Counts and hashes what passes. */
interface Meter {
  /** @param last whether nothing follows these chunks, so that the whole can be checked before their file is ended. */
  through(chunks: AsyncIterable<Buffer>, last: boolean): AsyncGenerator<Buffer>;
  /** Throws BadBill when nothing came, or something else than was told. */
  check(): void;
  bytes(): number;
}

/** @param packed what the bill is unpacked from. */
function createMeter({ bytes_max, sha1 }: Expected, packed?: Gauge): Meter {
  const hash = createHash("sha1");
  let bytes = 0;
  const meter: Meter = {
    async *through(chunks, last) {
      for await (const chunk of chunks) {
        if (bytes === 0 && looksLikePage(chunk)) throw new BadBill("unreadable", "a page came in place of the bill");
        bytes += chunk.length;
        if (bytes > bytes_max) throw tooLarge(bytes_max);
        if (packed && bytes > RATIO_FREE_BYTES && bytes > packed.bytes() * RATIO_MAX)
          throw new BadBill("unreadable", `the bill unpacks to more than ${RATIO_MAX} times its size`);
        if (sha1 !== undefined) hash.update(chunk);
        yield chunk;
      }
      if (last) meter.check();
    },
    check() {
      if (bytes === 0) throw new BadBill("unreadable", "the bill is empty");
      if (sha1 === undefined) return;
      const found = hash.digest("hex");
      if (found !== sha1.toLowerCase())
        throw new BadBill("integrity", `the SHA-1 of the bill is ${found}, not ${sha1} as the channel told`);
    },
    bytes: () => bytes,
  };
  return meter;
}

function looksLikePage(chunk: Buffer): boolean {
  return chunk.toString("latin1", 0, 64).trimStart().startsWith("<");
}

function tooLarge(bytes_max: number): BadBill {
  return new BadBill("unreadable", `the bill is larger than ${bytes_max} bytes`);
}
