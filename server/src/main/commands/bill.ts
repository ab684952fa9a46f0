/** `tributary bill …`: a channel's own record of a day, fetched into a folder. */
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BillSink } from "../../channels/bills.ts";
import type { BillKind } from "../../channels/contract.ts";
import { createChannelAccounts, getChannelAccount } from "../../modules/channel-account/index.ts";
import type { Command } from "../command.ts";
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
  const text = requireText(options, "date");
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

export function billCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "bill <action> [account]",
    summary: "fetch a channel's bill of a day, as the channel wrote it",
    options: [
      { flags: "--date <day>", description: "the channel's business day, such as 2026-11-20", text: true },
      { flags: "--kind <kind>", description: "trade or fund_flow (default: trade)" },
      { flags: "--to <folder>", description: "where the files go (default: here)", text: true },
    ],
    actions: { fetch: fetchBill },
  });
}
