import type { RefundDestination } from "../../channels/contract.ts";
import { channels } from "../../channels/registry.ts";
import { decodeUuid, parsePublicId } from "../../kit/id.ts";
import { loadAttempts } from "../payment/index.ts";
import { refundErrors } from "./errors.ts";
import type { Refund } from "./refund.ts";
import { openChannel, recordRefund, refundInput } from "./send-refund.ts";
import type { RefundServices } from "./services.ts";
import { listWaitingRefunds } from "./store.ts";

/**
 * Sends a refund that the payer's account did not take another way, for an operator. Repeating it is safe: the channel is
 * asked first, and a refund that is under way again is left alone.
 * @param number refund_no or id (`rf_…`)
 * Throws refund.not_found, refund.not_redirectable, refund.redirect_unknown.
 */
export async function redirectRefund(services: RefundServices, number: string, to: RefundDestination): Promise<Refund> {
  const refund = await findWaiting(services, number);
  const { merchant_id, attempt_id } = refund;
  const attempt = (await loadAttempts(services.db, [{ merchant_id, id: attempt_id }])).get(attempt_id)!;
  const { channel, account } = await openChannel(services, attempt);
  if (!channel.redirectRefund) throw notRedirectable(`${channel.id} offers no other way`);
  const input = { refund: refundInput(services, refund, attempt), to };
  const outcome = await services.channels.run(`${channel.id}.redirect_refund`, account, channel.redirectRefund, input);
  if (outcome.kind === "redirected") return recordRefund(services, refund, outcome.outcome, "channel");
  if (outcome.kind === "failed") throw notRedirectable(outcome.failure.message);
  throw refundErrors["refund.redirect_unknown"]({ values: { reason: outcome.reason } });
}

async function findWaiting(services: RefundServices, number: string): Promise<Refund> {
  const id = parsePublicId("refund", number) ?? decodeUuid(number);
  if (!id) throw refundErrors["refund.not_found"]();
  for (const channel of Object.keys(channels)) {
    const [refund] = await listWaitingRefunds(services.db, channel, { id, limit: 1 });
    if (refund) return refund;
  }
  throw refundErrors["refund.not_found"]();
}

function notRedirectable(reason: string): Error {
  return refundErrors["refund.not_redirectable"]({ values: { reason } });
}
