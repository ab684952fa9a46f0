import type { Envelope } from "../../kit/crypto.ts";
import { Secret } from "../../kit/secret.ts";
import type { Account } from "./account.ts";

interface VersionKey {
  readonly merchant_id: string;
  readonly id: string;
  readonly version: number;
}

/** What names an account. */
export interface OpenedAccount {
  readonly account: Secret;
  readonly name: Secret | undefined;
}

/** Number and name, sealed for the version's row. */
export function sealAccount(envelope: Envelope, key: VersionKey, { account, name }: Account): Buffer {
  return envelope.seal(new Secret(JSON.stringify({ account, name })), contextOf(key));
}

export function openAccount(envelope: Envelope, key: VersionKey, sealed: Buffer): OpenedAccount {
  const { account, name } = JSON.parse(envelope.open(sealed, contextOf(key)).reveal());
  return { account: new Secret(account), name: name === undefined ? undefined : new Secret(name) };
}

function contextOf({ merchant_id, id, version }: VersionKey): string {
  return `beneficiaries/${merchant_id}/${id}/${version}`;
}
