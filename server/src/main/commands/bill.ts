/** `tributary bill …`: a channel's own record of a day, fetched into a folder, and read as reconciliation reads it. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { BillRefused, readBill, unpackBill } from "../../channels/bill-reader.ts";
import type { BillSink } from "../../channels/bills.ts";
import type { BillKind, BillLine, RejectedLine } from "../../channels/contract.ts";
import { getChannel } from "../../channels/registry.ts";
import { checkTableMapping, importBank, importBill, type TableMapping } from "../../channels/table-import.ts";
import { createChannelAccounts, getChannelAccount } from "../../modules/channel-account/index.ts";
import { type Command, say } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  actionCommand,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const kinds: readonly BillKind[] = ["trade", "fund_flow"];

function readKind(options: Options): BillKind {
  const text = textOption(options, "kind") ?? "trade";
  const kind = kinds.find((known) => known === text);
  if (!kind) throw new StartError(`--kind is "${text}": give one of ${kinds.join(", ")}.`);
  return kind;
}

function readDate(options: Options): string {
  return checkDate(requireText(options, "date"));
}

function checkDate(text: string): string {
  const at_ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at_ms) || !new Date(at_ms).toISOString().startsWith(text))
    throw new StartError(`--date is "${text}": give a day such as 2026-11-20.`);
  return text;
}

interface Written {
  readonly path: string;
  /** As the channel calls it; null where it has no name. */
  readonly name: string | null;
}

/** Files get names of ours, numbered: the channel's own are told, and lead nowhere. They count when all came whole. */
function createFolderSink(
  folder: string,
  prefix: string,
): { sink: BillSink; keep(): Promise<Written[]>; drop(): Promise<void> } {
  const files: Written[] = [];
  const partOf = (path: string) => `${path}.part`;
  return {
    sink: {
      open(name) {
        const path = join(folder, `${prefix}-${files.length + 1}.txt`);
        files.push({ path, name: name ?? null });
        return createWriteStream(partOf(path));
      },
    },
    async keep() {
      for (const { path } of files) await rename(partOf(path), path);
      return files;
    },
    async drop() {
      for (const { path } of files) await rm(partOf(path), { force: true });
    },
  };
}

const fetchBill: Action = async (services, [id], options) => {
  const account_id = readId("channel_account", id);
  const [date, kind, folder] = [readDate(options), readKind(options), textOption(options, "to") ?? "."];
  const { channel: channel_id } = await getChannelAccount(services.db, account_id);
  const channel = services.getChannel(channel_id);
  if (!channel?.bills?.kinds.includes(kind)) throw new StartError(`${channel_id} gives no bill of the kind ${kind}.`);
  const account = await createChannelAccounts(services).open(account_id);
  if (!account) throw new StartError(`There is no account ${id}.`);
  await mkdir(folder, { recursive: true });
  const { sink, keep, drop } = createFolderSink(folder, `${channel_id}-${id}-${kind}-${date}`);
  try {
    const outcome = await services.channels.downloadBill(channel, account, { kind, date }, sink);
    if (outcome.kind !== "fetched") return outcome;
    return { kind: outcome.kind, bytes: outcome.bytes, files: await keep() };
  } finally {
    await drop();
  }
};

const SHOWN_DEFAULT = 0;
const REJECTED_SHOWN_MAX = 100;

/** Reads a file as reconciliation would, and changes nothing. Throws StartError where it would be refused. */
async function parseBill(path: string | undefined, options: Options): Promise<object> {
  if (!path) throw new StartError("Which file? tributary bill parse <file> --channel wechat --kind trade");
  const channel_id = requireText(options, "channel");
  const kind = readKind(options);
  const format = getChannel(channel_id)?.bills?.formats?.[kind];
  if (!format) throw new StartError(`No bill of the kind ${kind} is read for the channel "${channel_id}".`);
  const date = textOption(options, "date");
  const shown_max = Number(textOption(options, "lines") ?? SHOWN_DEFAULT);
  if (!Number.isInteger(shown_max) || shown_max < 0) throw new StartError("--lines takes a whole number.");
  const input = { date: date === undefined ? undefined : checkDate(date), merchant: textOption(options, "merchant") };
  const content = createReadStream(path, { highWaterMark: 262_144 });
  const { batches, totals } = readBill(format, input, unpackBill(basename(path), content));
  const rejected: RejectedLine[] = [];
  const shown: BillLine[] = [];
  try {
    for await (const batch of batches) {
      rejected.push(...batch.rejected.slice(0, REJECTED_SHOWN_MAX - rejected.length));
      shown.push(...batch.lines.slice(0, shown_max - shown.length));
    }
  } catch (error) {
    throw explainParsing(path, error);
  }
  return { ...totals(), rejected_lines: rejected, ...(shown_max > 0 && { first_lines: shown }) };
}

