// Guarantee: only an answer that cannot be mistaken ends a payout; what is not known stays on its way, and what was paid
// moves again only when the channel itself says that it has come back.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { TransferOutcome } from "../../channels/contract.ts";
import { canMove, drawStates, terminalStates, unreachableStates } from "../../kit/state-machine.ts";
import { decideOutcome, type OutcomeSource, watchAgain } from "./decide-outcome.ts";
import { type Payout, type PayoutStatus, payoutStatuses, payoutTransitions } from "./payout.ts";

const NOW = Date.UTC(2026, 10, 20, 4);
const DAY_MS = 86_400_000;

const payoutIn = (status: PayoutStatus, more: Partial<Payout> = {}): Payout => ({
  ...{ merchant_id: "m", id: "p", livemode: true, app_id: "a", out_payout_no: "n", request_hash: null, status },
  ...{ currency: "CNY", amount: 100n, transfer_amount: 100n, fee_amount: 0n, fee_returns: false, cost_amount: 0n },
  ...{ beneficiary_id: "b", beneficiary_version: 1, title: null, metadata: {}, batch_id: null, batch_line: null },
  ...{ settlement_id: null, approval_id: null, channel: "alipay", channel_account_id: "c", bank_file_id: null },
  ...{ transfer_no: "t", channel_transfer_no: null, action: null, waits_for: null, failure_code: null },
  ...{ failure_message: null, unknown_reason: null, recorded_by: null, created_at: NOW, sent_at: null },
  ...{ succeeded_at: null, finished_at: null, call_count: 1, query_count: 0 },
  ...more,
});

const outcomes: Record<TransferOutcome["kind"], TransferOutcome> = {
  succeeded: {
    kind: "succeeded",
    transfer: { transfer_no: "t", amount: undefined, channel_transfer_no: "c1", transferred_at: NOW },
  },
  pending: { kind: "pending", action: { type: "jsapi", parameters: {} } },
  failed: { kind: "failed", failure: { code: "NO", message: "no" } },
  not_found: { kind: "not_found" },
  unknown: { kind: "unknown", reason: "timeout", detail: "" },
};
const statusAfter = (payout: Payout, kind: TransferOutcome["kind"], from: OutcomeSource = "channel") => {
  const decision = decideOutcome(payout, outcomes[kind], from, NOW);
  return decision.kind === "moved" ? decision.payout.status : decision.kind;
};

test("the state table is sound", () => {
  expect(unreachableStates(payoutTransitions, "created")).toEqual([]);
  expect(terminalStates(payoutTransitions)).toEqual(["failed", "returned", "cancelled"]);
  const page = readFileSync(new URL("../../../../docs/ARCHITECTURE.md", import.meta.url), "utf8");
  expect(page).toContain(`\n${drawStates(payoutTransitions, "created")}\n`);
});

test("whatever a channel says, of whatever payout, no move leaves the table", () => {
  for (const status of payoutStatuses) {
    for (const kind of Object.keys(outcomes) as TransferOutcome["kind"][]) {
      for (const from of ["request", "repetition", "channel"] as const) {
        const paid = status === "succeeded" || status === "returned" ? NOW : null;
        const decision = decideOutcome(payoutIn(status, { succeeded_at: paid }), outcomes[kind], from, NOW);
        if (decision.kind !== "moved" || decision.payout.status === status) continue;
        expect(canMove<PayoutStatus>(payoutTransitions, status, decision.payout.status)).toBe(true);
      }
    }
  }
});

describe("on its way", () => {
  test.each([
    ["succeeded", "succeeded"],
    ["pending", "sent"],
    ["failed", "failed"],
    ["unknown", "unknown"],
    ["not_found", "unknown"],
  ] as const)("%s makes it %s", (kind, status) => expect(statusAfter(payoutIn("sent"), kind)).toBe(status));

  test("a refused first request ends it; a refused repetition only when it is refused again", () => {
    expect(statusAfter(payoutIn("sent"), "failed", "request")).toBe("failed");
    expect(statusAfter(payoutIn("sent", { call_count: 2 }), "failed", "request")).toBe("unknown");
    expect(statusAfter(payoutIn("unknown", { query_count: 1 }), "failed", "repetition")).toBe("unknown");
    const refused = payoutIn("unknown", { query_count: 2, failure_code: "NO" });
    expect(statusAfter(refused, "failed", "repetition")).toBe("failed");
  });

  test("what the beneficiary must do stays until it is done, and every question has a next one", () => {
    const decision = decideOutcome(payoutIn("sent"), outcomes.pending, "request", NOW);
    expect(decision).toMatchObject({ kind: "moved", payout: { action: { type: "jsapi" }, sent_at: NOW } });
    const waiting = (decision as { payout: Payout }).payout;
    expect(decideOutcome(waiting, { kind: "pending" }, "channel", NOW)).toMatchObject({ payout: waiting.action && {} });
    for (let count = 0; count < 100; count += 1) {
      const asked = decideOutcome(payoutIn("unknown", { query_count: count }), outcomes.unknown, "channel", NOW);
      expect((asked as { due_at: number }).due_at).toBeGreaterThan(NOW);
      expect((asked as { due_at: number }).due_at).toBeLessThanOrEqual(NOW + 3_600_000);
    }
  });
});

describe("paid", () => {
  const paid = payoutIn("succeeded", { succeeded_at: NOW, finished_at: NOW });

  test("it comes back by the channel's word alone", () => {
    expect(statusAfter(paid, "failed")).toBe("returned");
    expect(statusAfter(paid, "failed", "repetition")).toBe("contradiction");
    for (const kind of ["succeeded", "pending", "unknown", "not_found"] as const)
      expect(statusAfter(paid, kind)).toBe("same");
  });

  test("it is asked about after one, three and seven days, and then believed", () => {
    expect(watchAgain(NOW, NOW)).toBe(NOW + DAY_MS);
    expect(watchAgain(NOW, NOW + DAY_MS)).toBe(NOW + 3 * DAY_MS);
    expect(watchAgain(NOW, NOW + 3 * DAY_MS)).toBe(NOW + 7 * DAY_MS);
    expect(watchAgain(NOW, NOW + 7 * DAY_MS)).toBeNull();
  });
});

test("money that was given back and is then said to be paid is for a person", () => {
  expect(statusAfter(payoutIn("failed"), "succeeded")).toBe("contradiction");
  expect(statusAfter(payoutIn("cancelled"), "failed")).toBe("same");
});
