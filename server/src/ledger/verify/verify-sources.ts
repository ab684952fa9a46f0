/**
 * Checks the books against what they are about. Each succeeded attempt, refund and settlement is booked again by the templates,
 * and what comes out must be exactly the transactions that are there.
 */
import { type IdKind, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { changeOf, type NewPosting, transactionKinds } from "../posting.ts";
import { duplicatePaymentPosting, paymentPosting } from "../templates/payment.ts";
import {
  duplicateRefundPosting,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "../templates/refund.ts";
import { settlementPosting } from "../templates/settlement.ts";
import { type Findings, report } from "./findings.ts";
import {
  type AttemptSource,
  countPayments,
  type RefundSource,
  readAttempts,
  readRefunds,
  readSettlements,
  readStrays,
  readWrongRefundTotals,
  readWrongWinners,
  type SourceRow,
} from "./store.ts";

/** Compares all attempts, refunds and payments with the transactions that name them, both ways. */
export async function verifySources(sql: Sql, findings: Findings): Promise<void> {
  for await (const page of readAttempts(sql)) {
    findings.attempts += page.length;
    for (const rows of page) compare(findings, "attempt", rows, bookAttempt(rows[0]!));
  }
  for await (const page of readRefunds(sql)) {
    findings.refunds += page.length;
    for (const rows of page) compare(findings, "refund", rows, bookRefund(rows[0]!));
  }
  for await (const page of readSettlements(sql)) {
    findings.settlements += page.length;
    for (const rows of page) compare(findings, "settlement", rows, bookSettlement(rows[0]!));
  }
  for (const { merchant_id, source_id, kind } of await readStrays(sql)) {
    const source = sourceOf(kind);
    const sentence = `${kind} of ${publicId(source, source_id)} is posted, but no such ${source} calls for it.`;
    report(findings, "unexpected_posting", merchant_id, sentence);
  }
  await verifyPayments(sql, findings);
}

type Source = Extract<IdKind, "attempt" | "refund" | "settlement">;

function sourceOf(kind: string): Source {
  const source = transactionKinds[kind as keyof typeof transactionKinds];
  return source === "attempt" || source === "settlement" ? source : "refund";
}

async function verifyPayments(sql: Sql, findings: Findings): Promise<void> {
  findings.payments = await countPayments(sql);
  for (const row of await readWrongRefundTotals(sql)) {
    const says = `says ${row.refunded_amount} refunded and ${row.refunding_amount} being refunded`;
    const sentence = `${publicId("payment", row.id)} ${says}, but its refunds make ${row.refunded} and ${row.refunding}.`;
    report(findings, "wrong_refund_total", row.merchant_id, sentence);
  }
  for (const { merchant_id, id } of await readWrongWinners(sql)) {
    const sentence = `${publicId("payment", id)} and the attempt that won it do not agree.`;
    report(findings, "wrong_winner", merchant_id, sentence);
  }
}

function bookAttempt(row: AttemptSource): NewPosting[] {
  const attempt = { ...factsOf(row), attempt_id: row.source_id };
  return [row.duplicate ? duplicatePaymentPosting(attempt) : paymentPosting(attempt)];
}

function bookRefund(row: RefundSource): NewPosting[] {
  const refund = { ...factsOf(row), refund_id: row.source_id };
  if (row.duplicate) return row.status === "succeeded" ? [duplicateRefundPosting(refund)] : [];
  const postings = [refundInitiatedPosting(refund)];
  if (row.status === "succeeded") postings.push(refundSucceededPosting(refund));
  if (row.status === "failed") postings.push(refundFailedPosting(refund));
  return postings;
}

function bookSettlement(row: SourceRow): NewPosting[] {
  const { merchant_id, livemode, source_id: settlement_id, currency } = row;
  const amount = { amount: row.amount, currency };
  return [settlementPosting({ merchant_id, livemode, settlement_id, amount, occurred_at: 0 })];
}

/** When it happened is not compared. */
function factsOf(row: AttemptSource | RefundSource) {
  const { merchant_id, livemode, channel_account_id, funding_mode, fee, cost, from_available } = row;
  const amount = { amount: row.amount, currency: row.currency };
  return { merchant_id, livemode, channel_account_id, funding_mode, amount, fee, cost, from_available, occurred_at: 0 };
}

function compare(
  findings: Findings,
  source: Source,
  rows: readonly SourceRow[],
  expected: readonly NewPosting[],
): void {
  const { merchant_id, source_id, status } = rows[0]!;
  const label = publicId(source, source_id);
  const missing = new Map<string, NewPosting>(expected.map((posting) => [posting.kind, posting]));
  for (const row of rows) {
    if (row.transaction_kind === null) continue;
    const posting = missing.get(row.transaction_kind);
    missing.delete(row.transaction_kind);
    if (posting === undefined) {
      const sentence = `${label} is ${status} and has ${row.transaction_kind}, which it does not call for.`;
      report(findings, "unexpected_posting", merchant_id, sentence);
    } else if (posting.livemode !== row.transaction_livemode || expectedLines(posting) !== writtenLines(row)) {
      const sentence = `${label} has ${row.transaction_kind} with other lines than it calls for.`;
      report(findings, "wrong_posting", merchant_id, sentence);
    }
  }
  for (const kind of missing.keys()) {
    report(findings, "missing_posting", merchant_id, `${label} is ${status} but has no ${kind}.`);
  }
}

function expectedLines(posting: NewPosting): string {
  return posting.lines.map((line) => `${line.account.id} ${changeOf(line)}`).join();
}

function writtenLines(row: SourceRow): string {
  const accounts = (row.accounts ?? "").split(",");
  const fields = (row.entries ?? "").split(",");
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 3) lines.push(`${accounts[Number(fields[at]) - 1]} ${fields[at + 1]}`);
  return lines.join();
}
