/**
 * What an operator says about the bank: a transfer paid an invoice, a merchant has paid in advance, something went back. It
 * moves the books, so where a policy asks for it another operator looks first.
 */
import type { Transaction } from "../../kit/sql/database.ts";
import { type Approval, type ApprovalHandler, type RequestedApproval, requestApproval } from "../approval/index.ts";
import { serviceFeeErrors } from "./errors.ts";
import { loadInvoice } from "./invoice-store.ts";
import { type InvoiceKey, recordBankPayment } from "./manage-invoice.ts";
import { type DepositInput, recordDeposit } from "./prepay.ts";
import type { Billing, ServiceFeeServices } from "./services.ts";

export const SERVICE_FEE_DEPOSIT_APPROVAL = "service_fee_deposit";
export const SERVICE_FEE_PAYMENT_APPROVAL = "service_fee_payment";

/** Amounts as text: approvals are JSON. */
interface DepositPayload {
  readonly type: DepositInput["kind"];
  readonly reference: string;
}

interface PaymentPayload {
  readonly reference: string;
}

/** `reason` in the operator's words; the bank's reference unless given. */
type Asked = { readonly made_by: string; readonly reason?: string | undefined };

/** Asks to book a deposit; where no policy wants a second pair of eyes it is booked at once. */
export function requestDeposit(
  services: ServiceFeeServices,
  tx: Transaction,
  { kind: type, reference, made_by, reason, ...asked }: Omit<DepositInput, "made_by"> & Asked,
): Promise<RequestedApproval> {
  return requestApproval(tx, services.approval, {
    ...{ ...asked, kind: SERVICE_FEE_DEPOSIT_APPROVAL, payload: { type, reference } satisfies DepositPayload },
    ...{ reason: reason ?? `The bank's transfer ${reference}`, maker: { type: "user", id: made_by } },
  });
}

/** Asks to book what a transfer paid of an invoice, likewise. @throws service_fee_invoice.not_found */
export async function requestBankPayment(
  services: ServiceFeeServices,
  tx: Transaction,
  { merchant_id, id }: InvoiceKey,
  { amount, reference, made_by, reason }: { amount: bigint; reference: string } & Asked,
): Promise<RequestedApproval> {
  const invoice = await loadInvoice(tx, merchant_id, id);
  if (!invoice) throw serviceFeeErrors["service_fee_invoice.not_found"]();
  const { livemode, currency } = invoice;
  return requestApproval(tx, services.approval, {
    ...{ kind: SERVICE_FEE_PAYMENT_APPROVAL, merchant_id, livemode, subject_id: id, amount, currency },
    payload: { reference } satisfies PaymentPayload,
    ...{ reason: reason ?? `The bank's transfer ${reference}`, maker: { type: "user", id: made_by } },
  });
}

const makerOf = ({ maker }: Approval) => (maker.type === "user" ? maker.id : null);

/** Carries out approvals of both kinds. */
export function serviceFeeApprovalHandlers(services: Billing): Readonly<Record<string, ApprovalHandler>> {
  return {
    [SERVICE_FEE_DEPOSIT_APPROVAL]: {
      async approve(tx, approval, afterCommit) {
        const { type: kind, reference } = approval.payload as DepositPayload;
        const { merchant_id, livemode, currency, amount } = approval;
        const key = { merchant_id: merchant_id!, livemode: livemode!, currency: currency! };
        await recordDeposit(services, tx, { ...key, kind, amount: amount!, reference, made_by: makerOf(approval) });
        afterCommit(() => services.kick.webhooks());
      },
    },
    [SERVICE_FEE_PAYMENT_APPROVAL]: {
      subject: "service_fee_invoice",
      async approve(tx, approval, afterCommit) {
        const { reference } = approval.payload as PaymentPayload;
        const key = { merchant_id: approval.merchant_id!, id: approval.subject_id! };
        await recordBankPayment(services, tx, key, { amount: approval.amount!, reference, made_by: makerOf(approval) });
        afterCommit(() => services.kick.webhooks());
      },
    },
  };
}
