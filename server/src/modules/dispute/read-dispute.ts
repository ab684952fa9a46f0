/** Reading disputes, always within the caller's own app and book. */
import type { Caller } from "../../kit/http/api.ts";
import { parsePublicId } from "../../kit/id.ts";
import { type Attempt, loadAttempts, loadPayments, type Payment } from "../payment/index.ts";
import type { Dispute } from "./dispute.ts";
import { disputeErrors } from "./errors.ts";
import type { DisputeServices } from "./services.ts";
import { type DisputeFilter, listDisputes, loadDispute } from "./store.ts";

/** A dispute with what is shown of its payment. */
export interface DisputeView {
  dispute: Dispute;
  payment: Payment;
  attempt: Attempt;
}

/** The dispute of a public id. Throws dispute.not_found. */
export async function findDispute(
  services: Pick<DisputeServices, "db">,
  caller: Caller,
  public_id: string,
): Promise<DisputeView> {
  const id = parsePublicId("dispute", public_id);
  const dispute = id && (await loadDispute(services.db, caller.merchant_id, id));
  if (!dispute || dispute.app_id !== caller.app_id || dispute.livemode !== caller.livemode) {
    throw disputeErrors["dispute.not_found"]();
  }
  const [view] = await viewDisputes(services, [dispute]);
  return view!;
}

/** A page of disputes. */
export async function readDisputes(
  services: Pick<DisputeServices, "db">,
  filter: DisputeFilter,
): Promise<DisputeView[]> {
  return viewDisputes(services, await listDisputes(services.db, filter));
}

async function viewDisputes({ db }: Pick<DisputeServices, "db">, disputes: readonly Dispute[]): Promise<DisputeView[]> {
  if (disputes.length === 0) return [];
  const keys = (pick: (dispute: Dispute) => string) =>
    disputes.map((dispute) => ({ merchant_id: dispute.merchant_id, id: pick(dispute) }));
  const paymentKeys = keys((dispute) => dispute.payment_id);
  const attemptKeys = keys((dispute) => dispute.attempt_id);
  const [payments, attempts] = await Promise.all([loadPayments(db, paymentKeys), loadAttempts(db, attemptKeys)]);
  return disputes.map((dispute) => ({
    dispute,
    payment: payments.get(dispute.payment_id)!,
    attempt: attempts.get(dispute.attempt_id)!,
  }));
}
