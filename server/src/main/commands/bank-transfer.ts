/** `tributary payment …` and `tributary refund …`: what an operator who sees the bank's statement says of transfers. */
import type { RefundDestination } from "../../channels/contract.ts";
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { MoneyError } from "../../kit/money.ts";
import { CONFIRM_TRANSFER, type Confirmation, requestConfirmation } from "../../modules/administration/index.ts";
import {
  carryOutApproval,
  loadApproval,
  loadApprovalPolicies,
  presentApprovals,
} from "../../modules/approval/index.ts";
import {
  confirmTransfer,
  endRefund,
  listWaitingRefundTransfers,
  listWaitingTransfers,
  rejectTransfer,
} from "../../modules/bank-transfer/index.ts";
import { redirectRefund } from "../../modules/refund/index.ts";
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
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const DAY_MS = 86_400_000;
const RFC3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** When the bank booked it: an instant or a date, now unless given. */
function readBookedAt(options: Options, name: string, now: number): number {
  const text = textOption(options, name);
  if (text === undefined) return now;
  const at = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new StartError(`--${name} is "${text}": give a date, or an instant as ${toRfc3339(now)}.`);
  if (at > now + DAY_MS) throw new StartError(`--${name} is "${text}", which has not come yet.`);
  return Math.min(at, now);
}

function requireNumber(args: readonly string[], what: string): string {
  const [number] = args;
  if (number === undefined || number === "") throw new StartError(`Say which ${what}: its number is missing.`);
  return number;
}

const paymentActions: Record<string, Action> = {
  "confirm-transfer": (services, args, options) =>
    services.withPlatform(async (platform) => {
      const number = requireNumber(args, "payment");
      const amount = requireText(options, "amount");
      const bank_reference = requireText(options, "bank-reference");
      const booked_at = readBookedAt(options, "received-at", services.clock.now());
      const reason = textOption(options, "reason") ?? "Seen on the bank's statement.";
      if (options.by !== undefined) {
        return confirmAs(services, platform, options, { number, amount, bank_reference, booked_at, reason });
      }
      if ((await loadApprovalPolicies(platform.approval.db, CONFIRM_TRANSFER)).length > 0) {
        throw new StartError("Confirmations above a limit need a second person here: say --by, the operator who acts.");
      }
      const attempt = await confirmTransfer(platform, { number, amount, bank_reference, booked_at }).catch(
        explainAmount,
      );
      const { serial_no, status, channel_trade_no, duplicate } = attempt;
      return { payment: publicId("payment", attempt.payment_id), serial_no, status, channel_trade_no, duplicate };
    }),
  "reject-transfer": ({ withPlatform }, args, options) =>
    withPlatform(async (platform) => {
      const reason = textOption(options, "reason") ?? "The transfer did not arrive.";
      const { payment, attempt } = await rejectTransfer(platform, { number: requireNumber(args, "payment"), reason });
      return { payment: publicId("payment", payment.id), status: payment.status, serial_no: attempt.serial_no };
    }),
  "waiting-transfers": ({ withPlatform }) => withPlatform(listWaitingTransfers),
};

/** Goes by an approval: above the limit another operator decides. */
function confirmAs(
  services: AdministrationServices,
  { approval: own, ...platform }: Platform,
  options: Options,
  given: Confirmation,
) {
  const command = { operation: "payment confirm-transfer", target: given.number };
  return actAs(services, options, command, async (operator) => {
    const { approval, committed } = await own.db
      .transaction((tx) => requestConfirmation(tx, { ...platform, approval: own }, given, operator.id))
      .catch(explainAmount);
    committed();
    await carryOutApproval(own, approval.id);
    return (await presentApprovals(own, [(await loadApproval(own.db, approval.id))!]))[0];
  });
}

function explainAmount(error: unknown): never {
  throw error instanceof MoneyError ? new StartError(`--amount: ${error.message}.`) : error;
}

type RefundEnd = { booked_at: number } & ({ bank_reference: string } | { reason: string });

function endRefundOf({ withPlatform }: AdministrationServices, args: readonly string[], input: RefundEnd) {
  return withPlatform(async (platform) => {
    const refund = await endRefund(platform, { ...input, number: requireNumber(args, "refund") });
    const { refund_no, status, channel_refund_no } = refund;
    return { refund: publicId("refund", refund.id), refund_no, status, channel_refund_no };
  });
}

const refundActions: Record<string, Action> = {
  async "confirm-transfer"(services, args, options) {
    const bank_reference = requireText(options, "bank-reference");
    const booked_at = readBookedAt(options, "sent-at", services.clock.now());
    return endRefundOf(services, args, { bank_reference, booked_at });
  },
  async "fail-transfer"(services, args, options) {
    const input = { reason: requireText(options, "reason"), booked_at: services.clock.now() };
    return endRefundOf(services, args, input);
  },
  "waiting-transfers": ({ withPlatform }) => withPlatform(listWaitingRefundTransfers),
  redirect: ({ withPlatform }, args, options) =>
    withPlatform(async (platform) => {
      const number = requireNumber(args, "refund");
      const { id, refund_no, status } = await redirectRefund(platform.refund, number, readDestination(options));
      return { refund: publicId("refund", id), refund_no, status };
    }),
};

/** Where a refund goes that the payer's account did not take. */
function readDestination(options: Options): RefundDestination {
  const to = requireText(options, "to");
  if (to === "merchant") return { kind: "merchant" };
  if (to !== "card") throw new StartError(`--to is "${to}": give merchant or card.`);
  const [bank, account] = [requireText(options, "bank"), requireText(options, "bank-account")];
  return { kind: "card", bank, account, name: requireText(options, "name") };
}

export function paymentCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "payment <action> [number]",
    summary: "confirm-transfer or reject-transfer by reference or serial_no; waiting-transfers lists what waits",
    options: [
      { flags: "--amount <amount>", description: "confirm-transfer: what arrived, as 12.34", text: true },
      {
        flags: "--bank-reference <number>",
        description: "confirm-transfer: the bank's own number of the transfer",
        text: true,
      },
      {
        flags: "--received-at <time>",
        description: "confirm-transfer: when the bank booked it (default: now)",
        text: true,
      },
      {
        flags: "--reason <text>",
        description: "reject-transfer: what the merchant reads; confirm-transfer: what the checker reads",
        text: true,
      },
      { ...BY_OPTION, description: "confirm-transfer: the operator who acts; needed where a policy sets a limit" },
    ],
    actions: paymentActions,
  });
}

export function refundCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "refund <action> [number]",
    summary:
      "confirm-transfer or fail-transfer by refund_no or id; waiting-transfers lists what is to be sent; redirect sends one that the payer's account did not take another way",
    options: [
      {
        flags: "--bank-reference <number>",
        description: "confirm-transfer: the bank's own number of the transfer",
        text: true,
      },
      {
        flags: "--sent-at <time>",
        description: "confirm-transfer: when the bank booked it (default: now)",
        text: true,
      },
      { flags: "--reason <text>", description: "fail-transfer: why the money could not be sent", text: true },
      { flags: "--to <destination>", description: "redirect: merchant (its own bank account) or card (the payer's)" },
      { flags: "--bank <code>", description: "redirect to a card: the channel's code of its bank, such as ICBC_DEBIT" },
      { flags: "--bank-account <number>", description: "redirect to a card: its number", text: true },
      { flags: "--name <name>", description: "redirect to a card: whose it is", text: true },
    ],
    actions: refundActions,
  });
}
