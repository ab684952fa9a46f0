/** Checks payments against the attempts that won them and the refunds that took from them. */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

interface PaymentRow {
  merchant_id: string;
  id: string;
  refunded_amount: bigint;
  refunding_amount: bigint;
  refunded: bigint;
  refunding: bigint;
}

// Refunds without out_refund_no give duplicate payments back and do not touch the payment's amounts.
const refundTotalsStatement = platformStatement(
  "ledger.verify_refund_totals",
  `select p.merchant_id, p.id, p.refunded_amount, p.refunding_amount, coalesce(r.refunded, 0)::bigint as refunded,
     coalesce(r.refunding, 0)::bigint as refunding
   from payments p
   left join (
     select merchant_id, payment_id, sum(amount) filter (where status = 'succeeded') as refunded,
       sum(amount) filter (where status in ('created', 'sent', 'unknown')) as refunding
     from refunds where out_refund_no is not null group by merchant_id, payment_id
   ) r on r.merchant_id = p.merchant_id and r.payment_id = p.id
   where p.refunded_amount <> coalesce(r.refunded, 0) or p.refunding_amount <> coalesce(r.refunding, 0)`,
);

/** Payments whose amounts are not those of their refunds. */
function readWrongRefundTotals(sql: Sql): Promise<PaymentRow[]> {
  return sql.query(refundTotalsStatement);
}

const wrongWinnersStatement = platformStatement(
  "ledger.verify_winners",
  `select p.merchant_id, p.id from payments p
   where p.status = 'succeeded' and not exists (
     select from attempts a where a.merchant_id = p.merchant_id and a.id = p.succeeded_attempt_id and a.payment_id = p.id
       and a.status = 'succeeded' and not a.duplicate and a.amount = p.amount and a.currency = p.currency)
   union all
   select a.merchant_id, a.payment_id from attempts a
   join payments p on p.merchant_id = a.merchant_id and p.id = a.payment_id
   where a.status = 'succeeded' and not a.duplicate and p.succeeded_attempt_id is distinct from a.id`,
);

/** Succeeded payments without a proper winner, and payments that a winner has but do not know it. */
function readWrongWinners(sql: Sql): Promise<{ merchant_id: string; id: string }[]> {
  return sql.query(wrongWinnersStatement);
}

const paymentCountStatement = platformStatement(
  "ledger.verify_payment_count",
  "select count(*) as count from payments",
);

/** How many payments there are. */
async function countPayments(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ count: bigint }>(paymentCountStatement);
  return Number(row?.count ?? 0n);
}

/** Compares payments with their attempts and refunds. */
export async function verifyPayments(sql: Sql, findings: Findings): Promise<void> {
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
