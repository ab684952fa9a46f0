/**
 * What an identical request made before. Asked only where a new one could not be made (no account serves the method any
 * more, a receiver of its sharing is gone): the same request still gives the same object, whatever was switched off since.
 */
import { findKeys, type IdempotencyKey } from "../idempotency/index.ts";
import { loadAttemptsOfPayments } from "./attempt-store.ts";
import type { CreateResult } from "./create-payment.ts";
import { followRefusals } from "./fail-over.ts";
import type { Attempt, Payment } from "./payment.ts";
import type { PaymentServices } from "./services.ts";
import { loadPayments, loadPaymentsByNumber } from "./store.ts";

/** The result that the group would give for a repetition, or undefined when both number and key are new. */
export async function findEarlierPayment(
  services: Pick<PaymentServices, "db">,
  payment: Payment,
  idempotency: IdempotencyKey | undefined,
): Promise<CreateResult | undefined> {
  const object_id = await findKeyed(services, payment, idempotency);
  if (object_id === "conflict") return { kind: "key_conflict" };
  if (object_id !== undefined) {
    const keyed = await loadPayments(services.db, [{ merchant_id: payment.merchant_id, id: object_id }]);
    const existing = keyed.get(object_id);
    return existing && { kind: "existing", payment: existing };
  }
  const [numbered] = await loadPaymentsByNumber(services.db, [payment]);
  if (!numbered) return undefined;
  return numbered.request_hash.equals(payment.request_hash)
    ? { kind: "existing", payment: numbered }
    : { kind: "number_conflict" };
}

/** The attempt that the key made or joined before, or what took its place; `conflict` when it was another request's. */
export async function findEarlierAttempt(
  services: Pick<PaymentServices, "db">,
  payment: Payment,
  idempotency: IdempotencyKey | undefined,
): Promise<Attempt | "conflict" | undefined> {
  const id = await findKeyed(services, payment, idempotency);
  if (id === undefined || id === "conflict") return id;
  const attempts = await loadAttemptsOfPayments(services.db, [payment]);
  const made = attempts.find((attempt) => attempt.id === id);
  return made && followRefusals(attempts, made);
}

async function findKeyed(
  services: Pick<PaymentServices, "db">,
  { merchant_id, app_id, livemode }: Payment,
  idempotency: IdempotencyKey | undefined,
): Promise<string | "conflict" | undefined> {
  if (!idempotency) return undefined;
  const [state] = await findKeys(services.db, [{ merchant_id, app_id, livemode, ...idempotency }]);
  if (state?.kind === "conflict") return "conflict";
  return state?.kind === "replay" ? state.object_id : undefined;
}
