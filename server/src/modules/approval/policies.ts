import { currencyExponent } from "../../kit/money.ts";
import { ANY_CURRENCY, type ApprovalPolicy } from "./approval.ts";
import { approvalErrors } from "./errors.ts";
import type { ApprovalServices } from "./services.ts";
import { deletePolicy, savePolicy } from "./store.ts";

/**
 * Says from which amount on a kind needs a checker, in one currency or (`*`) in those without a policy of their own.
 * Null takes the policy away.
 * @throws approval.invalid
 */
export async function setApprovalPolicy(
  { db, clock, handlers }: ApprovalServices,
  { kind, currency, above }: { kind: string; currency: string; above: bigint | null },
): Promise<ApprovalPolicy | undefined> {
  if (!handlers.has(kind)) {
    throw invalid("kind", `"${kind}" is no kind of approval: choose one of ${[...handlers.keys()].sort().join(", ")}.`);
  }
  if (currency !== ANY_CURRENCY && !isCurrency(currency)) {
    throw invalid("currency", `"${currency}" is no currency: give an ISO 4217 code such as CNY, or *.`);
  }
  if (above === null) {
    await deletePolicy(db, kind, currency);
    return undefined;
  }
  if (above < 0n) throw invalid("above", "above must not be below zero.");
  const policy = { kind, currency, above, updated_at: clock.now() };
  await savePolicy(db, policy);
  return policy;
}

function isCurrency(code: string): boolean {
  try {
    currencyExponent(code);
    return true;
  } catch {
    return false;
  }
}

function invalid(param: string, problem: string) {
  return approvalErrors["approval.invalid"]({ param, values: { problem } });
}
