import { sha256 } from "../../kit/crypto.ts";

/** Without 0, 1, I, L and O, which are read as one another. Prime in number, so that the check sees every single slip. */
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const BASE = BigInt(ALPHABET.length);
const CODE_LENGTH = 8;
const SERIAL_NO = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/**
 * The reference that a payer writes into a transfer: short, and the same for the same number of an attempt, so that it is
 * found by it. Nine characters, of which the last checks the others; in groups of three, as `7KM-2QX-9T4`. Two orders share
 * one about once in 850 billion pairs: whoever looks one up must expect several.
 */
export function referenceOf(serial_no: string): string {
  const digest = sha256(`bank transfer ${serial_no}`);
  let value = digest.readBigUInt64BE();
  let code = "";
  for (let index = 0; index < CODE_LENGTH; index += 1) {
    code += ALPHABET[Number(value % BASE)];
    value /= BASE;
  }
  return `${code}${checkOf(code)}`.replace(/(.{3})(?=.)/g, "$1-");
}

/** Weighted, so that a wrong character and two in the wrong order are both seen. */
function checkOf(code: string): string {
  const sum = [...code].reduce((total, character, index) => total + (index + 1) * ALPHABET.indexOf(character), 0);
  return ALPHABET[sum % ALPHABET.length]!;
}

/** The reference of an order, by its number or by the reference as somebody typed it; undefined when it can be neither. */
export function readOrderNo(text: string): string | undefined {
  const trimmed = text.trim().toUpperCase();
  return SERIAL_NO.test(trimmed) ? referenceOf(trimmed) : readReference(trimmed);
}

/** In its own form; undefined for a mistyped one, too. */
function readReference(text: string): string | undefined {
  const plain = text.toUpperCase().replace(/[^0-9A-Z]/g, "");
  const code = plain.slice(0, CODE_LENGTH);
  if (plain.length !== CODE_LENGTH + 1 || [...plain].some((character) => !ALPHABET.includes(character)))
    return undefined;
  return checkOf(code) === plain.at(-1) ? plain.replace(/(.{3})(?=.)/g, "$1-") : undefined;
}
