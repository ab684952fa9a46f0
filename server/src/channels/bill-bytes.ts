/**
 * From the bytes of a bill to its lines: held to one character set, cut at line feeds (0x0A is no part of a character in
 * UTF-8 or GB 18030), and never more of it in memory than a chunk and a line. What is no text is refused.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { BillRefused } from "./bill-refused.ts";

export type Charset = "utf-8" | "gb18030";

/** No channel writes a line of a tenth of this. */
export const LINE_BYTES_MAX = 65_536;
const LF = 0x0a;

/** Lines that were cut from one chunk. Each character of `text` is one byte (latin1); the last line has its line feed. */
export interface LineBlock {
  readonly text: string;
}

/** The character set of a file, found as its bytes pass. */
export interface CharsetGate {
  /** Holds whole lines against the set. Throws BillRefused. */
  check(bytes: Buffer): void;
  /** The text of a cell whose characters are bytes. */
  decode(cell: string): string;
}

/** @param charsets tried in this order on the first bytes that are not ASCII. */
export function createCharsetGate(charsets: readonly Charset[]): CharsetGate {
  let found: Charset | undefined;
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  const known = new Map<string, string>();
  return {
    check(bytes) {
      if (bytes.includes(0)) throw new BillRefused("binary", "The file has NUL bytes: it is no text.");
      if (isAscii(bytes)) return;
      if (found === undefined) {
        found = charsets.find((charset) => isOf(charset, bytes));
        decoder = new TextDecoder(found ?? charsets[0]);
      }
      if (found === undefined || !isOf(found, bytes)) {
        const expected = found ?? charsets.join(" nor ");
        throw new BillRefused("encoding", `The file has bytes that are not ${expected}: its text is damaged.`);
      }
    },
    decode(cell) {
      if (!isBeyondAscii(cell)) return cell;
      const before = known.get(cell);
      if (before !== undefined) return before;
      const text = (decoder ?? new TextDecoder(charsets[0])).decode(Buffer.from(cell, "latin1"));
      if (known.size >= DECODED_MAX) known.clear();
      known.set(cell, text);
      return text;
    },
  };
}

/** States and kinds come again and again; titles hardly do. */
const DECODED_MAX = 1_000;

const isBeyondAscii = (text: string): boolean => /[\u0080-\u00ff]/.test(text);

function isOf(charset: Charset, bytes: Buffer): boolean {
  return charset === "utf-8" ? isUtf8(bytes) : isGb18030(bytes);
}

/** GB 18030: one byte; 81–FE with 40–FE but 7F; or 81–FE, 30–39, 81–FE, 30–39. */
export function isGb18030(bytes: Uint8Array): boolean {
  const { length } = bytes;
  for (let at = 0; at < length; at += 1) {
    if (bytes[at]! < 0x80) continue;
    if (!isLead(bytes[at]!) || at + 1 >= length) return false;
    const second = bytes[at + 1]!;
    if (second >= 0x40 && second !== 0x7f && second !== 0xff) at += 1;
    else if (isDigit(second) && at + 3 < length && isLead(bytes[at + 2]!) && isDigit(bytes[at + 3]!)) at += 3;
    else return false;
  }
  return true;
}

const isLead = (byte: number): boolean => byte >= 0x81 && byte <= 0xfe;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/**
 * The lines of a file, a chunk's worth at a time. Throws BillRefused for what is a page, binary, in no known character
 * set, or has a line without end; and what `chunks` throws.
 */
export async function* cutLines(chunks: AsyncIterable<Buffer>, gate: CharsetGate): AsyncGenerator<LineBlock> {
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    // One copy of each chunk at most: only what no line feed has ended yet is carried on.
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(LF);
    rest = Buffer.from(bytes.subarray(end + 1));
    if (!begun && (end >= 0 || rest.length >= HEAD_BYTES)) {
      begun = true;
      checkHead(bytes);
    }
    if (rest.length > LINE_BYTES_MAX) throw tooLong();
    if (end < 0) continue;
    const lines = bytes.subarray(0, end + 1);
    gate.check(lines);
    yield { text: lines.toString("latin1") };
  }
  if (rest.length === 0) return;
  if (!begun) checkHead(rest);
  gate.check(rest);
  yield { text: rest.toString("latin1") };
}

const HEAD_BYTES = 1_024;

/** The refusal of a line that does not end. */
export function tooLong(line_no?: number): BillRefused {
  const which = line_no === undefined ? "A line" : `Line ${line_no}`;
  return new BillRefused("line_too_long", `${which} is longer than ${LINE_BYTES_MAX} bytes: this is no bill.`);
}

function checkHead(bytes: Buffer): void {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw new BillRefused("encoding", "The file is in UTF-16: save it in UTF-8, or as the channel gave it.");
  const head = bytes.toString("latin1", 0, HEAD_BYTES).trimStart();
  if (head.startsWith("<")) throw new BillRefused("page", "The file is a page (HTML or XML), not a bill.");
  if (head.startsWith("PK\u0003\u0004")) throw new BillRefused("archive", "The file is an archive within an archive.");
}
