/** Reading refunds, always within the caller's own app and book. */
import type { Caller } from "../../kit/http/api.ts";
import { parsePublicId } from "../../kit/id.ts";
import { type Attempt, loadAttempts, loadPayments, type Payment } from "../payment/index.ts";
import { refundErrors } from "./errors.ts";
import type { Refund } from "./refund.ts";
import type { RefundServices } from "./services.ts";
import { listRefunds, loadRefunds, type RefundFilter } from "./store.ts";

/** A refund with what is shown of its payment. */
export interface RefundView {
  refund: Refund;
  payment: Payment;
  attempt: Attempt;
}

/** The refund of a public id. Throws refund.not_found. */
export async function findRefund(
  services: Pick<RefundServices, "db">,
  caller: Caller,
  public_id: string,
): Promise<RefundView> {
  const id = parsePublicId("refund", public_id);
  const refund = id && (await loadRefunds(services.db, [{ merchant_id: caller.merchant_id, id }])).get(id);
  if (!refund || refund.app_id !== caller.app_id || refund.livemode !== caller.livemode) {
    throw refundErrors["refund.not_found"]();
  }
  const [view] = await viewRefunds(services, [refund]);
  return view!;
}

/** A page of refunds. */
export async function readRefunds(services: Pick<RefundServices, "db">, filter: RefundFilter): Promise<RefundView[]> {
  return viewRefunds(services, await listRefunds(services.db, filter));
}

export async function viewRefunds(
  services: Pick<RefundServices, "db">,
  refunds: readonly Refund[],
): Promise<RefundView[]> {
  if (refunds.length === 0) return [];
  const keys = (pick: (refund: Refund) => string) =>
    refunds.map((refund) => ({ merchant_id: refund.merchant_id, id: pick(refund) }));
  const [payments, attempts] = await Promise.all([
    loadPayments(
      services.db,
      keys((refund) => refund.payment_id),
    ),
    loadAttempts(
      services.db,
      keys((refund) => refund.attempt_id),
    ),
  ]);
  return refunds.map((refund) => ({
    refund,
    payment: payments.get(refund.payment_id)!,
    attempt: attempts.get(refund.attempt_id)!,
  }));
}
