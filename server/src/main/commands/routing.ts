/** `tributary routing …`: which channel account takes a merchant's payments. */
import { getChannel } from "../../channels/registry.ts";
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { createChannelAccounts } from "../../modules/channel-account/index.ts";
import { createPastAttempts } from "../../modules/payment/index.ts";
import {
  createRouter,
  createRoutingRule,
  deleteRoutingRule,
  listRouting,
  presentSimulation,
  type RoutingLimit,
  type RoutingRule,
  setRoutingLimit,
  simulatePast,
  type Target,
} from "../../modules/routing/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  type AdministrationServices,
  actionCommand,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const WINDOW_S_UNLESS_GIVEN = 3_600;
const EXPLORATION_PERCENT_UNLESS_GIVEN = "2";
const SIMULATED_MAX = 10_000;
const DAY_MS = 86_400_000;

/** The target of the one option that says where the rule leads. */
function readTarget(options: Options): Target {
  const [to, split] = [textOption(options, "to"), textOption(options, "split")];
  const among = textOption(options, "among");
  const accounts = among === undefined ? {} : { accounts: among.split(",").map(readAccount) };
  const targets: Target[] = [];
  if (to !== undefined) targets.push({ kind: "account", account: readAccount(to) });
  if (split !== undefined) targets.push({ kind: "weighted", accounts: split.split(",").map(readShare) });
  if (options.cheapest === true) targets.push({ kind: "cheapest", ...accounts });
  if (options.best === true) {
    const window_s = wholeNumber(options, "window") ?? WINDOW_S_UNLESS_GIVEN;
    const exploration_ppm = percentToPpm(textOption(options, "explore") ?? EXPLORATION_PERCENT_UNLESS_GIVEN);
    targets.push({ kind: "best_success_rate", ...accounts, window_s, exploration_ppm });
  }
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new StartError("Say where the rule leads by one of --to, --split, --cheapest and --best.");
}

function readAccount(text: string): string {
  return readId("channel_account", text.trim());
}

function readShare(text: string): { account: string; weight: number } {
  const match = /^(.+)=(\d{1,7})$/.exec(text.trim());
  if (!match) throw new StartError(`--split has "${text}": give each account its weight, such as ca_…=70,ca_…=30.`);
  return { account: readAccount(match[1]!), weight: Number(match[2]) };
}

function percentToPpm(text: string): number {
  const match = /^(\d{1,3})(?:\.(\d{1,4}))?%?$/.exec(text);
  if (!match) throw new StartError(`--explore is "${text}": give a percentage with up to four decimals, such as 2%.`);
  return Number(match[1]! + (match[2] ?? "").padEnd(4, "0"));
}

function wholeNumber(options: Options, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new StartError(`--${name} is "${text}": give a whole number.`);
}

