/** Enters an account: sealed, recognised by its fingerprint, verified by a person or by the merchant's rule. */

import { publicId } from "../../kit/id.ts";
import { brokenConstraint, type Sql, type Transaction } from "../../kit/sql/database.ts";
import { claimIdempotencyKey, type IdempotencyKey, idempotencyErrors } from "../idempotency/index.ts";
import { type Account, type AccountInput, maskAccount, maskName, readAccount } from "./account.ts";
import type { Beneficiary } from "./beneficiary.ts";
import { beneficiaryErrors } from "./errors.ts";
import { fingerprintsOf } from "./fingerprint.ts";
import { sealAccount } from "./seal.ts";
import type { BeneficiaryServices } from "./services.ts";
import { readBeneficiarySettings } from "./settings.ts";
import {
  insertBeneficiary,
  insertChange,
  insertVersion,
  loadBeneficiaries,
  loadByFingerprints,
  wasVerified,
} from "./store.ts";

/** Whose beneficiary, and who enters it. */
export interface Entering {
  readonly merchant_id: string;
  readonly livemode: boolean;
  /** An API key, an operator or the command line, as changes name it. */
  readonly actor: string;
}

export interface BeneficiaryInput extends AccountInput {
  readonly label?: string | undefined;
  readonly metadata?: Record<string, string> | undefined;
}

/**
 * Enters a beneficiary.
 * @throws beneficiary.invalid, beneficiary.exists, idempotency.key_reused
 */
export async function createBeneficiary(
  services: BeneficiaryServices,
  entering: Entering,
  input: BeneficiaryInput,
  idempotency?: IdempotencyKey & { readonly app_id: string },
): Promise<{ beneficiary: Beneficiary; created: boolean }> {
  const account = readAccount(input);
  const [fingerprint] = await fingerprintsOf(services, services.db, [account]);
  const made = await newBeneficiary(services, services.db, entering, account, fingerprint!, input);
  return services.db.transaction(async (tx) => {
    const earlier = idempotency && (await claimKey(tx, made, idempotency));
    if (earlier) return { beneficiary: earlier, created: false };
    if (!(await writeBeneficiary(tx, made, entering))) await refuseSecond(tx, made);
    return { beneficiary: made, created: true };
  });
}

/** What the key made before; undefined when it is new. */
async function claimKey(
  tx: Transaction,
  { merchant_id, livemode, id, created_at }: Beneficiary,
  { app_id, key, request_hash }: IdempotencyKey & { app_id: string },
): Promise<Beneficiary | undefined> {
  const made = { object_type: "beneficiary", object_id: id, created_at };
  const state = await claimIdempotencyKey(tx, { merchant_id, app_id, livemode, key, request_hash, ...made });
  if (state.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
  if (state.kind === "new") return undefined;
  return (await loadBeneficiaries(tx, [{ merchant_id, id: state.object_id }])).get(state.object_id);
}

/** A beneficiary as it would be written now. */
export async function newBeneficiary(
  services: BeneficiaryServices,
  sql: Sql,
  { merchant_id, livemode }: Entering,
  account: Account,
  fingerprint: Buffer,
  { label, metadata = {} }: Pick<BeneficiaryInput, "label" | "metadata"> = {},
): Promise<Beneficiary> {
  const key = { merchant_id, id: services.ids.uuid(), version: 1 };
  const now = services.clock.now();
  return {
    ...{ ...key, livemode, fingerprint, label: label ?? null, metadata, created_at: now },
    ...(await describeVersion(services, sql, { ...key, livemode, fingerprint }, account)),
  };
}

/** What a version of an account is written as: sealed, masked, cooling, and verified where the merchant's rule says so. */
export async function describeVersion(
  { clock, envelope }: BeneficiaryServices,
  sql: Sql,
  key: Pick<Beneficiary, "merchant_id" | "id" | "version" | "livemode" | "fingerprint">,
  account: Account,
) {
  const { cooling_s, verification } = await readBeneficiarySettings(sql, key.merchant_id, key.livemode);
  const now = clock.now();
  const is_verified =
    verification === "automatic" || (verification === "known_account" && (await wasVerified(sql, key)));
  return {
    status: is_verified ? ("verified" as const) : ("unverified" as const),
    type: account.type,
    account_sealed: sealAccount(envelope, key, account),
    account_masked: maskAccount(account),
    name_masked: account.name === undefined ? null : maskName(account.name),
    details: account.details,
    payable_from: now + cooling_s * 1000,
    verified_at: is_verified ? now : null,
  };
}

/** Writes a new one; false when the merchant's book has the account. */
export async function writeBeneficiary(tx: Transaction, made: Beneficiary, { actor }: Entering): Promise<boolean> {
  if (!(await insertBeneficiary(tx, made))) return false;
  await insertVersion(tx, made, made.created_at);
  await insertChange(tx, made, { action: "created", actor, note: null, created_at: made.created_at });
  await noteRule(tx, made, made.created_at);
  return true;
}

/** A rule that verified is told like a person. */
export async function noteRule(tx: Transaction, made: Beneficiary, created_at: number): Promise<void> {
  if (made.status !== "verified") return;
  await insertChange(tx, made, { action: "verified", actor: "rule", note: null, created_at });
}

/** @throws beneficiary.exists */
export async function refuseSecond(
  sql: Sql,
  { merchant_id, livemode, fingerprint }: Pick<Beneficiary, "merchant_id" | "livemode" | "fingerprint">,
): Promise<never> {
  const [other] = await loadByFingerprints(sql, merchant_id, livemode, [fingerprint]);
  const id = other ? publicId("beneficiary", other.id) : "that was just entered";
  throw beneficiaryErrors["beneficiary.exists"]({ values: { id } });
}

/** Another beneficiary of the book took the account. */
export function tookAccount(error: unknown): boolean {
  return brokenConstraint(error) === "beneficiaries_account";
}
