/** Checks payments against the parts that receivers got of them. */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

interface TotalRow {
  merchant_id: string;
  id: string;
  shared_amount: bigint;
  shared: bigint;
}

const totalsStatement = platformStatement(
  "ledger.verify_share_totals",
  `with changed as materialized (
     select merchant_id, payment_id from sharing_parts
     where $1::timestamptz is not null and coalesce(finished_at, created_at) >= $1
     union
     select merchant_id, payment_id from sharing_returns
     where $1::timestamptz is not null and coalesce(finished_at, created_at) >= $1
   )
   select coalesce(p.merchant_id, s.merchant_id) as merchant_id, coalesce(p.id, s.payment_id) as id,
     coalesce(p.shared_amount, 0) as shared_amount, coalesce(s.shared, 0)::bigint as shared
   from (
     select * from payments where shared_amount <> 0
       and ($1::timestamptz is null or (merchant_id, id) in (select merchant_id, payment_id from changed))
   ) p
   full join (
     select merchant_id, payment_id, sum(amount - returned_amount) as shared
     from sharing_parts where status <> 'failed'
       and ($1::timestamptz is null or (merchant_id, payment_id) in (select merchant_id, payment_id from changed))
     group by merchant_id, payment_id
   ) s on s.merchant_id = p.merchant_id and s.payment_id = p.id
   where coalesce(p.shared_amount, 0) <> coalesce(s.shared, 0)`,
);

const returnsStatement = platformStatement(
  "ledger.verify_return_totals",
  `select p.merchant_id, p.id, p.returned_amount as shared_amount, coalesce(r.returned, 0)::bigint as shared
   from sharing_parts p
   left join (
     select merchant_id, part_id, sum(amount) as returned
     from sharing_returns where status = 'succeeded' group by merchant_id, part_id
   ) r on r.merchant_id = p.merchant_id and r.part_id = p.id
   where p.returned_amount <> coalesce(r.returned, 0)
     and ($1::timestamptz is null or coalesce(p.finished_at, p.created_at) >= $1 or exists (
       select from sharing_returns x where x.merchant_id = p.merchant_id and x.order_id = p.order_id
         and coalesce(x.finished_at, x.created_at) >= $1))`,
);

/** Compares what payments say is shared with their parts, and what parts say is given back with the returns: all, or what changed. */
export async function verifyShares(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  for (const { merchant_id, id, shared_amount, shared } of await sql.query<TotalRow>(totalsStatement, [since])) {
    const sentence = `${publicId("payment", id)} says ${shared_amount} shared, but its parts make ${shared}.`;
    report(findings, "wrong_share_total", merchant_id, sentence);
  }
  for (const { merchant_id, id, shared_amount, shared } of await sql.query<TotalRow>(returnsStatement, [since])) {
    const sentence = `${publicId("sharing_part", id)} says ${shared_amount} given back, but its returns make ${shared}.`;
    report(findings, "wrong_share_total", merchant_id, sentence);
  }
}
