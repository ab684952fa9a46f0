/** A payout above an amount is seen by an operator before it is paid. */
import { invariant } from "../../kit/error.ts";
import { publicId } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { type Approval, type ApprovalHandler, loadApprovalPolicies, requestApproval } from "../approval/index.ts";
import { endUnpaid } from "./end-payout.ts";
import { tellApps } from "./events.ts";
import type { Payout } from "./payout.ts";
import type { PayoutServices } from "./services.ts";
import { readPayoutSettings } from "./settings.ts";
import { lockPayout, movePayout } from "./store.ts";

/** What approvals of payouts are called. */
export const PAYOUT_APPROVAL = "payout";

/** By the merchant's own threshold where it has one, else by the platform's policy. */
export async function needsReview(tx: Transaction, payout: Payout): Promise<boolean> {
  const { review_above } = await readPayoutSettings(tx, payout);
  if (review_above !== null) return payout.amount > review_above;
  const policies = await loadApprovalPolicies(tx, PAYOUT_APPROVAL);
  const policy =
    policies.find(({ currency }) => currency === payout.currency) ?? policies.find((one) => one.currency === "*");
  return policy !== undefined && payout.amount > policy.above;
}

/** Asks an operator. The caller holds the payout's lock. */
export async function requestReview(services: PayoutServices, tx: Transaction, payout: Payout): Promise<Payout> {
  const { merchant_id, livemode, id: subject_id, amount, currency } = payout;
  const { approval } = await requestApproval(tx, services.approval, {
    ...{ kind: PAYOUT_APPROVAL, merchant_id, livemode, subject_id, amount, currency, check: "always" },
    payload: {
      payout: publicId("payout", payout.id),
      beneficiary: publicId("beneficiary", payout.beneficiary_id),
      out_payout_no: payout.out_payout_no,
      transfer_amount: String(payout.transfer_amount),
    },
    // A title may be white space alone, which is no reason.
    reason: payout.title?.trim() || "payout",
    maker: { type: "system", id: null },
  });
  const waiting: Payout = { ...payout, status: "in_review", approval_id: approval.id, waits_for: null };
  invariant(await movePayout(tx, "created", waiting, null), "a locked payout moves");
  await tellApps(services, tx, "payout.in_review", [waiting]);
  return waiting;
}

async function lockReviewed(tx: Transaction, { merchant_id, subject_id }: Approval): Promise<Payout | undefined> {
  invariant(merchant_id !== null && subject_id !== null, "the review of a payout names it");
  return lockPayout(tx, { merchant_id, id: subject_id });
}

/** What an operator's decision does: approved, a worker lets the payout go; otherwise it fails and the money is back. */
export function createPayoutApprovalHandler(services: PayoutServices): ApprovalHandler {
  return {
    subject: "payout",
    async approve(tx, approval, afterCommit) {
      const payout = await lockReviewed(tx, approval);
      if (payout?.status !== "in_review") return;
      const pending: Payout = { ...payout, status: "pending" };
      invariant(await movePayout(tx, "in_review", pending, services.clock.now()), "a locked payout moves");
      afterCommit(() => services.kick.payouts());
    },
    async reject(tx, approval, afterCommit) {
      const payout = await lockReviewed(tx, approval);
      if (payout?.status !== "in_review") return;
      const message = approval.comment ?? `the review has ${approval.status}`;
      await endUnpaid(services, tx, payout, "failed", { code: `review_${approval.status}`, message });
      afterCommit(() => services.kick.webhooks());
    },
  };
}
