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
  `with changed as materialized (
     select distinct merchant_id, payment_id from refunds
     where $1::timestamptz is not null and coalesce(finished_at, created_at) >= $1
   )
   select coalesce(p.merchant_id, r.merchant_id) as merchant_id, coalesce(p.id, r.payment_id) as id,
     coalesce(p.refunded_amount, 0) as refunded_amount, coalesce(p.refunding_amount, 0) as refunding_amount,
     coalesce(r.refunded, 0)::bigint as refunded,
     coalesce(r.refunding, 0)::bigint as refunding
   from (
     select * from payments where (refunded_amount <> 0 or refunding_amount <> 0)
       and ($1::timestamptz is null or (merchant_id, id) in (select merchant_id, payment_id from changed))
   ) p
   full join (
     select merchant_id, payment_id, sum(amount) filter (where status = 'succeeded') as refunded,
       sum(amount) filter (where status in ('returning', 'created', 'sent', 'unknown')) as refunding
     from refunds where out_refund_no is not null
       and ($1::timestamptz is null or (merchant_id, payment_id) in (select merchant_id, payment_id from changed))
     group by merchant_id, payment_id
   ) r on r.merchant_id = p.merchant_id and r.payment_id = p.id
   where coalesce(p.refunded_amount, 0) <> coalesce(r.refunded, 0)
     or coalesce(p.refunding_amount, 0) <> coalesce(r.refunding, 0)`,
);

/** Payments whose amounts are not those of their refunds. */
function readWrongRefundTotals(sql: Sql, since: string | null): Promise<PaymentRow[]> {
  return sql.query(refundTotalsStatement, [since]);
}

const wrongWinnersStatement = platformStatement(
  "ledger.verify_winners",
  `select coalesce(p.merchant_id, a.merchant_id) as merchant_id, coalesce(p.id, a.payment_id) as id
   from (select * from payments where status = 'succeeded') p
   full join (select * from attempts where status = 'succeeded' and not duplicate) a
     on a.merchant_id = p.merchant_id and a.id = p.succeeded_attempt_id
   where p.id is null or a.id is null or a.payment_id <> p.id or a.amount <> p.amount or a.currency <> p.currency`,
);

const newWrongWinnersStatement = platformStatement(
  "ledger.verify_new_winners",
  `select p.merchant_id, p.id from payments p
   left join attempts a on a.merchant_id = p.merchant_id and a.id = p.succeeded_attempt_id
   where p.status = 'succeeded' and p.succeeded_at >= $1::timestamptz and (
     a.status is distinct from 'succeeded' or a.duplicate or a.payment_id <> p.id or a.amount <> p.amount
     or a.currency <> p.currency)
   union all
   select a.merchant_id, a.payment_id from attempts a
   join payments p on p.merchant_id = a.merchant_id and p.id = a.payment_id
   where a.status = 'succeeded' and not a.duplicate and coalesce(a.finished_at, a.created_at) >= $1::timestamptz
     and p.succeeded_attempt_id is distinct from a.id`,
);

/** Succeeded payments without a proper winner, and payments that a winner has but do not know it. */
function readWrongWinners(sql: Sql, since: string | null): Promise<{ merchant_id: string; id: string }[]> {
  return since === null ? sql.query(wrongWinnersStatement) : sql.query(newWrongWinnersStatement, [since]);
}

const paymentCountStatement = platformStatement(
  "ledger.verify_payment_count",
  "select count(*) as count from payments where $1::timestamptz is null or coalesce(succeeded_at, created_at) >= $1",
);

/** How many payments there are. */
async function countPayments(sql: Sql, since: string | null): Promise<number> {
  const [row] = await sql.query<{ count: bigint }>(paymentCountStatement, [since]);
  return Number(row?.count ?? 0n);
}

/** Compares payments with their attempts and refunds: all, or those that moved since an instant. */
export async function verifyPayments(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  findings.payments = await countPayments(sql, since);
  for (const row of await readWrongRefundTotals(sql, since)) {
    const says = `says ${row.refunded_amount} refunded and ${row.refunding_amount} being refunded`;
    const sentence = `${publicId("payment", row.id)} ${says}, but its refunds make ${row.refunded} and ${row.refunding}.`;
    report(findings, "wrong_refund_total", row.merchant_id, sentence);
  }
  for (const { merchant_id, id } of await readWrongWinners(sql, since)) {
    const sentence = `${publicId("payment", id)} and the attempt that won it do not agree.`;
    report(findings, "wrong_winner", merchant_id, sentence);
  }
}
