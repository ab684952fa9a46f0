/** The key that signs closes: made once, sealed at rest; earlier ones stay published. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { IdSource } from "../../kit/id.ts";
import { Secret } from "../../kit/secret.ts";
import type { Database } from "../../kit/sql/database.ts";
import { insertSigningKey, loadSigningKeys } from "./store.ts";

export interface SigningKey {
  /** UUID. */
  readonly id: string;
  readonly private_key: KeyObject;
}

export interface KeyServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  envelope: Envelope;
}

/** The newest key; the first is made when it is first needed. */
export async function requireSigningKey(services: KeyServices): Promise<SigningKey> {
  const { db, clock, ids, envelope } = services;
  const [newest] = await loadSigningKeys(db);
  if (newest) {
    const pem = envelope.open(newest.private_key_sealed, contextOf(newest.id)).reveal();
    return { id: newest.id, private_key: createPrivateKey(pem) };
  }
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const id = ids.uuid();
  const pem = new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  await insertSigningKey(db, {
    id,
    public_key: publicKey.export({ type: "spki", format: "der" }),
    private_key_sealed: envelope.seal(pem, contextOf(id)),
    created_at: clock.now(),
  });
  // Another process may have made one at the same moment: either signs well, and both are published.
  return { id, private_key: privateKey };
}

function contextOf(id: string): string {
  return `ledger_signing_keys/${id}/private_key`;
}

/** How people compare keys: SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hex. */
export function fingerprintOf(public_key: Buffer): string {
  return createHash("sha256").update(public_key).digest("hex");
}
