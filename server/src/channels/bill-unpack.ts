/**
 * A bill as a person hands it in: as it is, in gzip, or a zip file of several. What it is, its first bytes say. An archive is
 * unpacked as it is read, and no further than a bill could be: one that was made to explode is refused.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { BillRefused } from "./bill-refused.ts";
import { BadZip, readZip } from "./zip.ts";

/** A file of a bill, decompressed. */
export interface BillFile {
  readonly name: string | undefined;
  readonly chunks: AsyncIterable<Buffer>;
}

export interface UnpackLimits {
  /** Of all files together, unpacked; 4 GB unless given. */
  readonly bytes_max?: number;
}

const BYTES_MAX = 4 * 2 ** 30;
const FILES_MAX = 64;
/** Bills are a tenth or a twentieth when packed. What begins small may be more, as a file of blanks is. */
const RATIO_MAX = 200;
const RATIO_FREE_BYTES = 16 * 2 ** 20;

/** The files of what was handed in. Each is read to its end before the next is asked for. Throws BillRefused. */
export async function* unpackBill(
  name: string | undefined,
  content: AsyncIterable<Uint8Array>,
  { bytes_max = BYTES_MAX }: UnpackLimits = {},
): AsyncGenerator<BillFile> {
  const gauge = createGauge(bytes_max);
  const { head, chunks } = await peek(gauge.packed(content));
  if (head.length >= 4 && head.readUInt32BE(0) === 0x504b0304) {
    yield* unzip(chunks, gauge);
  } else if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) {
    yield { name: name?.replace(/\.gz$/i, ""), chunks: gauge.unpacked(gunzip(chunks)) };
  } else {
    yield { name, chunks: gauge.plain(chunks) };
  }
}

/** Holds what comes out against what went in. */
interface Gauge {
  packed(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer>;
  unpacked(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
  plain(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
}

function createGauge(bytes_max: number): Gauge {
  let [inward, outward] = [0, 0];
  async function* counted(chunks: AsyncIterable<Buffer>, ratio_max: number): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      outward += chunk.length;
      if (outward > bytes_max) throw new BillRefused("too_large", `The bill has more than ${bytes_max} bytes.`);
      if (outward > RATIO_FREE_BYTES && outward > inward * ratio_max)
        throw new BillRefused(
          "archive",
          `The archive unpacks to more than ${ratio_max} times its size: it is no bill.`,
        );
      yield chunk;
    }
  }
  return {
    async *packed(content) {
      for await (const chunk of content) {
        inward += chunk.length;
        yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
      }
    },
    unpacked: (chunks) => counted(chunks, RATIO_MAX),
    plain: (chunks) => counted(chunks, Number.POSITIVE_INFINITY),
  };
}

/** The first bytes, and all of them. */
async function peek(content: AsyncGenerator<Buffer>): Promise<{ head: Buffer; chunks: AsyncIterable<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 4) {
    const { done, value } = await content.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* content;
  }
  return { head, chunks: all() };
}

async function* unzip(chunks: AsyncIterable<Buffer>, gauge: Gauge): AsyncGenerator<BillFile> {
  let files = 0;
  try {
    for await (const entry of readZip(chunks)) {
      files += 1;
      if (files > FILES_MAX) throw new BillRefused("archive", `The archive has more than ${FILES_MAX} files.`);
      yield { name: entry.name, chunks: explained(gauge.unpacked(entry.chunks)) };
    }
  } catch (error) {
    throw explain(error);
  }
}

/** The file is read by somebody else: what is wrong with the archive shows there. */
async function* explained(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    throw explain(error);
  }
}

function explain(error: unknown): unknown {
  if (error instanceof BadZip) return new BillRefused("archive", `The file is no good zip file: ${error.message}.`);
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== "string" || !code.startsWith("Z_")) return error;
  return new BillRefused("archive", `The file does not decompress: ${message}.`);
}

async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzipping = createGunzip();
  const fed = pipeline(Readable.from(chunks), gunzipping).catch(() => undefined);
  try {
    yield* gunzipping;
    await fed;
  } catch (error) {
    throw explain(error);
  } finally {
    gunzipping.destroy();
  }
}
