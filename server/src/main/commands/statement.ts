/** `tributary statement`: the entries of a merchant's day, written into a file. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TributaryError } from "../../kit/error.ts";
import { isCurrency } from "../../kit/money.ts";
import { type ExportRequest, exportEntries, exportFormats, languages } from "../../modules/statement/index.ts";
import { type Command, say } from "../command.ts";
import { StartError } from "../start-error.ts";
import { type Options, readId, requireText, textOption, type WithServices } from "./administration.ts";

function readChoice<Choice extends string>(options: Options, name: string, choices: readonly Choice[]): Choice {
  const text = textOption(options, name) ?? choices[0];
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw new StartError(`--${name} is "${text}": give one of ${choices.join(", ")}.`);
  return choice;
}

function readRequest(options: Options): ExportRequest {
  const currency = textOption(options, "currency");
  if (currency !== undefined && !isCurrency(currency))
    throw new StartError(`--currency is "${currency}": give an ISO 4217 code such as CNY.`);
  return {
    merchant_id: readId("merchant", requireText(options, "merchant")),
    livemode: options.live === true,
    date: requireText(options, "date"),
    currency,
    format: readChoice(options, "format", exportFormats),
    language: readChoice(options, "lang", languages),
  };
}

/** The file has its name once it is whole. Gives its size in bytes. */
async function writeFile(chunks: AsyncIterable<Buffer>, path: string): Promise<number> {
  const part = `${path}.part`;
  let bytes = 0;
  const counted = async function* () {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  try {
    await pipeline(Readable.from(counted(), { objectMode: false }), createWriteStream(part));
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  return bytes;
}

/** What cannot be had, or written, is told in a sentence. */
function explain(error: unknown, path: string): never {
  if (error instanceof TributaryError) throw new StartError(error.message);
  const code = error instanceof Error && "syscall" in error && "code" in error ? error.code : undefined;
  throw code === undefined ? error : new StartError(`${path} cannot be written (${code}).`);
}

export function statementCommand(withServices: WithServices): Command {
  return {
    usage: "statement",
    summary: "write the entries of a merchant's day into a file",
    options: [
      { flags: "--merchant <id>", description: "mch_…", text: true },
      { flags: "--date <day>", description: "a day where the merchant is, such as 2026-11-20", text: true },
      { flags: "--format <format>", description: "csv or xlsx (default: csv)" },
      { flags: "--out <file>", description: "the file to write", text: true },
      { flags: "--currency <code>", description: "only this currency (default: all)" },
      { flags: "--lang <language>", description: "zh or en (default: zh)" },
      { flags: "--live", description: "of the live book (default: of the test book)" },
    ],
    async run(_args, options) {
      const request = readRequest(options);
      const path = requireText(options, "out");
      const bytes = await withServices(async (services) => {
        const { chunks } = await exportEntries(services, request);
        return writeFile(chunks, path);
      }).catch((error) => explain(error, path));
      say(JSON.stringify({ path, bytes }, null, 2));
    },
  };
}
