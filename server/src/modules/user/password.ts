/**
 * Passwords at rest: Argon2id (RFC 9106) with the costs that OWASP's password storage guide names first, in the PHC string
 * format `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, so that costs can rise while older hashes still verify.
 */
import { type Argon2Parameters, argon2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { InvariantError } from "../../kit/error.ts";
import { type Random, randomToken } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";

const derive = promisify(argon2) as (algorithm: "argon2id", parameters: Argon2Parameters) => Promise<Buffer>;

const COSTS = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const GENERATED_LENGTH = 20;
const FORM = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/;

/** A password for a person who will choose one later; 20 of 62 characters are 119 bits. */
export function generatePassword(random: Random): Secret {
  return new Secret(randomToken(random, GENERATED_LENGTH));
}

export async function hashPassword(password: Secret, random: Random): Promise<string> {
  const nonce = random.bytes(SALT_BYTES);
  const { memory, passes, parallelism } = COSTS;
  const tag = await derive("argon2id", { ...COSTS, message: password.reveal(), nonce, tagLength: HASH_BYTES });
  const shown = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${shown(nonce)}$${shown(tag)}`;
}

/** Throws when `hash` is none of ours. */
export async function verifyPassword(password: Secret, hash: string): Promise<boolean> {
  const [, memory, passes, parallelism, salt, tag] = FORM.exec(hash) ?? [];
  if (salt === undefined || tag === undefined) throw new InvariantError("a stored password hash is not in PHC form");
  const expected = Buffer.from(tag, "base64");
  const derived = await derive("argon2id", {
    message: password.reveal(),
    nonce: Buffer.from(salt, "base64"),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  });
  return timingSafeEqual(derived, expected);
}
