/** CSV (RFC 4180) as rows of texts: quotes, line ends within them, any delimiter; a row may have as many cells as it likes. */
import { parse } from "csv-parse";
import { type ReadRow, TableUnreadable } from "./read-row.ts";

const RECORD_CHARACTERS_MAX = 65_536;
const BATCH_ROWS = 1_024;

/** Throws TableUnreadable. */
export async function* readCsv(
  content: AsyncIterable<Buffer>,
  encoding: "utf-8" | "gb18030",
  delimiter: string,
): AsyncGenerator<readonly ReadRow[]> {
  const parser = parse({
    delimiter,
    bom: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: RECORD_CHARACTERS_MAX,
  });
  const fed = feed(content, encoding, parser);
  // What breaks the feeding breaks the reading below.
  fed.catch((error: Error) => parser.destroy(error));
  let rows: ReadRow[] = [];
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      rows.push({ row_no: info.lines, cells: record });
      if (rows.length < BATCH_ROWS) continue;
      yield rows;
      rows = [];
    }
    await fed;
  } catch (error) {
    throw explain(error);
  } finally {
    parser.destroy();
  }
  if (rows.length > 0) yield rows;
}

async function feed(
  content: AsyncIterable<Buffer>,
  encoding: "utf-8" | "gb18030",
  parser: ReturnType<typeof parse>,
): Promise<void> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const write = (text: string) => {
    if (text.includes("\u0000")) throw new TableUnreadable("The file has NUL bytes: it is no text.");
    if (text === "" || parser.write(text)) return undefined;
    return new Promise<void>((resolve, reject) => {
      parser.once("drain", resolve);
      parser.once("close", () => reject(new Error("the reader has gone")));
    });
  };
  for await (const chunk of content) await write(decoder.decode(chunk, { stream: true }));
  await write(decoder.decode());
  parser.end();
}

function explain(error: unknown): unknown {
  const { code, lines } = error as { code?: unknown; lines?: number };
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA")
    return new TableUnreadable("The file has bytes of another character set: give its encoding.");
  if (code === "CSV_MAX_RECORD_SIZE")
    return new TableUnreadable(`A row has more than ${RECORD_CHARACTERS_MAX} characters: is a quote not closed?`);
  if (code === "CSV_QUOTE_NOT_CLOSED")
    return new TableUnreadable(`A quote that opens near line ${lines} is not closed.`);
  return typeof code === "string" && code.startsWith("CSV_")
    ? new TableUnreadable(`The file is no CSV: ${(error as Error).message}`)
    : error;
}
