/** `tributary account …`: what an operator does to a merchant's account of a mode and currency. */
import { publicId } from "../../kit/id.ts";
import {
  listOperations,
  loadControls,
  loadOperation,
  type OperationInput,
  type OperationType,
  presentControls,
  presentOperations,
  requestOperation,
} from "../../modules/account-operation/index.ts";
import { readEntryPlace } from "../../modules/balance/index.ts";
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

const PAGE = { older_than: null, newer_than: null, order: "desc", fetch: 1_000 } as const;

function keyOf(options: Options) {
  return {
    merchant_id: readId("merchant", requireText(options, "merchant")),
    livemode: options.live === true,
    currency: textOption(options, "currency") ?? "CNY",
  };
}

function amountOf(options: Options): bigint {
  const text = requireText(options, "amount");
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--amount is "${text}": give a whole number of minor units, such as 10000 for CNY 100.00.`);
}

function choiceOf<Value extends string>(options: Options, name: string, values: readonly Value[]): Value {
  const text = requireText(options, name);
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new StartError(`--${name} is "${text}": give one of ${values.join(", ")}.`);
}

const accountsOf = (options: Options) => choiceOf(options, "account", ["pending", "available"] as const);

type Rest = Omit<OperationInput, "merchant_id" | "livemode" | "currency" | "type" | "reason">;

/** An action that asks for an operation; `rest` reads what the type needs. */
function operation(type: OperationType, rest: (options: Options) => Rest = () => ({})): Action {
  return (services, _args, options) => {
    const key = keyOf(options);
    const input: OperationInput = { ...key, type, reason: requireText(options, "reason"), ...rest(options) };
    const target = `${publicId("merchant", key.merchant_id)} ${key.livemode ? "live" : "test"} ${key.currency}`;
    return actAs(services, options, { operation: `account ${type}`, target }, (operator) =>
      services.withPlatform(async ({ account_operation: own, approval }) => {
        const { id, committed } = await own.db.transaction((tx) => requestOperation(tx, own, input, operator.id));
        committed();
        return (await presentOperations(approval, [(await loadOperation(own.db, id))!]))[0];
      }),
    );
  };
}

const scopeOf = (options: Options) => ({ scope: choiceOf(options, "scope", ["credit", "debit", "all"] as const) });

const actions: Record<string, Action> = {
  open: operation("open"),
  freeze: operation("freeze", (options) => ({
    ...scopeOf(options),
    ...(options.includeRefunds === true && { include_refunds: true }),
  })),
  unfreeze: operation("unfreeze", scopeOf),
  "freeze-amount": operation("freeze_amount", (options) => ({
    account: accountsOf(options),
    amount: amountOf(options),
  })),
  "release-amount": operation("release_amount", (options) => ({
    freeze_id: readId("account_operation", requireText(options, "freeze")),
    ...(options.amount !== undefined && { amount: amountOf(options) }),
  })),
  close: operation("close"),
  adjust: operation("adjust", (options) => ({
    account: accountsOf(options),
    direction: choiceOf(options, "direction", ["credit", "debit"] as const),
    amount: amountOf(options),
  })),
  reverse: operation("reverse", (options) => ({
    reversed_number: readEntryPlace(readId("ledger_transaction", requireText(options, "transaction"))).number,
  })),
  show: async ({ db }, _args, options) =>
    (await loadControls(db, readId("merchant", requireText(options, "merchant")))).map(presentControls),
  history: ({ withPlatform }, _args, options) =>
    withPlatform(async ({ approval }) => {
      const filter = { ...keyOf(options), currency: textOption(options, "currency") ?? null, type: null, status: null };
      return presentOperations(approval, await listOperations(approval.db, filter, PAGE));
    }),
};

export function accountCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "account <action>",
    summary:
      "open, freeze, unfreeze, freeze-amount, release-amount, adjust, reverse or close a merchant's account; show what it lets through, history",
    options: [
      BY_OPTION,
      { flags: "--merchant <id>", description: "whose" },
      { flags: "--live", description: "live money instead of the sandbox's" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY; history: all)" },
      { flags: "--reason <text>", description: "why; kept, and shown to the checker", text: true },
      { flags: "--scope <scope>", description: "freeze, unfreeze: credit (in), debit (out) or all" },
      { flags: "--include-refunds", description: "freeze debit or all: stop refunds too" },
      { flags: "--account <name>", description: "freeze-amount, adjust: pending or available" },
      { flags: "--direction <direction>", description: "adjust: credit (to the merchant) or debit (from it)" },
      { flags: "--amount <amount>", description: "in minor units (release-amount: all that is left)", text: true },
      { flags: "--freeze <id>", description: "release-amount: the freeze, aop_…" },
      { flags: "--transaction <id>", description: "reverse: the id of one of its balance entries, txn_…" },
    ],
    actions,
  });
}
