/** What a person says became of a payout that our bank was told to pay, or that a bank has returned. */
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { payoutErrors } from "./errors.ts";
import { BANK, isUnderWay, type Payout } from "./payout.ts";
import { moveTo } from "./record-outcome.ts";
import type { PayoutServices } from "./services.ts";
import { lockPayout } from "./store.ts";

export const bankResults = ["succeeded", "failed", "returned"] as const;
export type BankResult = (typeof bankResults)[number];

export interface GivenResult {
  readonly result: BankResult;
  /** The bank's reason, of a failure or a return. */
  readonly reason?: string | undefined;
  /** The bank's number of the transfer. */
  readonly reference?: string | undefined;
  /** Who says so. */
  readonly recorded_by: string;
}

/**
 * Records a result once; the same again changes nothing. A return may be recorded of what a channel has paid, too.
 * @throws payout.not_found, payout.not_of_bank
 */
export async function recordResult(
  services: PayoutServices,
  key: TenantKey,
  { result, reason, reference, recorded_by }: GivenResult,
): Promise<Payout> {
  const payout = await services.db.transaction(async (tx) => {
    const before = await lockPayout(tx, key);
    if (!before) throw payoutErrors["payout.not_found"]();
    if (before.status === result) return before;
    if (!isExpected(before, result)) {
      throw payoutErrors["payout.not_of_bank"]({
        values: { status: before.status, payer: before.channel ?? "nobody" },
      });
    }
    const now = services.clock.now();
    const failure = { failure_code: `bank_${result}`, failure_message: reason ?? null };
    const after: Payout = {
      ...{ ...before, status: result, recorded_by, finished_at: now, unknown_reason: null },
      ...(result === "succeeded" ? { succeeded_at: now } : failure),
      channel_transfer_no: reference ?? before.channel_transfer_no,
    };
    await moveTo(services, tx, before, after, null);
    return after;
  });
  services.kick.webhooks();
  return payout;
}

function isExpected(payout: Payout, result: BankResult): boolean {
  return result === "returned" ? payout.status === "succeeded" : payout.channel === BANK && isUnderWay(payout);
}
