/** Reads zip files and workbooks as a program would that was not made with the writer: by the directory at the end. */
import { crc32, inflateRawSync } from "node:zlib";

/** The files of a zip file, found by its central directory. Throws where lengths or CRC-32 differ. */
export function unzip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.lastIndexOf(Buffer.from("504b0506", "hex"));
  const files = new Map<string, Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [crc, compressed, size] = [16, 20, 24].map((field) => bytes.readUInt32LE(at + field)) as [
      number,
      number,
      number,
    ];
    const name_length = bytes.readUInt16LE(at + 28);
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString("utf8", at + 46, at + 46 + name_length);
    if (bytes.readUInt32LE(local) !== 0x04034b50) throw new Error(`no file begins where ${name} should`);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const contents = inflateRawSync(bytes.subarray(start, start + compressed));
    if (contents.length !== size || crc32(contents) !== crc) throw new Error(`${name} is not what its entry says`);
    files.set(name, contents);
    at += 46 + name_length;
  }
  return files;
}

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };
const decode = (text: string) => text.replace(/&(\w+);/g, (_, name: string) => entities[name]!);

/** An XML document without CDATA, comments and mixed content. Throws where it is not well-formed. */
export function parseXml(xml: string): Element {
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  const token = /<\?[^>]*\?>\n?|<(\/?)([\w:]+)((?:\s+[\w:]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    if (!match) throw new Error(`no XML at ${xml.slice(at, at + 40)}`);
    const [, closing, name, attributes = "", empty, text] = match;
    if (text !== undefined) open.at(-1)!.text += decode(text);
    if (name === undefined) continue;
    if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another element`);
      continue;
    }
    const pairs = [...attributes.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key, value]) => [key!, decode(value!)]);
    const element: Element = { name, attributes: Object.fromEntries(pairs), children: [], text: "" };
    open.at(-1)!.children.push(element);
    if (!empty) open.push(element);
  }
  if (open.length !== 1) throw new Error(`${open.at(-1)!.name} is not closed`);
  return root.children[0]!;
}

export interface ReadSheet {
  readonly name: string;
  /** Cells by row: texts as they are, numbers as they are written, null for nothing. */
  readonly rows: (string | null)[][];
  /** Formats of the cells. */
  readonly formats: number[][];
}

/** The sheets of a workbook, found as ECMA-376 says: by the relations of the package and of the workbook. */
export function readXlsx(bytes: Buffer): ReadSheet[] {
  const files = unzip(bytes);
  const read = (name: string) => parseXml(files.get(name)!.toString("utf8"));
  const types = read("[Content_Types].xml").children.map(({ attributes }) => attributes.PartName);
  const [office] = read("_rels/.rels").children;
  const book = office!.attributes.Target!;
  const targets = read("xl/_rels/workbook.xml.rels").children;
  const sheets = read(book).children.find(({ name }) => name === "sheets")!.children;
  return sheets.map(({ attributes }) => {
    const target = targets.find((relation) => relation.attributes.Id === attributes["r:id"])!.attributes.Target!;
    if (!types.includes(`/xl/${target}`)) throw new Error(`${target} has no content type`);
    const data = read(`xl/${target}`).children.find(({ name }) => name === "sheetData")!;
    const rows = data.children.map((row) => row.children.map(readCell));
    const formats = data.children.map((row) => row.children.map((cell) => Number(cell.attributes.s ?? 0)));
    return { name: attributes.name!, rows, formats };
  });
}

function readCell({ attributes, children }: Element): string | null {
  const [content] = children;
  if (!content) return null;
  return attributes.t === "inlineStr" ? content.children[0]!.text : content.text;
}
