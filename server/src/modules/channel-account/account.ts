/** What a channel account is, and what an account may be like. */
import { Compile } from "typebox/schema";
import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import { describeProblem, type ValidationProblem } from "../../kit/http/problem.ts";
import { checkHosts } from "./hosts.ts";
import { checkCredentialsMode, checkNothingPrivate } from "./test-credentials.ts";

export type FundingMode =
  /** The channel settles to the merchant's own account with it; the platform bills its fee. */
  | "direct"
  /** The channel settles to the platform, which owes the merchant. */
  | "pooled";

/** A channel account without its credentials. */
export interface AccountRecord {
  /** UUID. */
  readonly id: string;
  /** The merchant whose account it is; null for the platform's own. */
  readonly owner_merchant_id: string | null;
  readonly channel: string;
  readonly name: string;
  readonly funding_mode: FundingMode;
  readonly livemode: boolean;
  /** A disabled account takes no new attempts; what was begun through it goes on. */
  readonly status: "enabled" | "disabled";
  readonly methods: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly version: number;
  /** Epoch milliseconds. */
  readonly created_at: number;
}

/** Where an account's secrets are sealed. */
export function secretsContext(id: string): string {
  return `channel_accounts/${id}/secrets`;
}

/** Sentences about what is wrong with an account; empty when it can be used. */
export function checkAccount(
  channel: Channel,
  record: AccountRecord,
  opened: ChannelAccount,
  options: { clock: Clock; live_hosts_allowed: readonly string[] },
): string[] {
  const before = [...checkOwnership(record), ...checkMethods(channel, record), ...checkSecretNames(channel, opened)];
  const shape = checkConfig(channel, record.config);
  if (shape.length > 0) return [...before, ...shape];
  return [
    ...before,
    ...checkHosts(record.channel, record.config, record.livemode, options.live_hosts_allowed),
    ...checkCredentialsMode(record.channel, record.livemode, record.config, opened.secrets),
    ...checkNothingPrivate(record.config),
    ...channel.checkAccount(opened, options.clock),
  ];
}

function checkOwnership({ funding_mode, owner_merchant_id }: AccountRecord): string[] {
  if (funding_mode === "direct" && owner_merchant_id === null) return ["a direct account needs its owner merchant"];
  if (funding_mode === "pooled" && owner_merchant_id !== null)
    return ["a pooled account is the platform's, without owner"];
  return [];
}

function checkMethods(channel: Channel, { methods }: AccountRecord): string[] {
  const offered = Object.keys(channel.pay);
  if (methods.length === 0) return [`methods must name at least one of ${offered.join(", ")}`];
  const unknown = methods.filter((method) => !offered.includes(method));
  return unknown.map((method) => `${channel.id} does not offer the method ${method}; it offers ${offered.join(", ")}`);
}

function checkSecretNames(channel: Channel, { secrets }: ChannelAccount): string[] {
  const secretFields = channel.fields.filter((field) => field.secret);
  const known = secretFields.map((field) => field.name);
  const unknown = Object.keys(secrets).filter((name) => !known.includes(name));
  const missing = secretFields.filter((field) => field.required && !secrets[field.name]);
  return [
    ...unknown.map((name) => `${name} is no secret of ${channel.id}; its secrets are ${known.join(", ")}`),
    ...missing.map((field) => `the secret ${field.name} is missing`),
  ];
}

function checkConfig(channel: Channel, config: unknown): string[] {
  const schema = JSON.parse(JSON.stringify(channel.configSchema)) as Parameters<typeof Compile>[0];
  const [isValid, errors] = Compile(schema).Errors(config);
  return isValid ? [] : [`config: ${describeProblem(errors as ValidationProblem[], config, "body").sentence}`];
}
