/** A refund notice whose signature is good: checked against what we asked for, then recorded like any other answer. */
import type { ChannelRefund, RefundOutcome } from "../../channels/contract.ts";
import { checkRefundIntegrity } from "../../channels/integrity.ts";
import { decodeUuid } from "../../kit/id.ts";
import { loadAttempts } from "../payment/index.ts";
import type { RefundServices } from "./services.ts";
import { hurryRefund, loadRefunds } from "./store.ts";

/** Records a refund notice for a refund of this merchant through this account, and says whether to acknowledge it. */
export async function receiveRefundNotice(
  services: RefundServices,
  merchant_id: string,
  channel_account_id: string,
  facts: ChannelRefund,
  outcome: RefundOutcome,
): Promise<"recorded" | "unknown_number" | "integrity"> {
  const id = facts.refund_no && decodeUuid(facts.refund_no);
  const refund = id && (await loadRefunds(services.db, [{ merchant_id, id }])).get(id);
  if (!refund) return "unknown_number";
  const attempt = (await loadAttempts(services.db, [{ merchant_id, id: refund.attempt_id }])).get(refund.attempt_id)!;
  if (attempt.channel_account_id !== channel_account_id) return "unknown_number";
  const amount = { amount: refund.amount, currency: refund.currency };
  const asked = { refund_no: refund.refund_no, serial_no: attempt.serial_no, amount };
  const differences = checkRefundIntegrity(asked, facts);
  if (differences.length > 0) {
    services.log.error({ refund_no: refund.refund_no, differences }, "a signed notice differs from what was asked");
    await hurryRefund(services.db, refund, services.clock.now());
    return "integrity";
  }
  const { payment_id } = refund;
  await services.groups.recordOutcome({ merchant_id, payment_id, refund_id: id, outcome, from: "channel" });
  return "recorded";
}
