/**
 * Reads a zip file as it arrives, entry by entry, so that a bill of any size takes no more memory than a chunk of it. Each
 * entry is checked by its length and CRC-32, and the file as a whole by its central directory at the end: one that was cut
 * anywhere is refused. Format: PKWARE's APPNOTE. Not read, and refused: encryption, zip64, methods other than stored and
 * deflated.
 */
import { crc32, createInflateRaw } from "node:zlib";

/** A file that is no zip file, or was cut. The message is a sentence for operators. */
export class BadZip extends Error {
  override readonly name = "BadZip";
}

export interface ZipEntry {
  /** As its writer spelled it: UTF-8 where the entry says so, else GB 18030. Never a path to write to. */
  readonly name: string;
  /** To be read to its end before the next entry is asked for. Throws BadZip when its length or CRC-32 differs. */
  readonly chunks: AsyncIterable<Buffer>;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const DESCRIPTOR = 0x08074b50;

const STORED = 0;
const DEFLATED = 8;

/** What an entry's header, or what follows the entry, says of its contents. */
interface Contents {
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
}

interface Header extends Contents {
  readonly name: string;
  readonly method: number;
  /** The header says nothing of the contents: what follows them does. */
  readonly late: boolean;
}

/** The entries of a zip file. Throws BadZip, or what `source` throws. */
export async function* readZip(source: AsyncIterable<Buffer>): AsyncGenerator<ZipEntry> {
  const cursor = createCursor(source);
  const seen: { name: string; crc: number }[] = [];
  let signature = (await cursor.take(4)).readUInt32LE(0);
  if (signature !== LOCAL && signature !== END) throw new BadZip("it does not begin as a zip file does");
  while (signature === LOCAL) {
    const header = await readHeader(cursor);
    let crc = 0;
    yield { name: header.name, chunks: readContents(cursor, header, (value) => (crc = value)) };
    seen.push({ name: header.name, crc });
    signature = (await cursor.take(4)).readUInt32LE(0);
  }
  let count = 0;
  for (; signature === CENTRAL; count += 1) {
    const listed = await readCentral(cursor);
    if (listed.name !== seen[count]?.name || listed.crc !== seen[count]?.crc)
      throw new BadZip("its directory does not agree with its files");
    signature = (await cursor.take(4)).readUInt32LE(0);
  }
  if (signature !== END) throw new BadZip("it has no directory where one is due");
  const end = await cursor.take(18);
  if (count !== seen.length || end.readUInt16LE(6) !== count) throw new BadZip("its directory lists other files");
}

async function readHeader(cursor: Cursor): Promise<Header> {
  const fixed = await cursor.take(26);
  const flags = fixed.readUInt16LE(2);
  const method = fixed.readUInt16LE(4);
  const rest = await cursor.take(fixed.readUInt16LE(22) + fixed.readUInt16LE(24));
  const header: Header = {
    name: decodeName(rest.subarray(0, fixed.readUInt16LE(22)), flags),
    method,
    late: (flags & 8) !== 0,
    crc: fixed.readUInt32LE(10),
    compressed: fixed.readUInt32LE(14),
    size: fixed.readUInt32LE(18),
  };
  if ((flags & 1) !== 0) throw new BadZip("it is encrypted");
  if (method !== STORED && method !== DEFLATED) throw new BadZip(`it is compressed by method ${method}`);
  if (method === STORED && header.late) throw new BadZip("the length of a stored file is not told");
  if (header.compressed === 0xffffffff || header.size === 0xffffffff) throw new BadZip("it is a zip64 file");
  return header;
}

async function readCentral(cursor: Cursor): Promise<{ name: string; crc: number }> {
  const fixed = await cursor.take(42);
  const [name, extra, comment] = [fixed.readUInt16LE(24), fixed.readUInt16LE(26), fixed.readUInt16LE(28)];
  const rest = await cursor.take(name + extra + comment);
  return { name: decodeName(rest.subarray(0, name), fixed.readUInt16LE(4)), crc: fixed.readUInt32LE(12) };
}

function decodeName(bytes: Buffer, flags: number): string {
  return new TextDecoder((flags & 0x800) !== 0 ? "utf-8" : "gb18030").decode(bytes);
}

async function* readContents(cursor: Cursor, header: Header, tellCrc: (crc: number) => void): AsyncGenerator<Buffer> {
  let crc = 0;
  let size = 0;
  const before = cursor.position();
  for await (const chunk of header.method === STORED ? cursor.pass(header.compressed) : inflate(cursor)) {
    crc = crc32(chunk, crc);
    size += chunk.length;
    yield chunk;
  }
  const compressed = cursor.position() - before;
  const told = header.late ? await readDescriptor(cursor) : header;
  if (told.compressed !== compressed || told.size !== size || told.crc !== crc)
    throw new BadZip(`${header.name} is not what its header says`);
  tellCrc(crc);
}

async function readDescriptor(cursor: Cursor): Promise<Contents> {
  const first = (await cursor.take(4)).readUInt32LE(0);
  const crc = first === DESCRIPTOR ? (await cursor.take(4)).readUInt32LE(0) : first;
  const sizes = await cursor.take(8);
  return { crc, compressed: sizes.readUInt32LE(0), size: sizes.readUInt32LE(4) };
}

/** Where deflated data ends, only the data itself tells: what was read beyond it is put back. */
async function* inflate(cursor: Cursor): AsyncGenerator<Buffer> {
  const inflating = createInflateRaw();
  async function feed(): Promise<void> {
    let given = 0;
    let left = 0;
    while (left === 0) {
      const chunk = await cursor.next();
      given += chunk.length;
      await new Promise<void>((resolve, reject) => {
        inflating.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      left = given - inflating.bytesWritten;
      // Something always follows: a descriptor, another file, the directory.
      if (left > 0) cursor.putBack(chunk.subarray(chunk.length - left));
    }
  }
  const fed = feed().catch((error: unknown) => void inflating.destroy(error as Error));
  try {
    yield* inflating;
    await fed;
  } finally {
    inflating.destroy();
  }
}

interface Cursor {
  /** Exactly `length` bytes. Throws BadZip when the file ends before. */
  take(length: number): Promise<Buffer>;
  /** Some bytes, at least one. Throws BadZip at the file's end. */
  next(): Promise<Buffer>;
  /** The next `length` bytes as they come. */
  pass(length: number): AsyncGenerator<Buffer>;
  putBack(bytes: Buffer): void;
  /** How many bytes were read and not put back. */
  position(): number;
}

function createCursor(source: AsyncIterable<Buffer>): Cursor {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  async function next(): Promise<Buffer> {
    while (rest.length === 0) {
      const { done, value } = await iterator.next();
      if (done) throw new BadZip("it ends in the middle");
      rest = value;
    }
    const bytes = rest;
    rest = Buffer.alloc(0);
    position += bytes.length;
    return bytes;
  }
  function putBack(bytes: Buffer): void {
    position -= bytes.length;
    rest = Buffer.concat([bytes, rest]);
  }
  async function* pass(length: number): AsyncGenerator<Buffer> {
    for (let due = length; due > 0; ) {
      const bytes = await next();
      if (bytes.length > due) putBack(bytes.subarray(due));
      yield bytes.subarray(0, due);
      due -= Math.min(due, bytes.length);
    }
  }
  return {
    next,
    pass,
    putBack,
    position: () => position,
    async take(length) {
      const parts: Buffer[] = [];
      for await (const part of pass(length)) parts.push(part);
      return Buffer.concat(parts);
    },
  };
}
