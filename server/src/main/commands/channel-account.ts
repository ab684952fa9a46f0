/** `tributary channel-account …`: accounts with the channels, from a file, and whom they serve. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import { toRfc3339 } from "../../kit/clock.ts";
import { describeProblem, type ValidationProblem } from "../../kit/http/problem.ts";
import { publicId } from "../../kit/id.ts";
import { Secret } from "../../kit/secret.ts";
import {
  type AccountRecord,
  bindChannelAccount,
  channelAccountErrors,
  checkConnection,
  createChannelAccount,
  type DatedExpiry,
  getChannelAccount,
  listAccountExpiries,
  listChannelAccounts,
  presentChannel,
  unbindChannelAccount,
  updateChannelAccount,
} from "../../modules/channel-account/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  type AdministrationServices,
  actionCommand,
  hoursOption,
  type Options,
  readId,
  refuseLiveInDemo,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;

const closed = { additionalProperties: false } as const;
const Config = Type.Record(Type.String(), Type.Unknown());
const Secrets = Type.Record(Type.String(), Type.String());

/** The file of a new account. Any value may be `{"file": "name"}`: the content of that file beside it. */
const NewAccountFile = Type.Object(
  {
    channel: Type.String(),
    name: Type.String(),
    funding_mode: Type.Union([Type.Literal("direct"), Type.Literal("pooled")]),
    owner_merchant: Type.Optional(Type.String()),
    livemode: Type.Boolean(),
    methods: Type.Array(Type.String()),
    config: Config,
    secrets: Secrets,
  },
  closed,
);

/** The file of a change: what is left out stays as it is. */
const ChangeFile = Type.Object(
  {
    name: Type.Optional(Type.String()),
    methods: Type.Optional(Type.Array(Type.String())),
    config: Type.Optional(Config),
    secrets: Type.Optional(Secrets),
  },
  closed,
);

const newAccountValidator = Compile(NewAccountFile);
const changeValidator = Compile(ChangeFile);

function readAccountFile<T>(
  path: string,
  validator: { Check(value: unknown): boolean; Errors(value: unknown): unknown },
): T {
  const content = parseFile(path);
  if (validator.Check(content)) return content as T;
  const [, errors] = validator.Errors(content) as [boolean, ValidationProblem[]];
  throw new StartError(`${path}: ${describeProblem(errors, content, "body").sentence}`);
}

function parseFile(path: string): unknown {
  try {
    return includeFiles(JSON.parse(readFileSync(path, "utf8")), dirname(resolve(path)));
  } catch (error) {
    // The parser's own message would quote the file, which holds secrets.
    const reason = error instanceof SyntaxError ? "it is not valid JSON" : (error as Error).message;
    throw new StartError(`${path} cannot be read: ${reason}.`);
  }
}

/** Replaces every `{"file": "name"}` by the content of that file, which is how keys in PEM are given. */
function includeFiles(value: unknown, dir: string): unknown {
  if (Array.isArray(value)) return value.map((item) => includeFiles(item, dir));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  const [[name, file] = []] = entries;
  if (entries.length === 1 && name === "file" && typeof file === "string")
    return readFileSync(resolve(dir, file), "utf8");
  return Object.fromEntries(entries.map(([key, item]) => [key, includeFiles(item, dir)]));
}

function toSecrets(texts: Readonly<Record<string, string>>): Record<string, Secret> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, new Secret(text)]));
}

function showExpiries(expiries: readonly DatedExpiry[]) {
  return expiries.map(({ name, expires_at, days_left }) => ({ name, expires_at: toRfc3339(expires_at), days_left }));
}

async function listAccounts(services: AdministrationServices) {
  const accounts = await listChannelAccounts(services.db, null, LIST_MAX);
  const ids = accounts.map(({ id }) => id);
  const expiries = await listAccountExpiries(services, ids, services.clock.now());
  return accounts.map((account) => ({
    ...showAccount(account),
    expiries: showExpiries(expiries.get(account.id) ?? []),
  }));
}

async function describeChannel({ getChannel }: AdministrationServices, id = "") {
  const channel = getChannel(id);
  if (!channel) throw channelAccountErrors["channel_account.channel_unknown"]();
  return presentChannel(channel);
}

