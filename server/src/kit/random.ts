import { randomBytes, randomFillSync } from "node:crypto";

/** The one source of chance: identifiers, nonces, jitter and secrets. Tests pass a seeded one and replay a run. */
export interface Random {
  bytes(length: number): Buffer;
  /** A float in [0, 1), for jitter only, never for secrets or money. */
  unit(): number;
}

/** A pool of random bytes: asking the operating system once per kilobyte costs a tenth of asking once per id. */
const pool = Buffer.alloc(4096);
let poolOffset = pool.length;

/** Cryptographically strong bytes of the operating system. */
export const systemRandom: Random = {
  bytes(length) {
    if (length > 64) return randomBytes(length);
    if (poolOffset + length > pool.length) {
      randomFillSync(pool);
      poolOffset = 0;
    }
    const out = Buffer.from(pool.subarray(poolOffset, poolOffset + length));
    // Bytes handed out are wiped, so a later read of the pool cannot reveal an earlier secret.
    pool.fill(0, poolOffset, poolOffset + length);
    poolOffset += length;
    return out;
  },
  unit() {
    return this.bytes(4).readUInt32LE(0) / 2 ** 32;
  },
};

/** A repeatable source (splitmix32) for tests and simulations; never for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return {
    bytes(length) {
      const out = Buffer.alloc(length);
      for (let i = 0; i < length; i++) out[i] = next() & 0xff;
      return out;
    },
    unit: () => next() / 2 ** 32,
  };
}

const TOKEN_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A random string of `length` characters of [0-9A-Za-z], unbiased (bytes of 248 and above are rejected). */
export function randomToken(random: Random, length: number): string {
  let out = "";
  while (out.length < length) {
    for (const byte of random.bytes(32)) {
      if (byte >= 248 || out.length === length) continue;
      out += TOKEN_ALPHABET[byte % 62];
    }
  }
  return out;
}
