/** What the use cases of this module need. */
import type { PaymentServices } from "../payment/index.ts";
import type { RefundServices } from "../refund/index.ts";

export interface BankTransferServices {
  payment: PaymentServices;
  refund: RefundServices;
}

/** The channel whose transfers are confirmed here. */
export const CHANNEL = "bank";
