/** `tributary fee …`: what merchants pay the platform, and what channels charge it. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Rounding } from "../../kit/money.ts";
import { createChannelCostRule, createFeeRule, type FeeRule, listFeeRules } from "../../modules/fee/index.ts";
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

/** The tariff's options: a percentage, and amounts in minor units. */
function tariff(options: Options) {
  const cap_amount = amount(options, "cap");
  return {
    currency: textOption(options, "currency") ?? "CNY",
    rate_ppm: percentToPpm(requireText(options, "rate")),
    fixed_amount: amount(options, "fixed") ?? 0n,
    floor_amount: amount(options, "floor") ?? 0n,
    ...(cap_amount !== undefined && { cap_amount }),
    ...rounding(options),
  };
}

const roundings = ["half_up", "half_even", "up", "down"] as const satisfies readonly Rounding[];

function rounding(options: Options): { rounding?: Rounding } {
  const text = textOption(options, "rounding");
  if (text === undefined) return {};
  const chosen = roundings.find((name) => name === text);
  if (chosen) return { rounding: chosen };
  throw new StartError(`--rounding is "${text}": choose one of ${roundings.join(", ")}.`);
}

function percentToPpm(text: string): bigint {
  const match = /^(\d{1,3})(?:\.(\d{1,4}))?%?$/.exec(text);
  if (!match) throw new StartError(`--rate is "${text}": give a percentage with up to four decimals, such as 0.6%.`);
  return BigInt(match[1]! + (match[2] ?? "").padEnd(4, "0"));
}

function amount(options: Options, name: string): bigint | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number of minor units, such as 10 for CNY 0.10.`);
}

function instant(options: Options): { effective_from?: number } {
  const text = textOption(options, "from");
  if (text === undefined) return {};
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new StartError(`--from is "${text}": give an instant like 2026-12-01T00:00:00+08:00.`);
  return { effective_from: at };
}

const LIST_MAX = 1_000;

function showFeeRule(rule: FeeRule) {
  const { app_id, channel_account_id, cap_amount } = rule;
  return {
    id: publicId("fee_rule", rule.id),
    livemode: rule.livemode,
    currency: rule.currency,
    rate_ppm: String(rule.rate_ppm),
    fixed_amount: String(rule.fixed_amount),
    floor_amount: String(rule.floor_amount),
    cap_amount: cap_amount === null ? null : String(cap_amount),
    rounding: rule.rounding,
    app: app_id && publicId("app", app_id),
    channel_account: channel_account_id && publicId("channel_account", channel_account_id),
    method: rule.method,
    refund_returns_fee: rule.refund_returns_fee,
    effective_from: toRfc3339(rule.effective_from),
  };
}

const actions: Record<string, Action> = {
  async add(services, _args, options) {
    const account = textOption(options, "account");
    const app = textOption(options, "app");
    const rule = await createFeeRule(
      { ...services, sql: services.db },
      {
        ...tariff(options),
        ...instant(options),
        merchant_id: readId("merchant", requireText(options, "merchant")),
        livemode: options.live === true,
        app_id: app === undefined ? null : readId("app", app),
        channel_account_id: account === undefined ? null : readId("channel_account", account),
        method: textOption(options, "method") ?? null,
        refund_returns_fee: options.keepOnRefund !== true,
      },
    );
    return {
      id: publicId("fee_rule", rule.id),
      rate_ppm: String(rule.rate_ppm),
      effective_from: toRfc3339(rule.effective_from),
    };
  },
  async list({ db }, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return (await listFeeRules(db, merchant_id, LIST_MAX)).map(showFeeRule);
  },
  async "add-cost"(services, _args, options) {
    const rule = await createChannelCostRule(
      { ...services, sql: services.db },
      {
        ...tariff(options),
        ...instant(options),
        channel_account_id: readId("channel_account", requireText(options, "account")),
        method: textOption(options, "method") ?? null,
        refund_returns_cost: options.keepOnRefund !== true,
      },
    );
    return {
      id: publicId("fee_rule", rule.id),
      rate_ppm: String(rule.rate_ppm),
      effective_from: toRfc3339(rule.effective_from),
    };
  },
};

export function feeCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "fee <action>",
    summary: "add or list a merchant's fee rules, or add-cost for a channel account",
    options: [
      { flags: "--merchant <id>", description: "add, list: who pays it" },
      { flags: "--live", description: "add: for live money instead of the sandbox" },
      { flags: "--rate <percent>", description: "such as 0.6%" },
      { flags: "--fixed <amount>", description: "added to each payment, in minor units" },
      { flags: "--floor <amount>", description: "the least, in minor units" },
      { flags: "--cap <amount>", description: "the most, in minor units" },
      { flags: "--rounding <name>", description: "half_up, half_even, up or down (default: half_up)" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY)" },
      { flags: "--app <id>", description: "add: only this app" },
      { flags: "--account <id>", description: "only this channel account; add-cost needs it" },
      { flags: "--method <name>", description: "only this method" },
      { flags: "--from <instant>", description: "in force from then on (default: now)" },
      { flags: "--keep-on-refund", description: "a refund does not give its share back" },
    ],
    actions,
  });
}
