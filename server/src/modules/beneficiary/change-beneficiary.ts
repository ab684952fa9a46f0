/** What becomes of a beneficiary after it was entered. Each change is one guarded move under its lock, with its author. */
import { canonicalJson } from "../../kit/http/idempotency.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { canMove } from "../../kit/state-machine.ts";
import { type Account, type AccountInput, readAccount } from "./account.ts";
import { type Beneficiary, type BeneficiaryStatus, beneficiaryTransitions, type ChangeAction } from "./beneficiary.ts";
import { describeVersion, noteRule, refuseSecond, tookAccount } from "./create-beneficiary.ts";
import { beneficiaryErrors } from "./errors.ts";
import { fingerprintsOf } from "./fingerprint.ts";
import { openAccount } from "./seal.ts";
import type { BeneficiaryServices } from "./services.ts";
import {
  describeBeneficiary,
  insertChange,
  insertVersion,
  loadBeneficiaries,
  lockBeneficiary,
  moveBeneficiary,
  setVerified,
} from "./store.ts";

/** Which beneficiary, and who changes it. */
export interface Changing extends TenantKey {
  readonly livemode: boolean;
  readonly actor: string;
  readonly note?: string | undefined;
}

/** @throws beneficiary.not_found */
async function lock(tx: Transaction, changing: Changing): Promise<Beneficiary> {
  const beneficiary = await lockBeneficiary(tx, changing);
  if (beneficiary && beneficiary.livemode === changing.livemode) return beneficiary;
  throw beneficiaryErrors["beneficiary.not_found"]();
}

function wrongStatus({ status }: Beneficiary) {
  return beneficiaryErrors["beneficiary.wrong_status"]({ values: { status } });
}

async function move(
  { clock }: Pick<BeneficiaryServices, "clock">,
  tx: Transaction,
  before: Beneficiary,
  after: Beneficiary,
  { actor, note }: Changing,
  action: ChangeAction,
): Promise<void> {
  if (!(await moveBeneficiary(tx, before.status, after))) throw wrongStatus(before);
  await insertChange(tx, after, { action, actor, note: note ?? null, created_at: clock.now() });
}

/**
 * Replaces the account by another version, which cools anew and is unverified unless the merchant's rule verifies it.
 * Another name is another version too; what is the same in everything changes nothing, so that the request may be repeated.
 * @throws beneficiary.not_found, beneficiary.invalid, beneficiary.wrong_status, beneficiary.exists
 */
export async function changeAccount(
  services: BeneficiaryServices,
  changing: Changing,
  input: AccountInput,
): Promise<Beneficiary> {
  const account = readAccount(input);
  const [fingerprint] = await fingerprintsOf(services, services.db, [account]);
  try {
    return await services.db.transaction(async (tx) => {
      const before = await lock(tx, changing);
      if (before.status !== "unverified" && before.status !== "verified") throw wrongStatus(before);
      if (isSame(services, before, account, fingerprint!)) return before;
      const key = { ...before, version: before.version + 1, fingerprint: fingerprint! };
      const after = { ...key, ...(await describeVersion(services, tx, key, account)) };
      await insertVersion(tx, after, services.clock.now());
      await move(services, tx, before, after, changing, "changed");
      await noteRule(tx, after, services.clock.now());
      return after;
    });
  } catch (error) {
    if (!tookAccount(error)) throw error;
    return refuseSecond(services.db, { ...changing, fingerprint: fingerprint! });
  }
}

function isSame(
  { envelope }: BeneficiaryServices,
  before: Beneficiary,
  account: Account,
  fingerprint: Buffer,
): boolean {
  if (!before.fingerprint.equals(fingerprint)) return false;
  const opened = openAccount(envelope, before, before.account_sealed);
  return (
    opened.account.reveal() === account.account &&
    opened.name?.reveal() === account.name &&
    canonicalJson(before.details) === canonicalJson(account.details)
  );
}

