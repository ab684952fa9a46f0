/** `tributary fee …`: what merchants pay the platform, and what channels charge it. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { createChannelAccounts } from "../../modules/channel-account/index.ts";
import {
  type Band,
  type ChannelCostRule,
  createChannelCostRule,
  createFeeRule,
  type FeeRule,
  listFeeRules,
  loadChannelCostRules,
  previewFee,
  type Quote,
  stopChannelCostRule,
  stopFeeRule,
  type Tariff,
  type Term,
} from "../../modules/fee/index.ts";
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
import { readAmount, readInstant, readQuota, readScope, readTariff, readTerm } from "./fee-options.ts";

const LIST_MAX = 1_000;
const textOf = (amount: bigint | null) => (amount === null ? null : String(amount));
const instantOf = (at: number | null) => (at === null ? null : toRfc3339(at));

function showTariff(rule: Tariff & Band & Term & { id: string; method: string | null }) {
  return {
    id: publicId("fee_rule", rule.id),
    currency: rule.currency,
    rate_ppm: String(rule.rate_ppm),
    fixed_amount: String(rule.fixed_amount),
    floor_amount: String(rule.floor_amount),
    cap_amount: textOf(rule.cap_amount),
    rounding: rule.rounding,
    method: rule.method,
    amount_from: textOf(rule.amount_from),
    amount_below: textOf(rule.amount_below),
    effective_from: toRfc3339(rule.effective_from),
    effective_until: instantOf(rule.effective_until),
    ended_at: instantOf(rule.ended_at),
  };
}

function showFeeRule(rule: FeeRule) {
  const { app_id, channel_account_id } = rule;
  return {
    ...showTariff(rule),
    livemode: rule.livemode,
    app: app_id && publicId("app", app_id),
    channel: rule.channel,
    channel_account: channel_account_id && publicId("channel_account", channel_account_id),
    store: rule.store,
    quota_period: rule.quota_period,
    quota_count: textOf(rule.quota_count),
    quota_amount: textOf(rule.quota_amount),
    refund_returns_fee: rule.refund_returns_fee,
  };
}

function showCostRule(rule: ChannelCostRule) {
  const channel_account = publicId("channel_account", rule.channel_account_id);
  return { ...showTariff(rule), channel_account, refund_returns_cost: rule.refund_returns_cost };
}

function showQuote(quote: Quote) {
  const ruleOf = (id: string | null) => id && publicId("fee_rule", id);
  return {
    channel_account: publicId("channel_account", quote.account.id),
    funding_mode: quote.account.funding_mode,
    fee_rule: ruleOf(quote.rule_id),
    fee: String(quote.fee),
    net: String(quote.net),
    quota_period: quote.quota_period,
    cost_rule: ruleOf(quote.cost_rule_id),
    cost: String(quote.cost),
  };
}

function readRule(args: readonly string[]): string {
  if (args[0] === undefined) throw new StartError("Say which rule: fee end <fee_…>.");
  return readId("fee_rule", args[0]);
}

const accountOf = (options: Options) => readId("channel_account", requireText(options, "account"));
const merchantOf = (options: Options) => readId("merchant", requireText(options, "merchant"));

const actions: Record<string, Action> = {
  async add(services, _args, options) {
    const rule = await createFeeRule(
      { ...services, sql: services.db },
      {
        ...{ ...readTariff(options), ...readTerm(options), ...readScope(options), ...readQuota(options) },
        merchant_id: merchantOf(options),
        livemode: options.live === true,
        refund_returns_fee: options.keepOnRefund !== true,
      },
    );
    return showFeeRule(rule);
  },
  async end(services, args, options) {
    const given = { ...services, sql: services.db };
    const wanted = { merchant_id: merchantOf(options), id: readRule(args) };
    return showFeeRule(await stopFeeRule(given, { ...wanted, effective_until: readInstant(options, "until") }));
  },
  async list({ db }, _args, options) {
    return (await listFeeRules(db, merchantOf(options), LIST_MAX)).map(showFeeRule);
  },
  async "add-cost"(services, _args, options) {
    const rule = await createChannelCostRule(
      { ...services, sql: services.db },
      {
        ...{ ...readTariff(options), ...readTerm(options) },
        channel_account_id: accountOf(options),
        method: textOption(options, "method") ?? null,
        refund_returns_cost: options.keepOnRefund !== true,
      },
    );
    return showCostRule(rule);
  },
  async "end-cost"(services, args, options) {
    const given = { ...services, sql: services.db };
    const wanted = { channel_account_id: accountOf(options), id: readRule(args) };
    return showCostRule(
      await stopChannelCostRule(given, { ...wanted, effective_until: readInstant(options, "until") }),
    );
  },
  async "list-costs"({ db }, _args, options) {
    return (await loadChannelCostRules(db, [accountOf(options)])).map(showCostRule);
  },
  async preview(services, _args, options) {
    const amount = readAmount(options, "amount");
    if (amount === undefined || amount === 0n) throw new StartError("Say --amount …: it is needed here.");
    const quotes = await previewFee(
      { ...services, accounts: createChannelAccounts(services) },
      {
        merchant_id: merchantOf(options),
        livemode: options.live === true,
        app_id: readId("app", requireText(options, "app")),
        method: requireText(options, "method"),
        store: textOption(options, "store") ?? null,
        currency: textOption(options, "currency") ?? "CNY",
        amount,
        at: readInstant(options, "at"),
      },
    );
    return quotes.map(showQuote);
  },
};

export function feeCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "fee <action> [rule]",
    summary:
      "add, end or list a merchant's fee rules, preview: price a payment; add-cost, end-cost, list-costs of a channel account",
    options: [
      { flags: "--merchant <id>", description: "add, end, list, preview: who pays it" },
      { flags: "--live", description: "add, preview: for live money instead of the sandbox" },
      { flags: "--rate <percent>", description: "such as 0.6%" },
      { flags: "--fixed <amount>", description: "added to each payment, in minor units" },
      { flags: "--floor <amount>", description: "the least, in minor units" },
      { flags: "--cap <amount>", description: "the most, in minor units" },
      { flags: "--rounding <name>", description: "half_up, half_even, up or down (default: half_up)" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY)" },
      { flags: "--app <id>", description: "add: only this app; preview: the app that asks" },
      { flags: "--channel <name>", description: "add: only this channel, such as wechat" },
      { flags: "--account <id>", description: "only this channel account; costs need it" },
      { flags: "--method <name>", description: "only this method, or wechat.* for all of a channel" },
      { flags: "--store <name>", description: "only payments that carry this store", text: true },
      { flags: "--amount-from <amount>", description: "only payments of this amount or more, in minor units" },
      { flags: "--amount-below <amount>", description: "only payments of less than this, in minor units" },
      { flags: "--quota-period <name>", description: "add: a promotion, counted by day, week, month or ever" },
      { flags: "--quota-count <number>", description: "add: for so many payments of each period" },
      { flags: "--quota-amount <amount>", description: "add: for so much of each period, in minor units" },
      { flags: "--from <instant>", description: "in force from then on (default: now)" },
      { flags: "--until <instant>", description: "add: ends then; end: when (default: now)" },
      { flags: "--keep-on-refund", description: "a refund does not give its share back" },
      { flags: "--amount <amount>", description: "preview: of the payment, in minor units" },
      { flags: "--at <instant>", description: "preview: as of then (default: now)" },
    ],
    actions,
  });
}
