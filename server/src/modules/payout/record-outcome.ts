/** Records what became of a payout: status, posting and event in one transaction under its lock. */
import type { TransferOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { payoutFailedPosting, payoutReturnedPosting, payoutSucceededPosting, post } from "../../ledger/index.ts";
import { decideOutcome, type OutcomeSource } from "./decide-outcome.ts";
import { type PayoutEvent, tellApps } from "./events.ts";
import { bookedPayout, type Payout, type PayoutStatus } from "./payout.ts";
import type { PayoutServices } from "./services.ts";
import { lockPayout, movePayout } from "./store.ts";

/** An outcome that is not known after so many questions is said aloud; the questions go on. */
const QUESTIONS_BEFORE_ALARM = 20;

/** Records a channel's answer; gives the payout as it is then. */
export async function recordOutcome(
  services: PayoutServices,
  key: TenantKey,
  outcome: TransferOutcome,
  from: OutcomeSource,
): Promise<Payout> {
  const payout = await services.db.transaction(async (tx) => {
    const before = await lockPayout(tx, key);
    invariant(before, "payouts are never deleted");
    const decision = decideOutcome(before, outcome, from, services.clock.now());
    switch (decision.kind) {
      case "moved":
        await moveTo(services, tx, before, decision.payout, decision.due_at);
        return decision.payout;
      case "same":
        await movePayout(tx, before.status, before, decision.due_at);
        return before;
      case "contradiction":
        services.log.error({ payout_id: before.id }, `the channel says that ${decision.sentence}`);
        return before;
    }
  });
  if (payout.status === "unknown" && payout.query_count === QUESTIONS_BEFORE_ALARM) {
    const { id: payout_id, unknown_reason } = payout;
    services.log.error({ payout_id, unknown_reason }, "what became of a payout is not known for long");
  }
  services.kick.webhooks();
  return payout;
}

const postings = {
  succeeded: payoutSucceededPosting,
  failed: payoutFailedPosting,
  returned: payoutReturnedPosting,
} as const;

function hasPosting(status: PayoutStatus): status is keyof typeof postings {
  return Object.hasOwn(postings, status);
}

/** Moves a locked payout, posts what that means and tells the merchant. */
export async function moveTo(
  services: PayoutServices,
  tx: Transaction,
  before: Payout,
  after: Payout,
  due_at: number | null,
): Promise<void> {
  invariant(await movePayout(tx, before.status, after, due_at), "a locked payout moves");
  const now = services.clock.now();
  if (hasPosting(after.status) && after.status !== before.status) {
    const [posted] = await post(tx, [postings[after.status](bookedPayout(after, now))], now);
    invariant(posted?.kind === "posted", "the posting of a payout was refused or existed already");
  }
  const event = eventOf(before, after);
  if (event) await tellApps(services, tx, event, [after]);
}

function eventOf(before: Payout, after: Payout): PayoutEvent | undefined {
  if (hasPosting(after.status)) return after.status === before.status ? undefined : `payout.${after.status}`;
  return before.sent_at === null && after.sent_at !== null ? "payout.sent" : undefined;
}