/** Saves only what the channel answers that it takes, where `--check` asks for it. */
function saveOptions({ channels }: AdministrationServices, options: Options) {
  return { check_with: options.check === true ? channels : undefined };
}

function showAccount(account: AccountRecord) {
  const { id, owner_merchant_id, created_at, config: _, ...rest } = account;
  return {
    id: publicId("channel_account", id),
    owner_merchant: owner_merchant_id && publicId("merchant", owner_merchant_id),
    ...rest,
    // For channels whose notices all come to one address, which a person types in there.
    notify_path: `/notify/${rest.channel}/${id}`,
    created_at: toRfc3339(created_at),
  };
}

function changeStatus(status: AccountRecord["status"]): Action {
  return async (services, [text]) => {
    const id = readId("channel_account", text);
    if (status === "enabled") await refuseLiveAccount(services, id);
    return showAccount(await updateChannelAccount(services, id, { status }));
  };
}

async function refuseLiveAccount(services: AdministrationServices, id: string): Promise<void> {
  if ((await getChannelAccount(services.db, id)).livemode) refuseLiveInDemo(services, "A live account");
}

const actions: Record<string, Action> = {
  async add(services, _args, options) {
    const file = readAccountFile<Static<typeof NewAccountFile>>(requireText(options, "file"), newAccountValidator);
    const { owner_merchant, secrets, ...given } = file;
    if (given.livemode) refuseLiveInDemo(services, "A live account");
    const owner_merchant_id = owner_merchant === undefined ? undefined : readId("merchant", owner_merchant);
    const account = await createChannelAccount(
      services,
      { ...given, owner_merchant_id, secrets: toSecrets(secrets) },
      saveOptions(services, options),
    );
    return showAccount(account);
  },
  async update(services, [id], options) {
    const file = readAccountFile<Static<typeof ChangeFile>>(requireText(options, "file"), changeValidator);
    const { secrets, ...given } = file;
    const overlap_ms = hoursOption(options, "overlap");
    const change = {
      ...given,
      ...(secrets && { secrets: toSecrets(secrets) }),
      ...(overlap_ms !== undefined && { overlap_ms }),
    };
    const account_id = readId("channel_account", id);
    return showAccount(await updateChannelAccount(services, account_id, change, saveOptions(services, options)));
  },
  list: listAccounts,
  describe: (services, [channel]) => describeChannel(services, channel),
  check: (services, [id]) => checkConnection(services, readId("channel_account", id)),
  enable: changeStatus("enabled"),
  disable: changeStatus("disabled"),
  async bind(services, [id], options) {
    const priority = textOption(options, "priority");
    if (priority !== undefined && !/^\d{1,6}$/.test(priority)) {
      throw new StartError(
        `--priority is "${priority}": give a whole number; accounts with a smaller one are tried first.`,
      );
    }
    const input = {
      merchant_id: readId("merchant", requireText(options, "merchant")),
      channel_account_id: readId("channel_account", id),
      ...(priority !== undefined && { priority: Number(priority) }),
    };
    await refuseLiveAccount(services, input.channel_account_id);
    await bindChannelAccount(services, input);
    return { channel_account: id, merchant: options.merchant, bound: true };
  },
  async unbind({ db }, [id], options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    await unbindChannelAccount(db, { merchant_id, channel_account_id: readId("channel_account", id) });
    return { channel_account: id, merchant: options.merchant, bound: false };
  },
};

export function channelAccountCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "channel-account <action> [id]",
    summary: "add, update, check, list, enable, disable, bind or unbind accounts with channels; describe a channel",
    options: [
      { flags: "--file <path>", description: "add, update: the account as JSON" },
      { flags: "--check", description: "add, update: save only what the channel answers that it takes" },
      {
        flags: "--overlap <hours>",
        description: "update: how long what the replaced keys verify is still believed (default: 72; 0: no longer)",
      },
      { flags: "--merchant <id>", description: "bind, unbind: the merchant that collects through it" },
      { flags: "--priority <number>", description: "bind: accounts with a smaller one are tried first (default: 100)" },
    ],
    actions,
  });
}
