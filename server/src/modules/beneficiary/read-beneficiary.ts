/** Reading beneficiaries, always within one book of a merchant: its apps share them, as they share what is available. */
import { parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { type AccountInput, readAccount } from "./account.ts";
import type { AccountDetails, Beneficiary } from "./beneficiary.ts";
import { beneficiaryErrors } from "./errors.ts";
import { fingerprintsOf } from "./fingerprint.ts";
import { type OpenedAccount, openAccount } from "./seal.ts";
import type { BeneficiaryServices } from "./services.ts";
import { loadBeneficiaries, loadByFingerprints, loadVersions } from "./store.ts";

export interface BookOf {
  readonly merchant_id: string;
  readonly livemode: boolean;
}

/** The beneficiary of a public id. @throws beneficiary.not_found */
export async function findBeneficiary(sql: Sql, book: BookOf, public_id: string): Promise<Beneficiary> {
  const id = parsePublicId("beneficiary", public_id);
  const { merchant_id, livemode } = book;
  const found = id && (await loadBeneficiaries(sql, [{ merchant_id, id }])).get(id);
  if (!found || found.livemode !== livemode) throw beneficiaryErrors["beneficiary.not_found"]();
  return found;
}

/** The beneficiaries that have these accounts, in order; undefined for accounts that nobody has entered. */
export async function findByAccounts(
  services: BeneficiaryServices,
  { merchant_id, livemode }: BookOf,
  inputs: readonly AccountInput[],
): Promise<(Beneficiary | undefined)[]> {
  const fingerprints = await fingerprintsOf(services, services.db, inputs.map(readAccount));
  const found = await loadByFingerprints(services.db, merchant_id, livemode, fingerprints);
  const byFingerprint = new Map(found.map((one) => [one.fingerprint.toString("hex"), one]));
  return fingerprints.map((fingerprint) => byFingerprint.get(fingerprint.toString("hex")));
}

/** A version of an account with what names it. */
export interface OpenedVersion extends OpenedAccount {
  readonly details: AccountDetails;
}

/** Opens a version of an account, for who pays to it. Undefined when there is no such version. */
export async function openVersion(
  { db, envelope }: Pick<BeneficiaryServices, "db" | "envelope">,
  key: { merchant_id: string; id: string; version: number },
): Promise<OpenedVersion | undefined> {
  const found = (await loadVersions(db, key)).find(({ version }) => version === key.version);
  return found && { ...openAccount(envelope, key, found.account_sealed), details: found.details };
}
