// Guarantee: the guide to the books shows every account and every template as they are: its worked examples are what the
// templates write, in both funding modes, to the fen.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toDecimal } from "../../kit/money.ts";
import { accountKinds } from "../accounts.ts";
import type { NewPosting } from "../posting.ts";
import { transactionKinds } from "../posting.ts";
import { adjustmentPosting, fundsFrozenPosting, fundsReleasedPosting } from "./account-operation.ts";
import { commissionReceivedPosting, commissionSettledPosting } from "./commission.ts";
import { duplicatePaymentPosting, type FundingMode, type PaidAttempt, paymentPosting } from "./payment.ts";
import {
  type BookedPayout,
  payoutCancelledPosting,
  payoutFailedPosting,
  payoutInitiatedPosting,
  payoutReturnedPosting,
  payoutSucceededPosting,
} from "./payout.ts";
import { type ReconciliationPostingKind, reconciliationPosting } from "./reconciliation.ts";
import {
  type BookedRefund,
  duplicateRefundPosting,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "./refund.ts";
import { reserveReleasedPosting } from "./reserve.ts";
import { serviceFeePaymentPosting, serviceFeeReturnPosting, serviceFeeTopUpPosting } from "./service-fee.ts";
import { settlementPosting } from "./settlement.ts";
import {
  type SharingMode,
  shareReceivedPosting,
  shareReturnedPosting,
  sharingFailedPosting,
  sharingInitiatedPosting,
  sharingReturnedPosting,
  sharingSucceededPosting,
} from "./sharing.ts";

const guide = readFileSync(new URL("../../../../docs/guides/books.md", import.meta.url), "utf8");

const yuan = (amount: bigint) => ({ amount, currency: "CNY" });
const own = { merchant_id: "m", livemode: true, occurred_at: 0 };
const ids = { merchant_id: "m", livemode: true, channel_account_id: "0192d2c4-0000-7000-8000-000000000001" };

/** CNY 100.00 with a fee of 0.6 % and a channel's cost of 0.38 %, of which CNY 40.00 go back. */
function paidIn(funding_mode: FundingMode): PaidAttempt {
  const cost = funding_mode === "pooled" ? 38n : 0n;
  return { ...ids, attempt_id: "a", funding_mode, amount: yuan(100_00n), fee: 60n, cost, occurred_at: 0 };
}

function refundIn(funding_mode: FundingMode, more: Partial<BookedRefund> = {}): BookedRefund {
  const cost = funding_mode === "pooled" ? 15n : 0n;
  const facts = { ...ids, refund_id: "r", funding_mode, amount: yuan(40_00n), fee: 24n, cost, occurred_at: 0 };
  return { ...facts, from_available: 0n, from_reserve: 0n, ...more };
}

/** Three levels deep: the merchant pays 0.60 %, its agent 0.45 %, the one above 0.40 %, the topmost 0.38 %. */
const agents = [1, 2, 3].map((agent) => `0192d2c4-0000-7000-8000-00000000001${agent}`);
const shared = (...amounts: bigint[]) => amounts.map((amount, index) => ({ agent_id: agents[index]!, amount }));
/** CNY 50.00 for a fee of CNY 1.00, at a cost of CNY 0.10. */
function payoutBy(channel_account_id: string | null): BookedPayout {
  const facts = { merchant_id: "m", livemode: true, payout_id: "p", channel_account_id, occurred_at: 0 };
  return { ...facts, amount: yuan(50_00n), fee: 1_00n, cost: 10n, fee_returns: true };
}

const operation = {
  merchant_id: "m",
  livemode: true,
  operation_id: "o",
  account: "pending",
  occurred_at: 0,
} as const;

/** CNY 20.00 of it for a receiver, of which CNY 8.00 come back. */
const shareIn = (funding_mode: FundingMode, mode: SharingMode, from_available = 0n) => ({
  ...{ ...ids, part_id: "p", funding_mode, mode, amount: yuan(20_00n), from_available, occurred_at: 0 },
});
const returnIn = (funding_mode: FundingMode, mode: SharingMode) => ({
  ...{ ...ids, return_id: "t", funding_mode, mode, amount: yuan(8_00n), from_available: 0n, occurred_at: 0 },
});
function reconciled(kind: ReconciliationPostingKind, amount: bigint): NewPosting {
  return reconciliationPosting({ ...ids, posting_id: "p", kind, amount: yuan(amount), occurred_at: 0 });
}

const modes = ["pooled", "direct"] as const;
const examples: NewPosting[] = [
  ...modes.flatMap((mode) => [
    paymentPosting(paidIn(mode)),
    duplicatePaymentPosting(paidIn(mode)),
    refundInitiatedPosting(refundIn(mode)),
    refundSucceededPosting(refundIn(mode)),
    refundFailedPosting(refundIn(mode)),
    duplicateRefundPosting(refundIn(mode, { amount: yuan(100_00n), fee: 0n, cost: mode === "pooled" ? 38n : 0n })),
  ]),
  settlementPosting({
    merchant_id: "m",
    livemode: true,
    settlement_id: "s",
    amount: yuan(99_40n),
    reserved: 0n,
    occurred_at: 0,
  }),
  ...[ids.channel_account_id, null].flatMap((by) => [
    payoutSucceededPosting(payoutBy(by)),
    payoutReturnedPosting(payoutBy(by)),
  ]),
  payoutInitiatedPosting(payoutBy(null)),
  payoutFailedPosting(payoutBy(null)),
  payoutCancelledPosting(payoutBy(null)),
  refundInitiatedPosting(refundIn("pooled", { from_available: 29_76n })),
  paymentPosting({ ...paidIn("pooled"), commissions: shared(2n, 5n, 15n) }),
  commissionSettledPosting({ ...ids, part_id: "p", agent_id: agents[2]!, amount: yuan(9n), occurred_at: 0 }),
  ...[
    { total: yuan(9n), brought_forward: 0n, carried_forward: 0n },
    { total: yuan(-9n), brought_forward: 0n, carried_forward: -9n },
    { total: yuan(100n), brought_forward: -9n, carried_forward: 0n },
  ].map((one) =>
    commissionReceivedPosting({ ...ids, merchant_id: agents[2]!, settlement_id: "s", occurred_at: 0, ...one }),
  ),
  refundInitiatedPosting(refundIn("pooled", { commissions: shared(0n, 2n, 6n).slice(1) })),
  settlementPosting({
    merchant_id: "m",
    livemode: true,
    settlement_id: "s",
    amount: yuan(99_40n),
    reserved: 9_94n,
    occurred_at: 0,
  }),
  reserveReleasedPosting({ merchant_id: "m", livemode: true, release_id: "x", amount: yuan(9_94n), occurred_at: 0 }),
  refundInitiatedPosting(refundIn("pooled", { from_available: 29_76n, from_reserve: 3_00n })),
  fundsFrozenPosting({ ...operation, amount: yuan(50_00n) }),
  fundsReleasedPosting({ ...operation, amount: yuan(20_00n) }),
  adjustmentPosting({ ...operation, amount: yuan(5_00n), direction: "credit" }),
  adjustmentPosting({ ...operation, account: "available", amount: yuan(5_00n), direction: "debit" }),
  ...sharingInitiatedPosting(shareIn("pooled", "channel")),
  ...sharingFailedPosting(shareIn("pooled", "channel")),
  sharingSucceededPosting(shareIn("pooled", "channel")),
  sharingSucceededPosting(shareIn("pooled", "books")),
  shareReceivedPosting(shareIn("pooled", "books")),
  sharingSucceededPosting(shareIn("direct", "channel")),
  sharingReturnedPosting(returnIn("pooled", "channel")),
  sharingReturnedPosting(returnIn("pooled", "books")),
  shareReturnedPosting(returnIn("pooled", "books")),
  sharingReturnedPosting(returnIn("direct", "channel")),
  refundInitiatedPosting(refundIn("pooled", { from_receivers: 8_00n })),
  refundSucceededPosting(refundIn("pooled", { from_receivers: 8_00n })),
  reconciled("channel_settled", 99_62n),
  reconciled("channel_fee_adjusted", 1n),
  reconciled("difference_suspended", 99_62n),
  reconciled("difference_recovered", 99_62n),
  reconciled("difference_written_off", 99_62n),
  reconciled("difference_adjusted", 99_62n),
  reconciled("difference_suspended", -99_62n),
  serviceFeeTopUpPosting({ ...own, deposit_id: "d", amount: yuan(1000_00n) }),
  serviceFeeReturnPosting({ ...own, deposit_id: "d", amount: yuan(400_00n) }),
  ...(["prepaid", "bank", "available"] as const).map((source) =>
    serviceFeePaymentPosting({ ...own, payment_id: "f", source, amount: yuan(60n) }),
  ),
];

/** A posting as a journal shows it. */
function draw(posting: NewPosting): string {
  const lines = posting.lines.map(({ side, account, amount }) => {
    const figure = toDecimal(yuan(amount)).padStart(8);
    return `${side.padEnd(6)}  ${account.kind.padEnd(24)}  ${figure}`;
  });
  return [posting.kind, ...lines].join("\n");
}

test.each(examples.map((posting) => [draw(posting)]))("the guide shows %s", (text) => {
  expect(guide).toContain(`\n${text}\n`);
});

test("the guide shows no example that no template writes", () => {
  const drawn = new Set(examples.map(draw));
  const shown = [...guide.matchAll(/```text\n([\s\S]*?)\n```/g)].flatMap(([, block]) => block!.split("\n\n"));
  expect(shown.filter((one) => !drawn.has(one))).toEqual([]);
});

test("the guide has every account, with its side, and every kind of transaction", () => {
  const rows = Object.entries(accountKinds).filter(
    ([kind, { side }]) => !new RegExp(`\\| \`${kind}\`\\s+\\| ${side}\\s+\\|`).test(guide),
  );
  expect(rows.map(([kind]) => kind)).toEqual([]);
  expect(Object.keys(transactionKinds).filter((kind) => !guide.includes(kind))).toEqual([]);
});
