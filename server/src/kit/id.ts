/**
 * Identifiers. In the database an id is a UUIDv7 (time-ordered, so that inserts stay at the right edge of an index);
 * outside it is a prefix and the same 128 bits as 26 characters of Crockford base 32: `pay_01K…`. An attempt's
 * `serial_no`, which channels limit to short alphanumerics, is those 26 characters alone (a ULID).
 */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export const idPrefixes = {
  merchant: "mch",
  app: "app",
  api_key: "key",
  channel_account: "ca",
  fee_rule: "fee",
  payment: "pay",
  attempt: "att",
  refund: "rf",
  event: "evt",
  webhook_endpoint: "we",
  webhook_delivery: "wd",
  ledger_transaction: "txn",
} as const;
export type IdKind = keyof typeof idPrefixes;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENCODED = /^[0-9A-HJKMNP-TV-Z]{26}$/i;
const DECODE = new Map([...ALPHABET].map((character, value) => [character, BigInt(value)]));
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export interface IdSource {
  /** A new UUIDv7 in its usual text form. */
  uuid(): string;
}

/** Makes ids of the given time and chance: a moved clock and a seed repeat them. */
export function createIdSource(clock: Clock, random: Random): IdSource {
  return { uuid: () => uuidV7(clock.now(), random.bytes(10)) };
}

function uuidV7(at_ms: number, entropy: Buffer): string {
  const high = Math.floor(at_ms / 0x10000);
  const h = (byte: number) => HEX[byte & 0xff]!;
  const time = h(high >>> 24) + h(high >>> 16) + h(high >>> 8) + h(high);
  const low = h(at_ms >>> 8) + h(at_ms);
  const e = (index: number) => h(entropy[index]!);
  const version = h((entropy[0]! & 0x0f) | 0x70) + e(1);
  const variant = h((entropy[2]! & 0x3f) | 0x80) + e(3);
  return `${time}-${low}-${version}-${variant}-${e(4)}${e(5)}${e(6)}${e(7)}${e(8)}${e(9)}`;
}

/**
 * A UUID below every UUIDv7 made at that instant or later and above every one made before, so that a period is a range of
 * ids. Epoch milliseconds; instants that an id cannot hold give the nearest that it can.
 */
export function uuidFloor(at_ms: number): string {
  const hex = Math.min(Math.max(0, at_ms), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** The 26 characters of a UUID. */
export function encodeUuid(uuid: string): string {
  const hex = uuid.replaceAll("-", "");
  let out = "";
  // 128 bits are 26 characters of 5 bits with two leading zero bits; three slices keep the arithmetic in safe integers.
  const slices = [hex.slice(0, 2), hex.slice(2, 12), hex.slice(12, 22), hex.slice(22, 32)];
  const widths = [2, 8, 8, 8];
  for (let i = 0; i < slices.length; i++) {
    let value = Number.parseInt(slices[i]!, 16);
    let part = "";
    for (let j = 0; j < widths[i]!; j++) {
      part = ALPHABET[value % 32]! + part;
      value = Math.floor(value / 32);
    }
    out += part;
  }
  return out;
}

/** The UUID of 26 characters, or undefined when they are not one. Lower case is accepted. */
export function decodeUuid(text: string): string | undefined {
  if (!ENCODED.test(text)) return undefined;
  let value = 0n;
  for (const character of text.toUpperCase()) value = value * 32n + DECODE.get(character)!;
  if (value >= 1n << 128n) return undefined;
  const hex = value.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** `pay_01K…` of a UUID. */
export function publicId(kind: IdKind, uuid: string): string {
  return `${idPrefixes[kind]}_${encodeUuid(uuid)}`;
}

/** The UUID of a public id of that kind, or undefined: an id that cannot be read cannot exist either. */
export function parsePublicId(kind: IdKind, text: string): string | undefined {
  const prefix = `${idPrefixes[kind]}_`;
  return text.startsWith(prefix) ? decodeUuid(text.slice(prefix.length)) : undefined;
}
