/** The wire shape of beneficiaries: nothing in it names an account. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Beneficiary, BeneficiaryChange } from "./beneficiary.ts";
import type { VersionRow } from "./store.ts";

/** A beneficiary as the API shows it. The fingerprint is cut: enough to compare, and of no other use. */
export function presentBeneficiary(b: Beneficiary) {
  const { kind: _, ...details } = b.details;
  return {
    id: publicId("beneficiary", b.id),
    object: "beneficiary" as const,
    livemode: b.livemode,
    status: b.status,
    type: b.type,
    account: b.account_masked,
    name: b.name_masked,
    details,
    version: b.version,
    fingerprint: b.fingerprint.subarray(0, 16).toString("hex"),
    payable_from: toRfc3339(b.payable_from),
    verified_at: b.verified_at === null ? null : toRfc3339(b.verified_at),
    label: b.label,
    metadata: b.metadata,
    created_at: toRfc3339(b.created_at),
  };
}

/** What was done to it, and every version that it had. */
export function presentHistory(versions: readonly VersionRow[], changes: readonly BeneficiaryChange[]) {
  return {
    versions: versions.map((v) => ({
      ...{ version: v.version, type: v.type, account: v.account_masked, name: v.name_masked },
      payable_from: toRfc3339(v.payable_from),
      verified_at: v.verified_at === null ? null : toRfc3339(v.verified_at),
      created_at: toRfc3339(v.created_at),
    })),
    changes: changes.map(({ number: _, ...change }) => ({ ...change, created_at: toRfc3339(change.created_at) })),
  };
}
