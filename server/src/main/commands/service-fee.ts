/** `tributary service-fee …`: how merchants in direct mode are billed, their invoices, and what they pay in advance. */
import { publicId } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { RequestedApproval } from "../../modules/approval/index.ts";
import {
  type Billing,
  billingCycles,
  billNow,
  issueInvoice,
  listBilling,
  listInvoices,
  presentInvoice,
  readStanding,
  requestBankPayment,
  requestDeposit,
  setBilling,
  voidInvoice,
} from "../../modules/service-fee/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  type AdministrationServices,
  actAs,
  actionCommand,
  BY_OPTION,
  type Options,
  type Platform,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;
const PAGE = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;
const sources = ["bank", "prepaid", "available"] as const;

/** This process tells nobody: the running server's workers look for deliveries by themselves. */
const kick = { webhooks() {} };
const withKick = (services: AdministrationServices) => ({ ...services, kick });

function keyOf(options: Options) {
  return {
    merchant_id: readId("merchant", requireText(options, "merchant")),
    livemode: options.live === true,
    currency: textOption(options, "currency") ?? "CNY",
  };
}

function amountOf(options: Options, name: string, form = /^\d{1,15}$/): bigint | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (form.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number of minor units, such as 10000 for CNY 100.00.`);
}

function requireAmount(options: Options): bigint {
  const amount = amountOf(options, "amount");
  if (amount === undefined || amount === 0n) throw new StartError("Say --amount …: it is needed here.");
  return amount;
}

function choiceOf<Choice extends string>(options: Options, name: string, choices: readonly Choice[]): Choice {
  const text = requireText(options, name);
  const chosen = choices.find((choice) => choice === text);
  if (chosen) return chosen;
  throw new StartError(`--${name} is "${text}": choose one of ${choices.join(", ")}.`);
}

function daysOf(options: Options): number | undefined {
  const text = textOption(options, "due-days");
  if (text === undefined) return undefined;
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new StartError(`--due-days is "${text}": give a whole number of days.`);
}

function showBilling(billing: Billing) {
  const { merchant_id, warn_below, stop_below, low_since, stopped_at } = billing;
  return {
    merchant: publicId("merchant", merchant_id),
    livemode: billing.livemode,
    currency: billing.currency,
    cycle: billing.cycle,
    collect: billing.collection,
    issue: billing.issue,
    due_days: billing.due_days,
    warn_below: warn_below === null ? null : String(warn_below),
    stop_below: stop_below === null ? null : String(stop_below),
    next_day: billing.next_day,
    low: low_since !== null,
    stopped: stopped_at !== null,
  };
}

/** An action on one invoice, by an operator. */
function onInvoice(
  name: string,
  act: (
    services: ReturnType<typeof withKick>,
    key: { merchant_id: string; id: string },
    options: Options,
  ) => Promise<Parameters<typeof presentInvoice>[0]>,
): Action {
  return (services, [text], options) => {
    const key = { merchant_id: keyOf(options).merchant_id, id: readId("service_fee_invoice", text) };
    const command = { operation: `service-fee ${name}`, target: text! };
    return actAs(services, options, command, async () => presentInvoice(await act(withKick(services), key, options)));
  };
}

/** What a person says about the bank: booked at once, or once another operator has approved it. */
async function record(
  { db, withPlatform }: AdministrationServices,
  ask: (platform: Platform, tx: Transaction) => Promise<RequestedApproval>,
) {
  return withPlatform(async (platform) => {
    const { approval, committed } = await db.transaction((tx) => ask(platform, tx));
    committed();
    const status = approval.status === "approved" ? "booked" : "in_review";
    return { status, approval: publicId("approval", approval.id) };
  });
}

function deposit(kind: "top_up" | "return"): Action {
  return (services, _args, options) => {
    const [key, amount, reference] = [keyOf(options), requireAmount(options), requireText(options, "reference")];
    const operation = kind === "top_up" ? "service-fee top-up" : "service-fee return";
    const command = { operation, target: publicId("merchant", key.merchant_id) };
    const given = { ...key, kind, amount, reference, reason: textOption(options, "reason") };
    return actAs(services, options, command, ({ id: made_by }) =>
      record(services, ({ serviceFee }, tx) => requestDeposit(serviceFee, tx, { ...given, made_by })),
    );
  };
}

const pay: Action = (services, [text], options) => {
  const key = { merchant_id: keyOf(options).merchant_id, id: readId("service_fee_invoice", text) };
  const [amount, reference] = [requireAmount(options), requireText(options, "reference")];
  const given = { amount, reference, reason: textOption(options, "reason") };
  return actAs(services, options, { operation: "service-fee pay", target: text! }, ({ id: made_by }) =>
    record(services, ({ serviceFee }, tx) => requestBankPayment(serviceFee, tx, key, { ...given, made_by })),
  );
};

const actions: Record<string, Action> = {
  async set(services, _args, options) {
    const signed = /^-?\d{1,15}$/;
    return showBilling(
      await setBilling(withKick(services), {
        ...keyOf(options),
        cycle: choiceOf(options, "cycle", billingCycles),
        collection: choiceOf(options, "collect", sources),
        issue: options.manual === true ? "manual" : "automatic",
        due_days: daysOf(options),
        warn_below: amountOf(options, "warn-below", signed),
        stop_below: amountOf(options, "stop-below", signed),
      }),
    );
  },
  async show({ db }, _args, options) {
    const billings = await listBilling(db, keyOf(options).merchant_id);
    const shown = billings.map(async (billing) => {
      const { prepaid, due } = await readStanding(db, billing);
      return { ...showBilling(billing), prepaid: String(prepaid), due: String(due), left: String(prepaid - due) };
    });
    return Promise.all(shown);
  },
  async run(services, _args, options) {
    const invoice = await billNow(withKick(services), keyOf(options));
    return invoice === undefined ? null : presentInvoice(invoice);
  },
  async list({ db }, _args, options) {
    const { merchant_id, livemode } = keyOf(options);
    const currency = textOption(options, "currency") ?? null;
    const found = await listInvoices(db, { merchant_id, livemode, currency, status: null, page: PAGE });
    return found.map(presentInvoice);
  },
  issue: onInvoice("issue", issueInvoice),
  void: onInvoice("void", (services, key, options) => voidInvoice(services, key, requireText(options, "reason"))),
  pay,
  "top-up": deposit("top_up"),
  return: deposit("return"),
};

export function serviceFeeCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "service-fee <action> [invoice]",
    summary:
      "direct mode: set how a merchant is billed, show it, run: bill now, list invoices; issue, void or pay one; top-up or return what is paid in advance",
    options: [
      { flags: "--merchant <id>", description: "whose" },
      { flags: "--live", description: "live money instead of the sandbox's" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY; list: all)" },
      { flags: "--cycle <cycle>", description: `set: ${billingCycles.join(", ")}` },
      { flags: "--collect <from>", description: "set: bank (transfers that you record), prepaid or available" },
      { flags: "--manual", description: "set: you look at each invoice before it is issued" },
      { flags: "--due-days <days>", description: "set: days in which to pay (default: 15)" },
      { flags: "--warn-below <amount>", description: "set: warn when less is left of what is prepaid" },
      { flags: "--stop-below <amount>", description: "set: no new payments when less is left; may be negative" },
      { flags: "--amount <amount>", description: "pay, top-up, return: in minor units" },
      { flags: "--reference <text>", description: "pay, top-up, return: of the bank's transfer", text: true },
      { flags: "--reason <text>", description: "void: why; pay, top-up, return: for the checker", text: true },
      BY_OPTION,
    ],
    actions,
  });
}
