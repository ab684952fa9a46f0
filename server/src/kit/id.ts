/**
 * Identifiers. In the database an id is a UUIDv7 (time-ordered, so that inserts stay at the right edge of an index);
 * outside it is a prefix and the same 128 bits as 26 characters of Crockford base 32: `pay_01K…`. An attempt's
 * `serial_no`, which channels limit to short alphanumerics, is those 26 characters alone (a ULID).
 */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export const idPrefixes = {
  merchant: "mch",
  agent: "agt",
  agent_price: "agp",
  commission_settlement: "cms",
  commission_part: "cmp",
  app: "app",
  api_key: "key",
  user: "usr",
  channel_account: "ca",
  fee_rule: "fee",
  routing_rule: "rt",
  payment: "pay",
  attempt: "att",
  refund: "rf",
  dispute: "dp",
  settlement: "stl",
  reserve: "rsv",
  reserve_release: "rrl",
  service_fee_invoice: "sif",
  service_fee_payment: "sfp",
  service_fee_deposit: "sfd",
  beneficiary: "ben",
  payout: "po",
  payout_batch: "pob",
  payout_bank_file: "pbf",
  receiver: "rcv",
  receiver_group: "rg",
  sharing_order: "sh",
  sharing_part: "shp",
  sharing_return: "shr",
  sharing_release: "shf",
  reconciliation_bill: "rcb",
  reconciliation_difference: "rcd",
  reconciliation_case: "rcc",
  reconciliation_posting: "rcp",
  event: "evt",
  webhook_endpoint: "we",
  webhook_delivery: "wd",
  ledger_transaction: "txn",
  approval: "apv",
  operator_action: "oact",
  account_operation: "aop",
} as const;
export type IdKind = keyof typeof idPrefixes;

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const NONE = 0xff;
/** By character code, of both cases. */
const DECODE = new Uint8Array(128).fill(NONE);
for (const [value, character] of [...ALPHABET].entries()) {
  DECODE[character.charCodeAt(0)] = value;
  DECODE[character.toLowerCase().charCodeAt(0)] = value;
}

export interface IdSource {
  /** A new UUIDv7 in its usual text form. */
  uuid(): string;
}

/** Makes ids of the given time and chance: a moved clock and a seed repeat them. */
export function createIdSource(clock: Clock, random: Random): IdSource {
  return { uuid: () => uuidV7(clock.now(), random.bytes(10)) };
}

/** Where an id is written before it becomes a string: one made of twenty pieces would cost its readers as much again. */
const text = Buffer.from("00000000-0000-0000-0000-000000000000");
const DIGITS = Buffer.from("0123456789abcdef");

function writeByte(at: number, byte: number): void {
  text[at] = DIGITS[(byte >>> 4) & 0x0f]!;
  text[at + 1] = DIGITS[byte & 0x0f]!;
}

/** Where each of the ten bytes of chance stands in the text; the first and third carry version and variant. */
const CHANCE_AT = [14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

function uuidV7(at_ms: number, entropy: Buffer): string {
  const high = Math.floor(at_ms / 0x10000);
  for (let index = 0; index < 4; index += 1) writeByte(2 * index, high >>> (24 - 8 * index));
  writeByte(9, at_ms >>> 8);
  writeByte(11, at_ms);
  for (let index = 0; index < 10; index += 1) writeByte(CHANCE_AT[index]!, entropy[index]!);
  writeByte(14, (entropy[0]! & 0x0f) | 0x70);
  writeByte(19, (entropy[2]! & 0x3f) | 0x80);
  return text.toString("latin1");
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

/** Two characters for each ten bits: an id is made for every object shown, so it is looked up rather than computed. */
const PAIRS = Array.from({ length: 1024 }, (_, bits) => ALPHABET[bits >> 5]! + ALPHABET[bits & 31]!);

/** The 26 characters of a UUID. */
export function encodeUuid(uuid: string): string {
  const hex = uuid.replaceAll("-", "");
  // 128 bits are 26 characters of 5 bits with two leading zero bits: one byte, then six times 20 bits.
  let out = PAIRS[Number.parseInt(hex.slice(0, 2), 16)]!;
  for (let at = 2; at < 32; at += 5) {
    const bits = Number.parseInt(hex.slice(at, at + 5), 16);
    out += PAIRS[bits >> 10]! + PAIRS[bits & 1023]!;
  }
  return out;
}

/** Where each of the 32 digits stands in the text. */
const DIGIT_AT = Array.from({ length: 32 }, (_, digit) => digit + [8, 12, 16, 20].filter((end) => digit >= end).length);

/** The UUID of 26 characters, or undefined when they are not one. Lower case is accepted. */
export function decodeUuid(encoded: string): string | undefined {
  if (encoded.length !== 26) return undefined;
  // The mirror of encodeUuid: two characters are a byte, and each four after them 20 bits, five digits.
  let bits = bitsOf(encoded, 0, 2);
  if (bits < 0 || bits > 0xff) return undefined;
  text[0] = DIGITS[bits >>> 4]!;
  text[1] = DIGITS[bits & 0x0f]!;
  for (let at = 2, digit = 2; at < 26; at += 4, digit += 5) {
    bits = bitsOf(encoded, at, 4);
    if (bits < 0) return undefined;
    for (let place = 4; place >= 0; place -= 1) {
      text[DIGIT_AT[digit + place]!] = DIGITS[bits & 0x0f]!;
      bits >>>= 4;
    }
  }
  return text.toString("latin1");
}

/** Bills name millions of numbers, so this counts in integers. Below zero where a character is none of ours. */
function bitsOf(encoded: string, at: number, count: number): number {
  let bits = 0;
  for (let index = at; index < at + count; index += 1) {
    const value = DECODE[encoded.charCodeAt(index)];
    if (value === undefined || value === NONE) return -1;
    bits = bits * 32 + value;
  }
  return bits;
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
