/** The cells of the coverage matrix: what channels can do, and what may happen to each. Pure data. */
import type { Channel } from "../contract.ts";

export const capabilities = [
  "pay",
  "query",
  "close",
  "cancel",
  "barcode",
  "refund",
  "refund_query",
  "notice",
  "account",
  "connection",
  "identity",
  "sharing",
  "transfers",
  "bills",
  "disputes",
] as const;
export type Capability = (typeof capabilities)[number];

/** In the order of the page. */
export const facts = {
  success: "success",
  explicit_failure: "explicit failure",
  pending: "pending",
  not_found: "not found",
  unknown_before: "unknown, before the effect",
  unknown_after: "unknown, after the effect",
  not_sent: "not sent",
  server_error: "server error",
  rate_limit: "rate limit",
  unreadable: "unreadable (HTML, empty, garbage)",
  bad_signature: "bad or missing signature",
  hostile_peer: "hostile peer (redirect, 100 MB, drip, no HTTP)",
  integrity_amount: "another amount",
  integrity_currency: "another currency",
  integrity_number: "another number",
  integrity_merchant: "another merchant",
  idempotent_repeat: "the same again",
  conflicting_repeat: "the same number, other content",
  race: "race",
  cancel: "cancelled",
  duplicate: "duplicate",
  lost: "lost",
  late: "late",
  reordered: "reordered",
  tampered: "tampered",
  stranger: "of a stranger",
  described: "described in two languages",
  wrong_credentials: "wrong credentials",
  expired_key: "expired key",
  key_rotation: "key rotation",
  clock_skew: "clock skew",
  secrecy: "nothing secret shown",
} as const;
export type Fact = keyof typeof facts;
export type Cell = `${Capability} ${Fact}`;

export function cell(capability: Capability, fact: Fact): Cell {
  return `${capability} ${fact}`;
}

const exchange = ["server_error", "rate_limit", "unreadable", "bad_signature"] as const;
const integrity = ["integrity_amount", "integrity_currency", "integrity_number", "integrity_merchant"] as const;

/** What must have been tested of each capability. */
const required: Readonly<Record<Capability, readonly Fact[]>> = {
  pay: [
    ...["success", "explicit_failure", "pending", "unknown_before", "unknown_after", "not_sent"],
    ...exchange,
    ...["hostile_peer", "idempotent_repeat", "conflicting_repeat", "wrong_credentials"],
  ] as Fact[],
  query: [
    ...["success", "pending", "not_found"],
    ...exchange,
    ...integrity,
    ...["wrong_credentials", "key_rotation", "clock_skew"],
  ] as Fact[],
  close: ["success", "explicit_failure", "not_found", "server_error", "idempotent_repeat", "race"],
  cancel: ["success"],
  barcode: [
    ...["success", "explicit_failure", "pending", "not_found", "unknown_before", "unknown_after", "not_sent"],
    ...["server_error", "unreadable", "integrity_amount", "cancel", "wrong_credentials", "secrecy"],
  ] as Fact[],
  refund: [
    ...["success", "explicit_failure", "pending", "unknown_before", "unknown_after"],
    ...exchange,
    ...["idempotent_repeat", "conflicting_repeat", "race"],
  ] as Fact[],
  refund_query: ["success", "explicit_failure", "pending", "not_found", ...exchange, "integrity_amount"],
  notice: [
    ...["success", "duplicate", "lost", "late", "reordered", "tampered", "stranger", "unreadable"],
    ...["integrity_amount", "integrity_merchant", "key_rotation"],
  ] as Fact[],
  account: ["success", "explicit_failure", "described", "wrong_credentials", "expired_key", "secrecy"],
  connection: ["success", "wrong_credentials", "unreadable", "not_sent"],
  identity: ["success", "server_error", "rate_limit", "unreadable", "idempotent_repeat"],
  sharing: ["success", "explicit_failure", "pending", "not_found", "unknown_after", "idempotent_repeat"],
  transfers: ["success", "explicit_failure", "pending", "not_found", "unknown_after", "idempotent_repeat"],
  bills: ["success", "pending", "not_found", ...exchange, "hostile_peer", "tampered"],
  disputes: ["success"],
};

/** Whether a channel has a capability at all. */
export function offers(channel: Channel, capability: Capability): boolean {
  if (channel.statements) return withoutWire.includes(capability);
  switch (capability) {
    case "close":
    case "cancel":
    case "barcode":
    case "identity":
    case "sharing":
    case "transfers":
    case "bills":
      return channel[capability] !== undefined;
    case "disputes":
      return disputing.has(channel.id);
    default:
      return true;
  }
}

/** Channels that tell of disputes: the contract has no member for it, as they come by notice alone. */
const disputing: ReadonlySet<string> = new Set(["stripe", "paypal"]);

/** What only an exchange over a wire can meet. A channel that takes statements of persons has none. */
const ofWire: ReadonlySet<Fact> = new Set<Fact>([
  ...["unknown_before", "unknown_after", "not_sent", ...exchange, "hostile_peer", "wrong_credentials"],
  ...["conflicting_repeat", "lost", "reordered", "expired_key"],
] as Fact[]);
const withoutWire: readonly Capability[] = ["pay", "refund", "notice", "account"];

/** What must have been tested of a channel's capability; nothing of one that it does not offer. */
export function requiredOf(channel: Channel, capability: Capability): readonly Fact[] {
  if (!offers(channel, capability)) return [];
  const wanted = required[capability];
  return channel.statements ? wanted.filter((fact) => !ofWire.has(fact)) : wanted;
}
