/**
 * The rows of a sheet of a workbook (ECMA-376): the archive is held in memory and bounded, its sheet is read as it unpacks.
 * Numbers are given as they were stored, so a day is a count of days; the caller knows which columns are dates.
 */
import { SaxesParser } from "saxes";
import yauzl from "yauzl";
import { type ReadRow, TableUnreadable } from "./read-row.ts";
import type { ReadTable } from "./read-table.ts";

const ARCHIVE_BYTES_MAX = 64 * 2 ** 20;
const SHEET_BYTES_MAX = 1_024 * 2 ** 20;
const STRINGS_BYTES_MAX = 128 * 2 ** 20;
const PART_BYTES_MAX = 4 * 2 ** 20;
const RATIO_MAX = 400;
const COLUMNS_MAX = 256;
const CELL_CHARACTERS_MAX = 32_767;

/** Throws TableUnreadable. */
export async function readXlsx(content: AsyncIterable<Buffer>, sheet: string | undefined): Promise<ReadTable> {
  const bytes = await collect(content);
  const archive = await openArchive(bytes);
  const workbook = await readWorkbook(archive, sheet);
  const strings = await readStrings(archive);
  const chunks = await archive.open(workbook.path, SHEET_BYTES_MAX);
  return { kind: "xlsx", from_1904: workbook.from_1904, rows: readSheet(chunks, strings) };
}

async function collect(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > ARCHIVE_BYTES_MAX)
      throw new TableUnreadable(`The workbook is larger than ${ARCHIVE_BYTES_MAX} bytes: save it as CSV.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Archive {
  has(path: string): boolean;
  /** The text of a part as it unpacks. */
  open(path: string, bytes_max: number): Promise<AsyncGenerator<string>>;
}

async function openArchive(bytes: Buffer): Promise<Archive> {
  const zip = await yauzl.fromBufferPromise(bytes, { lazyEntries: true, autoClose: false }).catch(broken);
  const entries = new Map<string, yauzl.Entry>();
  await new Promise<void>((resolve, reject) => {
    zip.on("entry", (entry: yauzl.Entry) => {
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.on("end", resolve);
    zip.on("error", reject);
    zip.readEntry();
  }).catch(broken);
  return {
    has: (path) => entries.has(path),
    async open(path, bytes_max) {
      const entry = entries.get(path);
      if (!entry) throw new TableUnreadable(`The workbook has no ${path}: it is damaged, or no workbook.`);
      const { uncompressedSize: size, compressedSize: packed } = entry;
      if (size > bytes_max || size > PART_BYTES_MAX + packed * RATIO_MAX)
        throw new TableUnreadable("The workbook unpacks to far more than it may: it is refused.");
      const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
        zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)));
      }).catch(broken);
      return decode(stream);
    },
  };
}

function broken(error: Error): never {
  throw new TableUnreadable(`The file is no good workbook: ${error.message}.`);
}

async function* decode(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of stream) yield decoder.decode(chunk as Buffer, { stream: true });
    yield decoder.decode();
  } catch (error) {
    broken(error as Error);
  }
}

interface XmlHandlers {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
}

/** Feeds a document, piece by piece; names come without their prefixes. What is defined in a DTD is not known. */
async function* parseXml(chunks: AsyncIterable<string>, handlers: XmlHandlers): AsyncGenerator<void> {
  const parser = new SaxesParser();
  const local = (name: string) => name.slice(name.indexOf(":") + 1);
  let failed: Error | undefined;
  parser.on("error", (error) => {
    failed ??= error;
  });
  parser.on("opentag", ({ name, attributes }) => handlers.open(local(name), attributes as Record<string, string>));
  parser.on("text", (text) => handlers.text?.(text));
  parser.on("cdata", (text) => handlers.text?.(text));
  parser.on("closetag", ({ name }) => handlers.close?.(local(name)));
  for await (const chunk of chunks) {
    parser.write(chunk);
    if (failed) broken(failed);
    yield;
  }
  parser.close();
  if (failed) broken(failed);
}

async function drain(steps: AsyncGenerator<void>): Promise<void> {
  for await (const _ of steps);
}

async function readWorkbook(
  archive: Archive,
  wanted: string | undefined,
): Promise<{ path: string; from_1904: boolean }> {
  const sheets: { name: string; id: string }[] = [];
  const targets = new Map<string, string>();
  let from_1904 = false;
  await drain(
    parseXml(await archive.open("xl/workbook.xml", PART_BYTES_MAX), {
      open(name, attributes) {
        if (name === "workbookPr") from_1904 = /^(1|true)$/.test(attributes.date1904 ?? "");
        if (name === "sheet") sheets.push({ name: attributes.name ?? "", id: attributes["r:id"] ?? "" });
      },
    }),
  );
  await drain(
    parseXml(await archive.open("xl/_rels/workbook.xml.rels", PART_BYTES_MAX), {
      open(name, { Id = "", Target = "" }) {
        if (name === "Relationship") targets.set(Id, Target);
      },
    }),
  );
  const sheet = wanted === undefined ? sheets[0] : sheets.find(({ name }) => name === wanted);
  if (!sheet) {
    const names = sheets.map(({ name }) => name).join(", ");
    throw new TableUnreadable(
      wanted === undefined ? "The workbook has no sheet." : `No sheet is "${wanted}": ${names}.`,
    );
  }
  const target = targets.get(sheet.id) ?? "worksheets/sheet1.xml";
  return { path: target.startsWith("/") ? target.slice(1) : `xl/${target}`, from_1904 };
}

/** The texts that cells refer to by their number; phonetic hints left out. */
async function readStrings(archive: Archive): Promise<string[]> {
  const strings: string[] = [];
  if (!archive.has("xl/sharedStrings.xml")) return strings;
  let current: string | undefined;
  let [inText, inHint] = [false, false];
  const steps = parseXml(await archive.open("xl/sharedStrings.xml", STRINGS_BYTES_MAX), {
    open(name) {
      if (name === "si") current = "";
      inText = name === "t";
      inHint ||= name === "rPh";
    },
    text(text) {
      if (inText && !inHint && current !== undefined) current += text;
    },
    close(name) {
      if (name === "t") inText = false;
      if (name === "rPh") inHint = false;
      if (name === "si") strings.push(current ?? "");
    },
  });
  await drain(steps);
  return strings;
}

async function* readSheet(chunks: AsyncIterable<string>, strings: readonly string[]): AsyncGenerator<ReadRow[]> {
  let rows: ReadRow[] = [];
  let [row_no, column, type, value, inValue] = [0, -1, "n", "", false];
  let cells: string[] = [];
  const steps = parseXml(chunks, {
    open(name, attributes) {
      if (name === "row") {
        row_no = Number(attributes.r ?? row_no + 1);
        cells = [];
        column = -1;
      } else if (name === "c") {
        column = attributes.r === undefined ? column + 1 : columnOf(attributes.r);
        type = attributes.t ?? "n";
        value = "";
      }
      inValue = name === "v" || name === "t";
    },
    text(text) {
      if (inValue && value.length <= CELL_CHARACTERS_MAX) value += text;
    },
    close(name) {
      if (name === "v" || name === "t") inValue = false;
      if (name === "c" && column >= 0 && column < COLUMNS_MAX) {
        while (cells.length < column) cells.push("");
        cells[column] = type === "s" ? (strings[Number(value)] ?? "") : value;
      }
      if (name === "row") rows.push({ row_no, cells });
    },
  });
  for await (const _ of steps) {
    if (rows.length === 0) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

/** `AB12` is column 27, counted from 0. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? "") column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}