function explainParsing(path: string, error: unknown): unknown {
  if (error instanceof BillRefused) return new StartError(`${path} is refused (${error.code}): ${error.message}`);
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "EISDIR" || code === "EACCES" ? new StartError(`${path}: ${message}`) : error;
}

/** Reads a table by a mapping, as an import would, and changes nothing. */
async function tryImport(path: string | undefined, options: Options): Promise<object> {
  if (!path) throw new StartError("Which file? tributary bill import <file> --mapping mapping.json");
  const shown_max = Number(textOption(options, "lines") ?? IMPORT_SHOWN_DEFAULT);
  if (!Number.isInteger(shown_max) || shown_max < 0) throw new StartError("--lines takes a whole number.");
  const mapping = await readMapping(requireText(options, "mapping"));
  const content = createReadStream(path, { highWaterMark: 262_144 });
  const { batches, totals } = mapping.rows === "bill" ? importBill(mapping, content) : importBank(mapping, content);
  const rejected: RejectedLine[] = [];
  const shown: object[] = [];
  try {
    for await (const batch of batches) {
      rejected.push(...batch.rejected.slice(0, REJECTED_SHOWN_MAX - rejected.length));
      shown.push(...batch.lines.slice(0, shown_max - shown.length).map(showTimes));
    }
  } catch (error) {
    throw explainParsing(path, error);
  }
  return { ...totals(), rejected_lines: rejected, first_lines: shown };
}

const IMPORT_SHOWN_DEFAULT = 5;

/** Moments as a person reads them. */
function showTimes(line: object): object {
  const moments = Object.entries(line).map(([name, value]) =>
    name.endsWith("_at") && typeof value === "number" ? [name, new Date(value).toISOString()] : [name, value],
  );
  return Object.fromEntries(moments);
}

async function readMapping(path: string): Promise<TableMapping> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new StartError(`The mapping ${path} cannot be read: ${(error as Error).message}`);
  }
  const problems = checkTableMapping(value);
  if (problems.length > 0) throw new StartError(`The mapping ${path}: ${problems.join(" ")}`);
  return value as TableMapping;
}

/** Amounts as digits: they may be beyond what JSON's readers hold. */
const toJson = (value: unknown) =>
  JSON.stringify(value, (_, field) => (typeof field === "bigint" ? field.toString() : field), 2);

export function billCommand(withServices: WithServices): Command {
  const fetching = actionCommand(withServices, {
    usage: "bill <action> [account]",
    summary:
      "fetch a channel's bill of a day, as the channel wrote it; parse a file, as reconciliation reads it; import: try a mapping on a table",
    options: [
      { flags: "--date <day>", description: "the channel's business day, such as 2026-11-20", text: true },
      { flags: "--kind <kind>", description: "trade or fund_flow (default: trade)" },
      { flags: "--to <folder>", description: "where the files go (default: here)", text: true },
      { flags: "--channel <id>", description: "parse: whose bill it is, such as wechat" },
      { flags: "--merchant <number>", description: "parse: the account's number at the channel", text: true },
      { flags: "--mapping <file>", description: "import: how the columns of the table are read, as JSON", text: true },
      { flags: "--lines <count>", description: "parse, import: how many lines to show", text: true },
    ],
    actions: { fetch: fetchBill },
  });
  return {
    ...fetching,
    async run(args, options) {
      const [action, path] = args;
      if (action === "parse") say(toJson(await parseBill(path, options)));
      else if (action === "import") say(toJson(await tryImport(path, options)));
      else await fetching.run(args, options);
    },
  };
}
