/** Ends a payout that nobody paid: what was set aside goes back, and the merchant is told, in the caller's transaction. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { payoutCancelledPosting, payoutFailedPosting, post } from "../../ledger/index.ts";
import { tellApps } from "./events.ts";
import { bookedPayout, type Payout } from "./payout.ts";
import type { PayoutServices } from "./services.ts";
import { movePayout } from "./store.ts";

/** The caller holds the payout's lock. */
export async function endUnpaid(
  services: Pick<PayoutServices, "clock" | "ids">,
  tx: Transaction,
  payout: Payout,
  status: "failed" | "cancelled",
  failure?: { code: string; message: string },
): Promise<Payout> {
  const now = services.clock.now();
  const ended: Payout = {
    ...{ ...payout, status, finished_at: now, waits_for: null, unknown_reason: null, action: null },
    ...{ failure_code: failure?.code ?? null, failure_message: failure?.message ?? null },
  };
  invariant(await movePayout(tx, payout.status, ended, null), "a locked payout moves");
  const booked = bookedPayout(ended, now);
  const posting = status === "failed" ? payoutFailedPosting(booked) : payoutCancelledPosting(booked);
  const [posted] = await post(tx, [posting], now);
  invariant(posted?.kind === "posted", "the end of a payout was posted already");
  await tellApps(services, tx, `payout.${status}`, [ended]);
  return ended;
}
