/**
 * Reads a bill of any length: its files' bytes become lines, a channel's format makes each a BillLine or rejects it, and they
 * come in batches. What the file states of itself is compared with what its lines come to. A file that is damaged, or not
 * the bill that it should be, is refused as a whole: nothing that was read of it counts.
 */
import { createCharsetGate, cutLines, LINE_BYTES_MAX, tooLong } from "./bill-bytes.ts";
import { BillRefused, LineRejected } from "./bill-refused.ts";
import { createTally, type Tally } from "./bill-tally.ts";
import type { BillFile } from "./bill-unpack.ts";
import type {
  BillBatch,
  BillFormat,
  BillLine,
  BillReadInput,
  BillTotals,
  LineReader,
  LineSink,
  RejectedLine,
  StatedTotal,
} from "./contract.ts";

export { BillRefused } from "./bill-refused.ts";
export { type BillFile, type UnpackLimits, unpackBill } from "./bill-unpack.ts";

export interface BillReading {
  /** To be read once, to its end. Throws BillRefused, and what the files' chunks throw. */
  readonly batches: AsyncIterable<BillBatch>;
  /** When the batches have ended. */
  totals(): BillTotals;
}

/** Few enough that what is made of them dies young: the collector's work and the memory are a fraction. */
const BATCH_LINES = 512;
const EXCERPT_LENGTH = 300;
/** Rejected lines are kept each. A file with more of them than this, and more than half of it, is something else. */
const REJECTED_MAX = 10_000;

/** Opens nothing yet. `files` are read one after the other. */
export function readBill(
  format: BillFormat,
  input: BillReadInput,
  files: AsyncIterable<BillFile> | Iterable<BillFile>,
): BillReading {
  const noon = input.date === undefined ? undefined : Date.parse(`${input.date}T12:00:00Z`);
  const tally = createTally(noon);
  const stated: StatedTotal[] = [];
  let read = 0;
  let bytes = 0;
  let done = false;
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  async function* run(): AsyncGenerator<BillBatch> {
    let file_no = 0;
    for await (const file of files) {
      file_no += 1;
      const chunks = counted(file.chunks);
      const ended = yield* readFile(format, input, { ...file, chunks }, file_no, tally);
      if (ended === undefined) continue;
      read += 1;
      stated.push(...ended);
    }
    if (bytes === 0) throw new BillRefused("empty", "The file is empty.");
    if (read === 0) throw new BillRefused("unknown_format", "None of the files holds the lines of this kind of bill.");
    checkStated(stated);
    checkDay(input.date, noon, tally.nearest());
    done = true;
  }
  return {
    batches: run(),
    totals() {
      if (!done) throw new Error("a bill has totals when all of it was read");
      return { files: read, ...tally.totals(), stated };
    },
  };
}

/** Undefined for a file that holds no lines: it is read past, so that what is wrong with its bytes shows. */
async function* readFile(
  format: BillFormat,
  input: BillReadInput,
  { name, chunks }: BillFile,
  file_no: number,
  tally: Tally,
): AsyncGenerator<BillBatch, readonly StatedTotal[] | undefined> {
  const gate = createCharsetGate(format.charsets);
  const reader = format.open({ name, decode: gate.decode }, input);
  if (!reader) {
    for await (const _ of chunks);
    return undefined;
  }
  const collector = createCollector(tally, gate.decode);
  let line_no = 0;
  for await (const { text } of cutLines(chunks, gate)) {
    for (let from = 0; from < text.length; ) {
      const feed = text.indexOf("\n", from);
      const end = feed === -1 ? text.length : feed;
      line_no += 1;
      if (end - from > LINE_BYTES_MAX) throw tooLong(line_no);
      readLine(reader, text, from, end, line_no, collector);
      from = end + 1;
      if (collector.isFull()) yield { file_no, ...collector.take() };
    }
  }
  const stated = line_no === 0 ? endEmpty(reader) : reader.end();
  if (!collector.isEmpty()) yield { file_no, ...collector.take() };
  return stated;
}

/** A file without lines is good where its reader asks for none, as of UnionPay's errors there are often none. */
function endEmpty(reader: LineReader): readonly StatedTotal[] {
  try {
    return reader.end();
  } catch (error) {
    throw error instanceof BillRefused ? new BillRefused("empty", "The file is empty.") : error;
  }
}

const CR = 0x0d;
const MARK = "\u00ef\u00bb\u00bf";

function readLine(
  reader: LineReader,
  text: string,
  start: number,
  stop: number,
  line_no: number,
  sink: LineSink,
): void {
  const from = line_no === 1 && text.startsWith(MARK, start) ? start + MARK.length : start;
  const end = stop > from && text.charCodeAt(stop - 1) === CR ? stop - 1 : stop;
  const line = text.slice(from, end);
  try {
    reader.read(line, line_no, sink);
  } catch (error) {
    if (!(error instanceof LineRejected)) throw error;
    sink.reject(line_no, error.message, line);
  }
}

interface Collector extends LineSink {
  isFull(): boolean;
  isEmpty(): boolean;
  take(): { lines: BillLine[]; rejected: RejectedLine[] };
}

function createCollector(tally: Tally, decode: (text: string) => string): Collector {
  let lines: BillLine[] = [];
  let rejected: RejectedLine[] = [];
  return {
    line(line) {
      lines.push(line);
      tally.add(line);
    },
    reject(line_no, reason, text) {
      rejected.push({ line_no, reason, text: excerptOf(text, decode) });
      const { lines: good, rejected: bad } = tally.reject();
      if (bad > REJECTED_MAX && bad > good)
        throw new BillRefused("too_many_rejected", `Of the first ${good + bad} lines ${bad} cannot be read: ${reason}`);
    },
    isFull: () => lines.length + rejected.length >= BATCH_LINES,
    isEmpty: () => lines.length + rejected.length === 0,
    take() {
      const batch = { lines, rejected };
      lines = [];
      rejected = [];
      return batch;
    },
  };
}

/** Safe to store and to show: no control characters, and not without end. */
function excerptOf(text: string, decode: (text: string) => string): string {
  // Cut by bytes, a character at the end may be cut too: it shows as U+FFFD.
  return decode(text.slice(0, EXCERPT_LENGTH)).replace(/\p{C}/gu, " ");
}

/** From noon UTC of a day to its end anywhere on earth, a day on which late lines still come, and some hours. */
const DAY_DISTANCE_MS = 60 * 3_600_000;

/** A day's bill may have lines of days before; one that has no other is of another day. */
function checkDay(date: string | undefined, noon: number | undefined, nearest: number | undefined): void {
  if (noon === undefined || nearest === undefined || Math.abs(nearest - noon) < DAY_DISTANCE_MS) return;
  const found = new Date(nearest).toISOString().slice(0, 10);
  throw new BillRefused("other_day", `No line is of ${date}; the nearest is of ${found}: this is another day's bill.`);
}

function checkStated(stated: readonly StatedTotal[]): void {
  for (const { name, stated: said, found } of stated) {
    if (found === null || found === said) continue;
    const isCount = /^\d+$/.test(said);
    throw new BillRefused(
      isCount ? "count_differs" : "sum_differs",
      `The file states ${name} ${said}, but its lines come to ${found}: it is not whole, or was changed.`,
    );
  }
}