function amount(options: Options, name: string): bigint | null {
  const text = textOption(options, name);
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number of minor units, such as 500000 for CNY 5,000.`);
}

function instant(options: Options, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new StartError(`--${name} is "${text}": give an instant like 2026-12-01T00:00:00+08:00.`);
  return at;
}

function hours(options: Options): Pick<RoutingLimit, "opens_at" | "closes_at"> {
  const text = textOption(options, "hours");
  if (text === undefined) return { opens_at: null, closes_at: null };
  const match = /^(\d{2}:\d{2})-(\d{2}:\d{2})$/.exec(text);
  if (!match) throw new StartError(`--hours is "${text}": give when it opens and closes, such as 08:00-22:00.`);
  return { opens_at: match[1]!, closes_at: match[2]! };
}

function timeZone(options: Options): { time_zone?: string } {
  const time_zone = textOption(options, "timeZone");
  return time_zone === undefined ? {} : { time_zone };
}

function showRule(rule: RoutingRule) {
  const { id, livemode, app_id, priority, name, condition, sticky, time_zone } = rule;
  return {
    id: publicId("routing_rule", id),
    ...{ livemode, app: app_id && publicId("app", app_id), priority, name, condition },
    target: showTarget(rule.target),
    ...{ sticky, time_zone },
  };
}

function showTarget(target: Target) {
  if (target.kind === "account") return { kind: target.kind, account: publicId("channel_account", target.account) };
  if (target.kind === "weighted") {
    const accounts = target.accounts.map(({ account, weight }) => [publicId("channel_account", account), weight]);
    return { kind: target.kind, accounts: Object.fromEntries(accounts) };
  }
  const { accounts, ...rest } = target;
  return { ...rest, ...(accounts && { accounts: accounts.map((id) => publicId("channel_account", id)) }) };
}

function showLimit(limit: RoutingLimit) {
  const text = (value: bigint | null) => (value === null ? null : String(value));
  const { currency, opens_at, closes_at, time_zone } = limit;
  return {
    channel_account: publicId("channel_account", limit.channel_account_id),
    currency,
    ...{ amount_min: text(limit.amount_min), amount_max: text(limit.amount_max) },
    day_amount_max: text(limit.day_amount_max),
    ...{ opens_at, closes_at, time_zone },
  };
}

/** What each payment of a period would have taken by today's rules, and how many would take another account. */
async function simulate(services: AdministrationServices, options: Options) {
  const { db, clock, envelope, channels } = services;
  const accounts = createChannelAccounts({ db, clock, envelope });
  const past = createPastAttempts(db);
  const router = createRouter({ db, clock, getChannel, accounts, channels, past, isDirectStopped: () => false });
  const caller = {
    merchant_id: readId("merchant", requireText(options, "merchant")),
    app_id: readId("app", requireText(options, "app")),
    livemode: options.live === true,
  };
  const to = instant(options, "until") ?? clock.now();
  const period = { from: instant(options, "from") ?? to - DAY_MS, to, after: null, limit: SIMULATED_MAX };
  const rows = (await simulatePast({ router, past }, caller, period)).map(presentSimulation);
  const taken = Map.groupBy(rows, ({ took, would_take }) => `${took} → ${would_take ?? "none"}`);
  return {
    payments: rows.length,
    complete: rows.length < SIMULATED_MAX,
    changed: rows.filter(({ changed }) => changed).length,
    accounts: Object.fromEntries([...taken].map(([way, some]) => [way, some.length])),
    ...(options.verbose === true && { data: rows }),
  };
}

const actions: Record<string, Action> = {
  async add(services, _args, options) {
    const app = textOption(options, "app");
    const priority = wholeNumber(options, "priority");
    const rule = await createRoutingRule(services, {
      merchant_id: readId("merchant", requireText(options, "merchant")),
      livemode: options.live === true,
      app_id: app === undefined ? null : readId("app", app),
      name: requireText(options, "name"),
      condition: textOption(options, "when") ?? "true",
      target: readTarget(options),
      sticky: options.sticky === true,
      ...(priority !== undefined && { priority }),
      ...timeZone(options),
    });
    return showRule(rule);
  },
  async list({ db }, _args, options) {
    const { rules, limits } = await listRouting(db, readId("merchant", requireText(options, "merchant")));
    return { rules: rules.map(showRule), limits: limits.map(showLimit) };
  },
  async remove({ db }, [id], options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    await deleteRoutingRule(db, merchant_id, readId("routing_rule", id));
    return { id, removed: true };
  },
  async limit(services, _args, options) {
    const limit = await setRoutingLimit(
      { ...services, past: createPastAttempts(services.db) },
      {
        merchant_id: readId("merchant", requireText(options, "merchant")),
        channel_account_id: readAccount(requireText(options, "account")),
        currency: textOption(options, "currency") ?? "CNY",
        amount_min: amount(options, "min"),
        amount_max: amount(options, "max"),
        day_amount_max: amount(options, "day"),
        ...hours(options),
        ...timeZone(options),
      },
    );
    return showLimit(limit);
  },
  async simulate(services, _args, options) {
    const result = await simulate(services, options);
    return { at: toRfc3339(services.clock.now()), ...result };
  },
};

export function routingCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "routing <action> [id]",
    summary: "add, list or remove a merchant's routing rules, limit an account, or simulate past payments",
    options: [
      { flags: "--merchant <id>", description: "whose payments" },
      { flags: "--live", description: "add, simulate: live money instead of the sandbox" },
      { flags: "--app <id>", description: "add: only this app; simulate needs it" },
      { flags: "--name <text>", description: "add: what the rule is for" },
      { flags: "--when <condition>", description: "add: CEL over the payment (default: true)" },
      { flags: "--priority <number>", description: "add: smaller ones are tried first (default: 100)" },
      { flags: "--to <account>", description: "add: leads to this channel account" },
      { flags: "--split <shares>", description: "add: leads to several by weight, such as ca_…=70,ca_…=30" },
      { flags: "--cheapest", description: "add: leads to the least channel cost" },
      { flags: "--best", description: "add: leads to the best success rate" },
      { flags: "--among <accounts>", description: "with --cheapest or --best: only these, with commas" },
      { flags: "--window <seconds>", description: "with --best: how far back (default: 3600)" },
      { flags: "--explore <percent>", description: "with --best: payments that try another account (default: 2%)" },
      { flags: "--sticky", description: "add: a payer stays with the account that took the money last" },
      { flags: "--account <id>", description: "limit: which channel account" },
      { flags: "--currency <code>", description: "limit: ISO 4217 (default: CNY)" },
      { flags: "--min <amount>", description: "limit: the least of one payment, in minor units" },
      { flags: "--max <amount>", description: "limit: the most of one payment" },
      { flags: "--day <amount>", description: "limit: the most of what succeeds on one day" },
      { flags: "--hours <from-to>", description: "limit: when it takes payments, such as 08:00-22:00" },
      { flags: "--time-zone <name>", description: "add, limit: whose hours and days (default: Asia/Shanghai)" },
      { flags: "--from <instant>", description: "simulate: payments from then on (default: a day before --until)" },
      { flags: "--until <instant>", description: "simulate: payments before then (default: now)" },
      { flags: "--verbose", description: "simulate: each payment with its decision" },
    ],
    actions,
  });
}
