/** The sandbox's one source of chance. With a seed, numbers, payers and nonces replay; keys never do. */

import { randomInt } from "node:crypto";

/** Short strings of a given alphabet, reproducible from the seed. */
export type Random = {
  /** A whole number from 0 to `below` - 1. */
  integer(below: number): number;
  digits(length: number): string;
  hex(length: number): string;
  /** Letters and digits. */
  token(length: number): string;
  /** Nine digits that no other call answers within a thousand million calls: nine random ones would soon meet. */
  serial(): string;
};

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A seed for a sandbox that need not be repeatable. */
export const freshSeed = (): number => randomInt(2 ** 32);

/** Builds a generator (mulberry32: 32 bits of state are plenty for identifiers that need no secrecy). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  const integer = (below: number) => next() % below;
  function pick(letters: string, length: number): string {
    let text = "";
    for (let index = 0; index < length; index += 1) text += letters[integer(letters.length)];
    return text;
  }
  const serials = 1_000_000_000;
  let last_serial = integer(serials);
  return {
    integer,
    digits: (length) => pick("0123456789", length),
    hex: (length) => pick("0123456789abcdef", length),
    token: (length) => pick(alphabet, length),
    serial() {
      last_serial = (last_serial + 1) % serials;
      return String(last_serial).padStart(9, "0");
    },
  };
}
