import type { Clock } from "../clock.ts";
import { type Random, randomToken } from "../random.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const COUNTER_SIZE = 32 ** 4;

/**
 * Gives request ids: `req_`, ten characters of the time in milliseconds, eight that are this process's own and a counter
 * of four, so ids sort by time and never repeat. They name a request in logs and are no secret, which is why a counter
 * serves: a fresh random number each would cost more than the rest of the id.
 */
export function createRequestIds(clock: Clock, random: Random): () => string {
  const process = randomToken(random, 8);
  let current_ms = -1;
  let stem = "";
  let counter = 0;
  return () => {
    const now = clock.now();
    if (now !== current_ms) {
      current_ms = now;
      stem = `req_${encode(now, 10)}${process}`;
    }
    counter = (counter + 1) % COUNTER_SIZE;
    return stem + encode(counter, 4);
  };
}

function encode(value: number, length: number): string {
  let rest = value;
  let out = "";
  for (let i = 0; i < length; i++) {
    out = ALPHABET[rest % 32]! + out;
    rest = Math.floor(rest / 32);
  }
  return out;
}