/** Changes label and metadata, which are only for people. @throws beneficiary.not_found */
export async function relabelBeneficiary(
  { db }: BeneficiaryServices,
  changing: Changing,
  words: { label?: string | null | undefined; metadata?: Record<string, string> | undefined },
): Promise<Beneficiary> {
  return db.transaction(async (tx) => {
    await lock(tx, changing);
    await describeBeneficiary(tx, changing, words);
    return (await loadBeneficiaries(tx, [changing])).get(changing.id)!;
  });
}

/**
 * An operator has compared a version with what the merchant has shown.
 * @param version the one that was looked at; the newest unless given
 * @throws beneficiary.not_found, beneficiary.wrong_status, beneficiary.version_changed
 */
export async function verifyBeneficiary(
  services: BeneficiaryServices,
  changing: Changing,
  version?: number,
): Promise<Beneficiary> {
  return judge(services, changing, version, "verified");
}

/** What was verified, or waited for it, is not right: it is not paid to. Throws like `verifyBeneficiary`. */
export async function refuseBeneficiary(
  services: BeneficiaryServices,
  changing: Changing,
  version?: number,
): Promise<Beneficiary> {
  return judge(services, changing, version, "refused");
}

async function judge(
  services: BeneficiaryServices,
  changing: Changing,
  version: number | undefined,
  verdict: "verified" | "refused",
): Promise<Beneficiary> {
  return services.db.transaction(async (tx) => {
    const before = await lock(tx, changing);
    if (version !== undefined && version !== before.version) {
      throw beneficiaryErrors["beneficiary.version_changed"]({ values: { version: before.version } });
    }
    const status = verdict === "verified" ? "verified" : "disabled";
    // One that the merchant has disabled keeps its verification, which a refusal takes away: enabled again it would be paid to.
    const isDone = before.status === status && (verdict === "verified" || before.verified_at === null);
    if (isDone) return before;
    if (before.status !== status && (before.status === "disabled" || before.status === "deleted")) {
      throw wrongStatus(before);
    }
    const verified_at = verdict === "verified" ? services.clock.now() : null;
    const after: Beneficiary = { ...before, status, verified_at };
    await setVerified(tx, after, verified_at);
    await move(services, tx, before, after, changing, verdict);
    return after;
  });
}

type End = "disabled" | "deleted";

/** Nothing is paid to it until it is enabled again. Throws beneficiary.not_found, beneficiary.wrong_status */
export async function disableBeneficiary(services: BeneficiaryServices, changing: Changing): Promise<Beneficiary> {
  return leave(services, changing, "disabled");
}

/** Nothing is ever paid to it again; it stays for the payouts that name it. Throws beneficiary.not_found */
export async function deleteBeneficiary(services: BeneficiaryServices, changing: Changing): Promise<Beneficiary> {
  return leave(services, changing, "deleted");
}

async function leave(services: BeneficiaryServices, changing: Changing, status: End): Promise<Beneficiary> {
  return services.db.transaction(async (tx) => {
    const before = await lock(tx, changing);
    if (before.status === status) return before;
    if (!canMove<BeneficiaryStatus>(beneficiaryTransitions, before.status, status)) throw wrongStatus(before);
    const after: Beneficiary = { ...before, status };
    await move(services, tx, before, after, changing, status);
    return after;
  });
}

/** It may be paid to again, where its version was verified. Throws beneficiary.not_found, beneficiary.wrong_status */
export async function enableBeneficiary(services: BeneficiaryServices, changing: Changing): Promise<Beneficiary> {
  return services.db.transaction(async (tx) => {
    const before = await lock(tx, changing);
    if (before.status !== "disabled") throw wrongStatus(before);
    const after: Beneficiary = { ...before, status: before.verified_at === null ? "unverified" : "verified" };
    await move(services, tx, before, after, changing, "enabled");
    return after;
  });
}
