/**
 * Writes a zip file as a stream: sizes and CRC-32 follow each entry (bit 3), so nothing is held back to know them. Format:
 * PKWARE's APPNOTE, 4.3. Without zip64, so entries and the whole stay below 4 GiB; more ends the stream with an error.
 */
import { pipeline, Readable } from "node:stream";
import { crc32, createDeflateRaw } from "node:zlib";

/** A file within the zip file. Its chunks are read when the ones before have gone out. */
export interface ZipPart {
  readonly name: string;
  readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
}

const VERSION = 20;
/** Sizes follow the contents; names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATED = 8;
/** 1 January 1980, the first date there is: the same table gives the same file. */
const DATE = 0x0021;
const SIZE_MAX = 0xffff_ffff;

interface Written {
  readonly name: Buffer;
  readonly offset: number;
  crc: number;
  size: number;
  compressed: number;
}

/** The bytes of a zip file of these parts. */
export async function* writeZip(parts: AsyncIterable<ZipPart>): AsyncGenerator<Buffer> {
  const written: Written[] = [];
  let offset = 0;
  const count = (bytes: Buffer) => {
    offset = checkSize(offset + bytes.length);
    return bytes;
  };
  for await (const { name, chunks } of parts) {
    const part: Written = { name: Buffer.from(name), offset, crc: 0, size: 0, compressed: 0 };
    written.push(part);
    yield count(localHeader(part));
    for await (const bytes of deflate(chunks, part)) yield count(bytes);
    yield count(descriptor(part));
  }
  const start = offset;
  for (const part of written) yield count(centralHeader(part));
  yield endRecord(written.length, start, offset - start);
}

function checkSize(size: number): number {
  if (size > SIZE_MAX) throw new RangeError("a zip file without zip64 stays below 4 GiB");
  return size;
}

async function* deflate(chunks: ZipPart["chunks"], part: Written): AsyncGenerator<Buffer> {
  const measured = async function* () {
    for await (const chunk of chunks) {
      part.crc = crc32(chunk, part.crc);
      part.size = checkSize(part.size + chunk.length);
      yield chunk;
    }
  };
  const deflated = createDeflateRaw();
  // A failure of the source destroys `deflated`, which then throws here; a reader that leaves ends the source.
  pipeline(Readable.from(measured(), { objectMode: true, highWaterMark: 1 }), deflated, () => undefined);
  for await (const bytes of deflated as AsyncIterable<Buffer>) {
    part.compressed += bytes.length;
    yield bytes;
  }
}

function localHeader({ name }: Written): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  writeCommon(header, 4);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

/** Version, flags, method, time and date; CRC-32 and sizes come later. */
function writeCommon(header: Buffer, at: number): void {
  header.writeUInt16LE(VERSION, at);
  header.writeUInt16LE(FLAGS, at + 2);
  header.writeUInt16LE(DEFLATED, at + 4);
  header.writeUInt16LE(DATE, at + 8);
}

function descriptor({ crc, compressed, size }: Written): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  bytes.writeUInt32LE(compressed, 8);
  bytes.writeUInt32LE(size, 12);
  return bytes;
}

function centralHeader({ name, offset, crc, compressed, size }: Written): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION, 4);
  writeCommon(header, 6);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(compressed, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

function endRecord(count: number, start: number, size: number): Buffer {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(0x06054b50, 0);
  bytes.writeUInt16LE(count, 8);
  bytes.writeUInt16LE(count, 10);
  bytes.writeUInt32LE(size, 12);
  bytes.writeUInt32LE(start, 16);
  return bytes;
}
