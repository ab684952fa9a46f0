/** What the commands that administer merchants, keys and channel accounts have in common. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import { TributaryError } from "../../kit/error.ts";
import { type IdKind, type IdSource, idPrefixes, parsePublicId } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { AccountOperationServices } from "../../modules/account-operation/index.ts";
import type { ApprovalServices } from "../../modules/approval/index.ts";
import { recordCommand } from "../../modules/operator/index.ts";
import type { PaymentServices } from "../../modules/payment/index.ts";
import type { PayoutServices } from "../../modules/payout/index.ts";
import type { ReconciliationServices } from "../../modules/reconciliation/index.ts";
import type { RefundServices } from "../../modules/refund/index.ts";
import type { ReserveServices } from "../../modules/reserve/index.ts";
import type { ServiceFeeServices } from "../../modules/service-fee/index.ts";
import type { SettlementServices } from "../../modules/settlement/index.ts";
import type { User } from "../../modules/user/index.ts";
import { type Command, say } from "../command.ts";
import type { Config } from "../config.ts";
import { StartError } from "../start-error.ts";

/** What these commands work with. */
export interface AdministrationServices {
  mode: Config["mode"];
  db: Database;
  clock: Clock;
  random: Random;
  ids: IdSource;
  envelope: Envelope;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  live_hosts_allowed?: readonly string[];
  withPlatform: WithPlatform;
}

/** Opens the whole platform, whose workers rest, runs `act` with it and closes it. */
export type WithPlatform = <T>(act: (platform: Platform) => Promise<T>) => Promise<T>;

export interface Platform {
  account_operation: AccountOperationServices;
  approval: ApprovalServices;
  payment: PaymentServices;
  reconciliation: ReconciliationServices;
  payout: PayoutServices;
  refund: RefundServices;
  reserve: ReserveServices;
  serviceFee: ServiceFeeServices;
  settlement: SettlementServices;
}

/** Opens the services, runs `use` with them and closes them. */
export type WithServices = <T>(use: (services: AdministrationServices) => Promise<T>) => Promise<T>;

export type Options = Readonly<Record<string, unknown>>;

/** One action of a command, such as `create` of `merchant`: gives what is printed, as JSON. */
export type Action = (services: AdministrationServices, args: readonly string[], options: Options) => Promise<unknown>;

/** A command whose first argument chooses one of its actions. */
export function actionCommand(
  withServices: WithServices,
  command: Omit<Command, "run"> & { actions: Readonly<Record<string, Action>> },
): Command {
  const { actions, ...rest } = command;
  return {
    ...rest,
    async run([name = "", ...args], options) {
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action)
        throw new StartError(`There is no action "${name}": choose one of ${Object.keys(actions).join(", ")}.`);
      const result = await withServices((services) => action(services, args, options)).catch(explainRefusal);
      say(JSON.stringify(result, null, 2));
    },
  };
}

/** What a use case refuses, the person at the terminal can correct. */
export function explainRefusal(error: unknown): never {
  throw error instanceof TributaryError ? new StartError(error.message) : error;
}

/** A demo is open, unguarded and often thrown away: real money stays out of it. `what` begins the sentence. */
export function refuseLiveInDemo({ mode }: AdministrationServices, what: string): void {
  if (mode !== "demo") return;
  throw new StartError(
    `${what} moves real money and this is a demo: set TRIBUTARY_MODE=production, for the server too.`,
  );
}

/**
 * A text option, by its name as it is typed. cac makes numbers of what looks like one, which loses zeros and digits: where
 * these matter, the option is declared as `text`.
 */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
  return value === undefined || typeof value === "boolean" ? undefined : String(value);
}

export function requireText(options: Options, name: string): string {
  const value = textOption(options, name);
  if (value === undefined || value === "") throw new StartError(`Say --${name} …: it is needed here.`);
  return value;
}

/** The UUID of a public id that a person typed. */
export function readId(kind: IdKind, text: string | undefined): string {
  const id = text === undefined ? undefined : parsePublicId(kind, text);
  if (id === undefined)
    throw new StartError(`"${text ?? ""}" is no id of that kind: it begins with ${idPrefixes[kind]}_.`);
  return id;
}

/** Hours given as a number option, in milliseconds. */
export function hoursOption(options: Options, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const hours = Number(text);
  if (Number.isFinite(hours) && hours >= 0 && hours <= 24 * 365) return hours * 3600_000;
  throw new StartError(`--${name} is "${text}": give hours from 0 to 8760.`);
}

/** Flags of actions that act for an operator. */
export const BY_OPTION = { flags: "--by <email>", description: "the operator who acts; kept in the audit trail" };

/** Does what the operator named by `--by` asks for, and keeps it in the audit trail. */
export function actAs<Result>(
  services: AdministrationServices,
  options: Options,
  { operation, target }: { operation: string; target: string },
  act: (operator: User) => Promise<Result>,
): Promise<Result> {
  const reason = textOption(options, "reason") ?? textOption(options, "comment") ?? null;
  return recordCommand(services, { by: requireText(options, "by"), operation, target, reason }, act);
}
