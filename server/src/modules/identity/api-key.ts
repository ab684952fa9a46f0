/** What an API key is: `sk_test_` or `sk_live_` and 32 random characters of [0-9A-Za-z]. */
import { sha256 } from "../../kit/crypto.ts";
import { type Random, randomToken } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";

export interface ApiKey {
  readonly merchant_id: string;
  /** UUID. */
  readonly id: string;
  readonly app_id: string;
  readonly livemode: boolean;
  readonly name: string;
  /** The first characters, by which people recognise a key. */
  readonly prefix: string;
  /** Addresses and networks from which it may call; anywhere when there are none. */
  readonly allowed_networks: readonly string[];
  /** Epoch milliseconds. */
  readonly created_at: number;
  /** Set by a rotation: until then the key and its successor both work. */
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
}

const PREFIX_LENGTH = 20;
const RANDOM_LENGTH = 32;
const FORM = /^sk_(?:test|live)_[0-9A-Za-z]{32}$/;

/** A new key; 32 of 62 characters are 190 bits. */
export function generateKey(random: Random, livemode: boolean): Secret {
  return new Secret(`sk_${livemode ? "live" : "test"}_${randomToken(random, RANDOM_LENGTH)}`);
}

export function isKeyForm(text: string): boolean {
  return FORM.test(text);
}

export function prefixOf(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}

export function hashKey(key: string): Buffer {
  return sha256(key);
}
