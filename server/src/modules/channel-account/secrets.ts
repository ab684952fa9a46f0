import type { ChannelAccount } from "../../channels/contract.ts";
import type { Envelope } from "../../kit/crypto.ts";
import { Secret } from "../../kit/secret.ts";
import { type AccountRecord, secretsContext } from "./account.ts";

export type Secrets = Readonly<Record<string, Secret>>;

/** Seals all secret fields of an account as one JSON object, bound to its row. */
export function sealSecrets(envelope: Envelope, id: string, secrets: Secrets): Buffer {
  const revealed = Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]));
  return envelope.seal(new Secret(JSON.stringify(revealed)), secretsContext(id));
}

export function openSecrets(envelope: Envelope, id: string, sealed: Buffer): Secrets {
  const revealed = JSON.parse(envelope.open(sealed, secretsContext(id)).reveal()) as Record<string, string>;
  return Object.fromEntries(Object.entries(revealed).map(([name, value]) => [name, new Secret(value)]));
}

/** The account as channels take it. */
export function toChannelAccount(record: AccountRecord, secrets: Secrets): ChannelAccount {
  const { id, version, livemode, config } = record;
  return { id, version, livemode, config, secrets };
}
