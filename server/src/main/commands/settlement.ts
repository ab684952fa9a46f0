/** `tributary settlement …`: when merchants are settled, and settling now. */
import { readFileSync } from "node:fs";
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import {
  listSettlements,
  loadCalendar,
  loadSettlementSettings,
  type NewSettings,
  presentSettlement,
  readSettlementRuns,
  runSettlement,
  setSettlementSettings,
} from "../../modules/settlement/index.ts";
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

const LIST_MAX = 1_000;

function keyOf(options: Options) {
  return {
    merchant_id: readId("merchant", requireText(options, "merchant")),
    livemode: options.live === true,
    currency: textOption(options, "currency") ?? "CNY",
  };
}

function amountOf(options: Options, name: string): bigint | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number of minor units, such as 10000 for CNY 100.00.`);
}

function showSettings(settings: NewSettings) {
  const { run_minute, due_at } = settings;
  const two = (number: number) => String(number).padStart(2, "0");
  return {
    merchant: publicId("merchant", settings.merchant_id),
    livemode: settings.livemode,
    currency: settings.currency,
    cycle: settings.cycle,
    calendar: settings.calendar,
    at: `${two(Math.floor(run_minute / 60))}:${two(run_minute % 60)}`,
    minimum_amount: String(settings.minimum_amount),
    review_above: settings.review_above === null ? null : String(settings.review_above),
    next_day: settings.next_day,
    next_run_at: due_at === null ? null : toRfc3339(due_at),
  };
}

const actions: Record<string, Action> = {
  async set(services, _args, options) {
    const settings = await setSettlementSettings(services, {
      ...keyOf(options),
      cycle: requireText(options, "cycle"),
      calendar: textOption(options, "calendar"),
      run_at: textOption(options, "at"),
      minimum_amount: amountOf(options, "minimum"),
      review_above: amountOf(options, "review-above"),
    });
    return showSettings(settings);
  },
  async show({ db }, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return (await loadSettlementSettings(db, merchant_id)).map(showSettings);
  },
  async run(services, _args, options) {
    const key = keyOf(options);
    const settlement = await services.withPlatform((platform) => runSettlement(platform.settlement, key));
    return settlement === undefined ? null : presentSettlement(settlement);
  },
  async list({ db }, _args, options) {
    const { merchant_id, livemode } = keyOf(options);
    const page = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;
    const currency = textOption(options, "currency") ?? null;
    return (await listSettlements(db, { merchant_id, livemode, currency, status: null, page })).map(presentSettlement);
  },
  async runs(services, _args, options) {
    const merchant = textOption(options, "merchant");
    const merchant_id = merchant === undefined ? null : readId("merchant", merchant);
    return readSettlementRuns(services, { merchant_id, limit: LIST_MAX });
  },
  async "load-calendar"(services, [path]) {
    if (path === undefined) throw new StartError("Say which file has the year's days: load-calendar <file>.");
    const { calendar, year } = await loadCalendar(services, readJson(path));
    return { calendar, year };
  },
};

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new StartError(`${path} cannot be read as JSON: ${(error as Error).message}.`);
  }
}

export function settlementCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "settlement <action> [file]",
    summary:
      "set when a merchant is settled, show it, run: settle now, list settlements, runs: what is due, late and done, load-calendar: a year's workdays from a file",
    options: [
      { flags: "--merchant <id>", description: "whose" },
      { flags: "--live", description: "live money instead of the sandbox's" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY; list: all)" },
      {
        flags: "--cycle <cycle>",
        description: "set: T+1 (workdays), D+3 (days), weekly:1,4, monthly:15,31 or on_request",
      },
      {
        flags: "--calendar <name>",
        description: "set: china, weekends, every_day or one that was loaded (default: by cycle and currency)",
      },
      { flags: "--at <time>", description: "set: time of day, by the merchant's clock (default: 02:00; T+0: 23:00)" },
      { flags: "--minimum <amount>", description: "set: less waits for the next run, in minor units (default: 0)" },
      {
        flags: "--review-above <amount>",
        description:
          "set: more waits for a person, in minor units (default: the policy of approvals of kind settlement)",
      },
    ],
    actions,
  });
}
