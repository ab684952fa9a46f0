/** What a beneficiary is, and when it may be paid to. Pure. */
import type { BeneficiaryKind } from "../../channels/contract.ts";
import type { Transitions } from "../../kit/state-machine.ts";

/** A new version of the account is unverified, unless a rule verifies it. */
export const beneficiaryTransitions = {
  unverified: ["verified", "disabled", "deleted"],
  verified: ["unverified", "disabled", "deleted"],
  disabled: ["unverified", "verified", "deleted"],
  deleted: [],
} as const satisfies Transitions<BeneficiaryStatus>;
export type BeneficiaryStatus = "unverified" | "verified" | "disabled" | "deleted";
export const beneficiaryStatuses = Object.keys(beneficiaryTransitions) as BeneficiaryStatus[];

export type BeneficiaryType = "bank_card" | "alipay" | "wechat";

/** What may be known of an account besides its number and name. */
export interface AccountDetails {
  /** How a channel takes the account; null for a bank's. */
  readonly kind: BeneficiaryKind | null;
  readonly account_type?: "personal" | "corporate";
  readonly bank_name?: string;
  readonly branch_name?: string;
  /** The bank's number in the clearing system (联行号). */
  readonly cnaps_code?: string;
  /** The app that an openid belongs to. */
  readonly appid?: string;
}

/** A beneficiary with the version that is paid to. Instants in epoch milliseconds. */
export interface Beneficiary {
  readonly merchant_id: string;
  readonly id: string;
  readonly livemode: boolean;
  readonly status: BeneficiaryStatus;
  readonly version: number;
  readonly fingerprint: Buffer;
  readonly label: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly type: BeneficiaryType;
  readonly account_sealed: Buffer;
  readonly account_masked: string;
  readonly name_masked: string | null;
  readonly details: AccountDetails;
  /** When the cooling of this version is over. */
  readonly payable_from: number;
  readonly verified_at: number | null;
  readonly created_at: number;
}

/** Why nothing is paid to it now: `cooling` passes by itself, `changed` means another version than the one asked for. */
export type Hindrance = "unverified" | "disabled" | "deleted" | "changed" | "cooling";

/** What keeps money from being paid to this version now; undefined when nothing does. */
export function hindranceOf(
  beneficiary: Pick<Beneficiary, "status" | "version" | "payable_from">,
  version: number,
  now: number,
): Hindrance | undefined {
  if (beneficiary.status === "disabled" || beneficiary.status === "deleted") return beneficiary.status;
  if (beneficiary.version !== version) return "changed";
  if (beneficiary.status === "unverified") return "unverified";
  return now < beneficiary.payable_from ? "cooling" : undefined;
}

/** Who may verify: only an operator; also that the same account was verified for this merchant before; nobody needs to. */
export const verificationRules = ["operator", "known_account", "automatic"] as const;
export type VerificationRule = (typeof verificationRules)[number];

export interface BeneficiarySettings {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly cooling_s: number;
  readonly verification: VerificationRule;
}

export const DEFAULT_SETTINGS: Pick<BeneficiarySettings, "cooling_s" | "verification"> = {
  cooling_s: 24 * 3600,
  verification: "operator",
};

export type ChangeAction = "created" | "changed" | "verified" | "refused" | "disabled" | "enabled" | "deleted";

export interface BeneficiaryChange {
  readonly number: number;
  readonly action: ChangeAction;
  readonly version: number;
  readonly actor: string;
  readonly note: string | null;
  readonly created_at: number;
}
