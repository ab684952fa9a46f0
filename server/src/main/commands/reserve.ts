/** `tributary reserve …`: what part of merchants' settlements is held back, and releasing it early. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { presentApprovals } from "../../modules/approval/index.ts";
import {
  listReserves,
  loadReserveSettings,
  presentReserve,
  type ReserveSettings,
  requestEarlyRelease,
  setReserve,
} from "../../modules/reserve/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  actAs,
  actionCommand,
  BY_OPTION,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";
import { percentToPpm, readAmount, readInstant } from "./fee-options.ts";

const LIST_MAX = 1_000;
const PAGE = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;

const merchantOf = (options: Options) => readId("merchant", requireText(options, "merchant"));

function daysOf(options: Options): number | undefined {
  const text = textOption(options, "days");
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new StartError(`--days is "${text}": give a whole number such as 180.`);
}

function show(settings: ReserveSettings) {
  return {
    merchant: publicId("merchant", settings.merchant_id),
    livemode: settings.livemode,
    currency: settings.currency,
    effective_from: toRfc3339(settings.effective_from),
    rolling_rate_ppm: String(settings.rolling_rate_ppm),
    rolling_days: settings.rolling_days,
    fixed_amount: String(settings.fixed_amount),
    covers_refunds: settings.covers_refunds,
  };
}

const actions: Record<string, Action> = {
  async set(services, _args, options) {
    const rate = textOption(options, "rate");
    const settings = await setReserve(services, {
      merchant_id: merchantOf(options),
      livemode: options.live === true,
      currency: textOption(options, "currency") ?? "CNY",
      rolling_rate_ppm: rate === undefined ? undefined : percentToPpm(rate),
      rolling_days: daysOf(options),
      fixed_amount: readAmount(options, "fixed"),
      // cac gives true for a flag that was not said and has a negative form.
      covers_refunds: options.refunds !== false,
      effective_from: readInstant(options, "from"),
    });
    return show(settings);
  },
  async show({ db }, _args, options) {
    return (await loadReserveSettings(db, merchantOf(options))).map(show);
  },
  async list({ db }, _args, options) {
    const filter = { merchant_id: merchantOf(options), livemode: options.live === true, kind: null, page: PAGE };
    const [currency, status] = [textOption(options, "currency") ?? null, options.all === true ? null : "held"] as const;
    return (await listReserves(db, { ...filter, currency, status })).map(presentReserve);
  },
  release(services, [text], options) {
    const reserve_id = readId("reserve", text);
    const wanted = { merchant_id: merchantOf(options), reserve_id, amount: readAmount(options, "amount") };
    const reason = requireText(options, "reason");
    const command = { operation: "reserve release", target: publicId("reserve", reserve_id) };
    return actAs(services, options, command, (operator) =>
      services.withPlatform(async ({ reserve, approval }) => {
        const asked = await requestEarlyRelease(reserve, { ...wanted, reason, maker_id: operator.id });
        return (await presentApprovals(approval, [asked]))[0];
      }),
    );
  },
};

export function reserveCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "reserve <action> [id]",
    summary:
      "set what is held back of a merchant's settlements, show it, list the parts, release one early (another operator decides)",
    options: [
      { flags: "--merchant <id>", description: "whose" },
      { flags: "--live", description: "live money instead of the sandbox's" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY; list: all)" },
      { flags: "--rate <percent>", description: "set: of each settlement, such as 10%, for --days" },
      { flags: "--days <n>", description: "set: how long the rate is held" },
      { flags: "--fixed <amount>", description: "set: a sum that settlements fill, in minor units (default: 0)" },
      { flags: "--no-refunds", description: "set: refunds may not draw on the reserve" },
      { flags: "--from <instant>", description: "set: when it begins (default: now)" },
      { flags: "--all", description: "list: what was released too" },
      { flags: "--amount <amount>", description: "release: in minor units (default: all that is held)" },
      { flags: "--reason <text>", description: "release: why", text: true },
      BY_OPTION,
    ],
    actions,
  });
}
