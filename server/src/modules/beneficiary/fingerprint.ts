/** Tells the same account again without keeping it: HMAC-SHA-256 with a key that is made once and sealed at rest. */
import { createHmac } from "node:crypto";
import { InvariantError } from "../../kit/error.ts";
import { Secret } from "../../kit/secret.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { type Account, identityOf } from "./account.ts";
import type { BeneficiaryServices } from "./services.ts";
import { insertKey, loadKey } from "./store.ts";

const KEY_BYTES = 32;

type KeyServices = Pick<BeneficiaryServices, "clock" | "random" | "ids" | "envelope">;

/** The fingerprint of each account, in order. */
export async function fingerprintsOf(services: KeyServices, sql: Sql, accounts: readonly Account[]): Promise<Buffer[]> {
  if (accounts.length === 0) return [];
  const key = await requireKey(services, sql);
  return accounts.map((account) => createHmac("sha256", key.reveal()).update(identityOf(account)).digest());
}

async function requireKey({ clock, random, ids, envelope }: KeyServices, sql: Sql): Promise<Secret<Buffer>> {
  const found = await loadKey(sql);
  if (found) return toKey(envelope.open(found.key_sealed, contextOf(found.id)));
  const id = ids.uuid();
  const made = new Secret(random.bytes(KEY_BYTES).toString("hex"));
  await insertKey(sql, { id, key_sealed: envelope.seal(made, contextOf(id)), created_at: clock.now() });
  // Another process may have made one at the same moment: there is one, and whoever was later takes that.
  const kept = await loadKey(sql);
  if (!kept) throw new InvariantError("the key of fingerprints was written and is not there");
  return toKey(envelope.open(kept.key_sealed, contextOf(kept.id)));
}

function toKey(text: Secret): Secret<Buffer> {
  return new Secret(Buffer.from(text.reveal(), "hex"));
}

function contextOf(id: string): string {
  return `beneficiary_keys/${id}/key`;
}
