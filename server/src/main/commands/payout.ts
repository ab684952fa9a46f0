/** `tributary payout …`: how merchants are paid out, what waits, and what our bank is told and answers. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { publicId } from "../../kit/id.ts";
import {
  bankFileFormats,
  bankResults,
  cancelPayout,
  createBankFile,
  findAnyPayout,
  listBankFiles,
  listPayoutSettings,
  listPayouts,
  loadBankFile,
  payoutErrors,
  presentBankFile,
  presentForOperator,
  presentPayoutSettings,
  recordResult,
  setPayoutSettings,
  setTransferCost,
  writeBankFile,
} from "../../modules/payout/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  type AdministrationServices,
  actAs,
  actionCommand,
  BY_OPTION,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;
const PAGE = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;

function keyOf(options: Options) {
  return {
    merchant_id: readId("merchant", requireText(options, "merchant")),
    livemode: options.live === true,
    currency: textOption(options, "currency") ?? "CNY",
  };
}

/** Minor units; null for `none`, undefined where the option is not given. */
function amountOption(options: Options, name: string): bigint | null | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (text === "none") return null;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number, in minor units where it is money, or none.`);
}

/** The same where there is always a number. */
function numberOption(options: Options, name: string): bigint | undefined {
  const amount = amountOption(options, name);
  if (amount === null) throw new StartError(`--${name} needs a number: 0 where there is none.`);
  return amount;
}

function choiceOption<Choice extends string>(
  options: Options,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = textOption(options, name);
  const choice = choices.find((known) => known === text);
  if (text === undefined || choice !== undefined) return choice;
  throw new StartError(`--${name} is "${text}": give one of ${choices.join(", ")}.`);
}

function booleanOf(choice: "yes" | "no" | undefined): boolean | undefined {
  return choice === undefined ? undefined : choice === "yes";
}

function rulesOf(options: Options) {
  const count = amountOption(options, "day-count");
  const accounts = textOption(options, "channel-accounts");
  const beneficiary = textOption(options, "automatic-to");
  const placed = choiceOption(options, "fee", ["on-top", "out-of"] as const);
  return {
    fee_rate_ppm: numberOption(options, "fee-ppm"),
    fee_fixed_amount: numberOption(options, "fee-fixed"),
    fee_floor_amount: numberOption(options, "fee-floor"),
    fee_cap_amount: amountOption(options, "fee-cap"),
    fee_on_top: placed === undefined ? undefined : placed === "on-top",
    fee_returns: booleanOf(choiceOption(options, "fee-returns", ["yes", "no"] as const)),
    single_minimum: numberOption(options, "minimum"),
    single_maximum: amountOption(options, "maximum"),
    day_count_maximum: count === undefined || count === null ? count : Number(count),
    day_amount_maximum: amountOption(options, "day-amount"),
    month_amount_maximum: amountOption(options, "month-amount"),
    review_above: amountOption(options, "review-above"),
    channel_accounts:
      accounts === undefined
        ? undefined
        : accounts === "none"
          ? []
          : accounts.split(",").map((id) => readId("channel_account", id.trim())),
    automatic_beneficiary_id:
      beneficiary === undefined ? undefined : beneficiary === "none" ? null : readId("beneficiary", beneficiary),
    automatic_minimum: numberOption(options, "automatic-minimum"),
    automatic_keep: numberOption(options, "automatic-keep"),
  };
}

/** Acts as the operator of `--by`, with the whole platform. */
function acting(
  operation: string,
  work: (
    platform: Parameters<Parameters<AdministrationServices["withPlatform"]>[0]>[0],
    by: string,
  ) => Promise<unknown>,
) {
  return (services: AdministrationServices, target: string, options: Options) =>
    actAs(services, options, { operation, target }, (operator) =>
      services.withPlatform((platform) => work(platform, publicId("user", operator.id))),
    );
}

const settingActions: Record<string, Action> = {
  set(services, _args, options) {
    const key = keyOf(options);
    const target = `${requireText(options, "merchant")} ${key.livemode ? "live" : "test"} ${key.currency}`;
    return acting("payout set", async ({ payout }) =>
      presentPayoutSettings(await setPayoutSettings(payout, key, rulesOf(options))),
    )(services, target, options);
  },
  async settings({ db }, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return (await listPayoutSettings(db, merchant_id)).map(presentPayoutSettings);
  },
  "set-cost"(services, _args, options) {
    const account = requireText(options, "channel-account");
    const channel_account_id = account === "bank" ? null : readId("channel_account", account);
    const key = {
      channel_account_id,
      livemode: options.live === true,
      currency: textOption(options, "currency") ?? "CNY",
    };
    const cost = {
      rate_ppm: numberOption(options, "fee-ppm") ?? 0n,
      fixed_amount: numberOption(options, "fee-fixed") ?? 0n,
      floor_amount: numberOption(options, "fee-floor") ?? 0n,
      cap_amount: amountOption(options, "fee-cap") ?? null,
    };
    return acting("payout set-cost", async ({ payout }) => {
      const set = await setTransferCost(payout, key, cost);
      return Object.fromEntries(
        Object.entries(set).map(([name, value]) => [name, value === null ? null : String(value)]),
      );
    })(services, account, options);
  },
};

const actions: Record<string, Action> = {
  ...settingActions,
  async list({ db }, _args, options) {
    const { merchant_id, livemode } = keyOf(options);
    const any = { out_payout_no: null, beneficiary_id: null, batch_id: null };
    const status = textOption(options, "status") ?? null;
    return (await listPayouts(db, { merchant_id, livemode, status, page: PAGE, ...any })).map(presentForOperator);
  },
  show: async ({ db }, [id]) => presentForOperator(await findAnyPayout(db, id ?? "")),
  cancel: (services, [id], options) =>
    acting("payout cancel", async ({ payout }) => {
      const found = await findAnyPayout(payout.db, id ?? "");
      return presentForOperator(await cancelPayout(payout, found));
    })(services, id ?? "", options),
  "bank-file": (services, _args, options) => {
    const [livemode, currency] = [options.live === true, textOption(options, "currency") ?? "CNY"];
    return acting("payout bank-file", async ({ payout }, created_by) => {
      const given = { livemode, currency, created_by };
      return presentBankFile(await payout.db.transaction((tx) => createBankFile(payout, tx, given)));
    })(services, `${livemode ? "live" : "test"} ${currency}`, options);
  },
  "bank-files": async ({ db }) => (await listBankFiles(db, PAGE)).map(presentBankFile),
  "write-bank-file": (services, [id], options) => {
    const format = choiceOption(options, "format", bankFileFormats) ?? "xlsx";
    const path = requireText(options, "out");
    return acting("payout write-bank-file", async ({ payout }) => {
      const file = await loadBankFile(payout.db, readId("payout_bank_file", id));
      if (!file) throw payoutErrors["payout_bank_file.not_found"]();
      // It has account numbers in clear: only who writes it reads it.
      const chunks = Readable.from(writeBankFile(payout, file, format), { objectMode: false });
      await pipeline(chunks, createWriteStream(path, { mode: 0o600 }));
      return { ...presentBankFile(file), path };
    })(services, id ?? "", options);
  },
  record: (services, [id], options) => {
    const result = choiceOption(options, "result", bankResults);
    if (!result) throw new StartError(`Say --result …: one of ${bankResults.join(", ")}.`);
    return acting("payout record", async ({ payout }, recorded_by) => {
      const found = await findAnyPayout(payout.db, id ?? "");
      const [reason, reference] = [textOption(options, "reason"), textOption(options, "reference")];
      return presentForOperator(await recordResult(payout, found, { result, reason, reference, recorded_by }));
    })(services, id ?? "", options);
  },
};

export function payoutCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "payout <action> [id]",
    summary:
      "set how a merchant is paid out, settings, set-cost; list, show, cancel payouts; bank-file: make one, bank-files, write-bank-file, record what the bank says",
    options: [
      BY_OPTION,
      { flags: "--merchant <id>", description: "set, settings, list: whose" },
      { flags: "--live", description: "live money instead of the sandbox's" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY)" },
      { flags: "--status <status>", description: "list: only these" },
      { flags: "--fee-ppm <ppm>", description: "set, set-cost: parts per million of the amount", text: true },
      { flags: "--fee-fixed <amount>", description: "set, set-cost: added to it, in minor units", text: true },
      { flags: "--fee-floor <amount>", description: "set, set-cost: at least", text: true },
      { flags: "--fee-cap <amount>", description: "set, set-cost: at most, or none", text: true },
      { flags: "--fee <where>", description: "set: on-top of the amount, or out-of it (default: on-top)" },
      {
        flags: "--fee-returns <yes|no>",
        description: "set: whether it goes back with what a bank returns (default: no)",
      },
      { flags: "--minimum <amount>", description: "set: the least of one payout", text: true },
      { flags: "--maximum <amount>", description: "set: the most of one payout, or none", text: true },
      { flags: "--day-count <number>", description: "set: how many a day, or none", text: true },
      { flags: "--day-amount <amount>", description: "set: how much a day, or none", text: true },
      { flags: "--month-amount <amount>", description: "set: how much a month, or none", text: true },
      {
        flags: "--review-above <amount>",
        description: "set: more than this an operator sees first, or none",
        text: true,
      },
      { flags: "--channel-accounts <ids>", description: "set: who pays, the preferred first, or none" },
      { flags: "--automatic-to <id>", description: "set: the beneficiary of payouts after settlements, or none" },
      { flags: "--automatic-minimum <amount>", description: "set: less waits for the next settlement", text: true },
      { flags: "--automatic-keep <amount>", description: "set: so much stays available", text: true },
      { flags: "--channel-account <id>", description: "set-cost: of transfers through it; bank: of our bank's" },
      { flags: "--format <format>", description: "write-bank-file: xlsx or csv (default: xlsx)" },
      { flags: "--out <file>", description: "write-bank-file: the file to write", text: true },
      { flags: "--result <result>", description: "record: succeeded, failed or returned" },
      { flags: "--reason <text>", description: "record: the bank's reason; kept in the audit trail too", text: true },
      { flags: "--reference <number>", description: "record: the bank's number", text: true },
    ],
    actions,
  });
}
