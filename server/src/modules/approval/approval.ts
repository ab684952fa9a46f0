/** What an approval is. Pure. Amounts in minor units, instants in epoch milliseconds. */
import type { Transitions } from "../../kit/state-machine.ts";

export const approvalStatuses = ["pending", "approved", "rejected", "cancelled", "expired"] as const;
export type ApprovalStatus = (typeof approvalStatuses)[number];

export const transitions = {
  pending: ["approved", "rejected", "cancelled", "expired"],
  approved: [],
  // By a checker.
  rejected: [],
  // By its maker, or by the module that asked for it.
  cancelled: [],
  // Nobody decided in time.
  expired: [],
} as const satisfies Transitions<ApprovalStatus>;

/** Who asks: an operator, a merchant's API key (both by UUID), or a rule of the platform. */
export type Maker =
  | { readonly type: "user"; readonly id: string }
  | { readonly type: "api_key"; readonly id: string }
  | { readonly type: "system"; readonly id: null };

export interface Approval {
  /** UUID. */
  readonly id: string;
  /** Which handler carries it out, such as `account_operation`. */
  readonly kind: string;
  /** Null where it is about the platform itself. */
  readonly merchant_id: string | null;
  readonly livemode: boolean | null;
  /** UUID of the object that it is about, if there is one. */
  readonly subject_id: string | null;
  /** What the handler needs, as JSON. Operators see it. */
  readonly payload: unknown;
  /** Null where it is not about money; then the currency is null too. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly reason: string;
  readonly maker: Maker;
  readonly status: ApprovalStatus;
  /** UUID of the operator who decided; null where nobody had to. */
  readonly checker_id: string | null;
  readonly comment: string | null;
  readonly created_at: number;
  readonly expires_at: number;
  readonly decided_at: number | null;
  /** When it was done; null until then, and where it could not be. */
  readonly carried_out_at: number | null;
  /** Why it could not be done after all: a person must look. */
  readonly problem: string | null;
}

/** From where on a kind needs a checker. */
export interface ApprovalPolicy {
  readonly kind: string;
  /** `*`: currencies without a policy of their own, and what has no amount. */
  readonly currency: string;
  /** Minor units: more than this needs a checker. */
  readonly above: bigint;
  readonly updated_at: number;
}

export const ANY_CURRENCY = "*";

/** Whether a request needs a checker, by the policies of its kind. What has no amount needs one where `*` has a policy. */
export function needsChecker(
  policies: readonly ApprovalPolicy[],
  { amount, currency }: Pick<Approval, "amount" | "currency">,
): boolean {
  const of = (wanted: string | null) => policies.find((policy) => policy.currency === wanted);
  const policy = of(currency) ?? of(ANY_CURRENCY);
  return policy !== undefined && (amount === null || amount > policy.above);
}
