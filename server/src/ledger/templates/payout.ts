/** What the books say when available money leaves to a beneficiary. */
import { type Money, money } from "../../kit/money.ts";
import { credit, debit, keepLines, type Line, type NewPosting, swapSides } from "../posting.ts";

/** A payout, as its row says. */
export interface BookedPayout {
  merchant_id: string;
  livemode: boolean;
  payout_id: string;
  /** What the beneficiary gets; above zero. */
  amount: Money;
  /** What the merchant pays for it, beside the amount. */
  fee: bigint;
  /** What the transfer costs the platform. */
  cost: bigint;
  /** The channel account out of whose balance it is paid; null where our bank pays. Not read before it is paid. */
  channel_account_id: string | null;
  /** Whether the fee goes back with a remittance that the bank returns. */
  fee_returns: boolean;
  /** When this step happened; epoch milliseconds. */
  occurred_at: number;
}

/**
 * Amount and fee are set aside before anybody is told to pay. The fee is earned when the beneficiary has the money, so that
 * a failure gives all of it back. A merchant with too little available is refused.
 */
export function payoutInitiatedPosting(p: BookedPayout): NewPosting {
  return { ...head(p), kind: "payout_initiated", lines: initiatedLines(p), on_shortfall: "refuse" };
}

function initiatedLines(p: BookedPayout): Line[] {
  const total = money(p.amount.amount + p.fee, p.amount.currency);
  return [debit("merchant_available", total), credit("payout_in_transit", total)];
}

/** The beneficiary has the money: the channel owes us that much less, or our bank holds that much less. */
export function payoutSucceededPosting(p: BookedPayout): NewPosting {
  const { currency } = p.amount;
  const [fee, cost] = [money(p.fee, currency), money(p.cost, currency)];
  const lines = keepLines(
    debit("payout_in_transit", money(p.amount.amount + p.fee, currency)),
    payerLine(credit, p, p.amount),
    credit("fee_income", fee),
    debit("channel_cost", cost),
    payerLine(credit, p, cost),
  );
  return { ...head(p), kind: "payout_succeeded", lines };
}

/** Nothing was paid: what was set aside goes back. */
export function payoutFailedPosting(p: BookedPayout): NewPosting {
  return { ...head(p), kind: "payout_failed", ...takingBack(p) };
}

/** It was taken back before anybody was told to pay. */
export function payoutCancelledPosting(p: BookedPayout): NewPosting {
  return { ...head(p), kind: "payout_cancelled", ...takingBack(p) };
}

function takingBack(p: BookedPayout) {
  const reverses = { kind: "payout_initiated", source_id: p.payout_id } as const;
  return { lines: swapSides(initiatedLines(p)), reverses };
}

/**
 * What was paid came back, days later. It is the merchant's again, with the fee where the merchant's settings say so; what
 * the transfer cost is not given back.
 */
export function payoutReturnedPosting(p: BookedPayout): NewPosting {
  const fee = money(p.fee_returns ? p.fee : 0n, p.amount.currency);
  const lines = keepLines(
    payerLine(debit, p, p.amount),
    debit("fee_income", fee),
    credit("merchant_available", money(p.amount.amount + fee.amount, p.amount.currency)),
  );
  return { ...head(p), kind: "payout_returned", lines };
}

function payerLine(side: typeof debit, p: BookedPayout, amount: Money): Line {
  return p.channel_account_id === null
    ? side("bank", amount)
    : side("channel_receivable", amount, p.channel_account_id);
}

function head(p: BookedPayout) {
  return {
    merchant_id: p.merchant_id,
    livemode: p.livemode,
    source_id: p.payout_id,
    occurred_at: p.occurred_at,
    on_shortfall: "throw",
  } as const;
}
