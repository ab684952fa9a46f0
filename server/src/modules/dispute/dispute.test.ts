/**
 * Guarantee: a channel's statements of a dispute lead to the same dispute in whatever order and however often they come:
 * the newest counts, and an end is not undone by a statement of the same instant.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChannelDispute } from "../../channels/contract.ts";
import { type Dispute, disputeStatuses, takeStatement } from "./dispute.ts";

const known: Dispute = {
  merchant_id: "m",
  id: "d",
  app_id: "a",
  livemode: false,
  payment_id: "p",
  attempt_id: "t",
  channel: "stripe",
  channel_account_id: "c",
  channel_dispute_no: "du_1",
  status: "needs_response",
  amount: 100n,
  currency: "USD",
  reason: "fraudulent",
  respond_by: 5_000,
  stated_at: 1_000,
  created_at: 1_000,
  updated_at: 1_000,
};

function statement(changes: Partial<ChannelDispute>): ChannelDispute {
  return {
    channel_dispute_no: "du_1",
    serial_no: undefined,
    channel_trade_no: "pi_1",
    amount: { amount: 100n, currency: "USD" },
    reason: "fraudulent",
    status: "needs_response",
    respond_by: 5_000,
    stated_at: 1_000,
    ...changes,
  };
}

test("a statement that says what is known, or an older one, changes nothing", () => {
  expect(takeStatement(known, statement({}), 9_000)).toBeUndefined();
  expect(takeStatement(known, statement({ status: "lost", stated_at: 999 }), 9_000)).toBeUndefined();
});

test("a newer statement replaces all that it says", () => {
  const next = takeStatement(known, statement({ status: "won", respond_by: undefined, stated_at: 2_000 }), 9_000);
  expect(next).toEqual({ ...known, status: "won", respond_by: null, stated_at: 2_000, updated_at: 9_000 });
});

test("of two statements of one instant, the one that ends it stays", () => {
  const ended = takeStatement(known, statement({ status: "lost" }), 9_000)!;
  expect(ended.status).toBe("lost");
  expect(takeStatement(ended, statement({ status: "under_review" }), 9_001)).toBeUndefined();
});

test("statements of different instants lead to the newest in any order", () => {
  const statements = disputeStatuses.map((status, index) => statement({ status, stated_at: 2_000 + index }));
  const anyOrder = fc.shuffledSubarray([...statements, ...statements], { minLength: 1 });
  fc.assert(
    fc.property(anyOrder, (told) => {
      const last = told.reduce((dispute, stated) => takeStatement(dispute, stated, 9_000) ?? dispute, known);
      const newest = told.reduce((a, b) => (b.stated_at > a.stated_at ? b : a));
      expect(last.status).toBe(newest.status);
    }),
  );
});
