/** Hashes, constant-time comparison and envelope encryption. Protocol signatures live with their channels. */
import { createCipheriv, createDecipheriv, hash, timingSafeEqual } from "node:crypto";
import type { Random } from "./random.ts";
import { Secret } from "./secret.ts";

/** The 32 bytes of SHA-256; text is hashed as UTF-8. By way of hex, because a digest as a buffer owns memory of its own. */
export function sha256(data: string | Buffer): Buffer {
  return Buffer.from(hash("sha256", data, "hex"), "hex");
}

/** Compares two secrets in time that does not depend on where they differ, lengths included (hashes are compared). */
export function equalSecrets(a: string | Buffer, b: string | Buffer): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/**
 * The master key that wraps data keys. `id` names it inside each envelope, so that a new master key can be introduced
 * while old envelopes still open.
 */
export interface MasterKey {
  readonly id: string;
  readonly key: Secret<Buffer>;
}

/** Opens and seals values at rest. */
export interface Envelope {
  /** Seals `plaintext`, bound to `context` (the row it belongs to): the same bytes in another row do not open. */
  seal(plaintext: Secret, context: string): Buffer;
  /** Throws `EnvelopeError` when the key is not at hand, the bytes were changed, or the context differs. */
  open(sealed: Buffer, context: string): Secret;
}

/** A sealed value does not open, or a master key could not seal. Its message names no secret. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** The envelope keeps the length of the id in one byte. */
const ID_BYTES_MAX = 255;

/**
 * Envelope encryption: a fresh 256-bit data key for each value (AES-256-GCM), itself sealed by the master key.
 * Layout: version(1) idLength(1) id, then the wrapped data key (nonce, ciphertext, tag), then the value likewise.
 * @param masters the current master key first, then older ones that may still open.
 */
export function createEnvelope(masters: readonly [MasterKey, ...MasterKey[]], random: Random): Envelope {
  const [current] = masters;
  for (const { id, key } of masters) {
    const length = Buffer.byteLength(id);
    if (length === 0 || length > ID_BYTES_MAX)
      throw new EnvelopeError(`a master key's id has 1 to ${ID_BYTES_MAX} bytes`);
    if (key.reveal().length !== KEY_BYTES)
      throw new EnvelopeError(`the master key ${id} does not have ${KEY_BYTES} bytes`);
  }
  return {
    seal(plaintext, context) {
      const dataKey = Buffer.from(random.bytes(KEY_BYTES));
      const id = Buffer.from(current.id, "utf8");
      const header = Buffer.concat([Buffer.from([VERSION, id.length]), id]);
      const wrapped = sealBytes(current.key.reveal(), dataKey, header, random);
      const value = sealBytes(dataKey, Buffer.from(plaintext.reveal(), "utf8"), Buffer.from(context, "utf8"), random);
      dataKey.fill(0);
      return Buffer.concat([header, wrapped, value]);
    },
    open(sealed, context) {
      if (sealed[0] !== VERSION) throw new EnvelopeError("the sealed value has an unknown version");
      const headerEnd = 2 + (sealed[1] ?? 0);
      const header = sealed.subarray(0, headerEnd);
      const id = header.subarray(2).toString("utf8");
      const master = masters.find((candidate) => candidate.id === id);
      if (!master) throw new EnvelopeError(`the master key ${id} that sealed this value is not configured`);
      const wrappedEnd = headerEnd + NONCE_BYTES + KEY_BYTES + TAG_BYTES;
      const dataKey = openBytes(master.key.reveal(), sealed.subarray(headerEnd, wrappedEnd), header);
      return new Secret(openBytes(dataKey, sealed.subarray(wrappedEnd), Buffer.from(context, "utf8")).toString("utf8"));
    },
  };
}

function sealBytes(key: Buffer, plaintext: Buffer, associated: Buffer, random: Random): Buffer {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(associated);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function openBytes(key: Buffer, sealed: Buffer, associated: Buffer): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(associated)
      .setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new EnvelopeError("the sealed value was changed or belongs to another row", { cause });
  }
}
