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
  `select coalesce(p.merchant_id, s.merchant_id) as merchant_id, coalesce(p.id, s.payment_id) as id,
     coalesce(p.shared_amount, 0) as shared_amount, coalesce(s.shared, 0)::bigint as shared
   from (select * from payments where shared_amount <> 0) p
   full join (
     select merchant_id, payment_id, sum(amount - returned_amount) as shared
     from sharing_parts where status <> 'failed' group by merchant_id, payment_id
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
   where p.returned_amount <> coalesce(r.returned, 0)`,
);

/** Compares what payments say is shared with their parts, and what parts say is given back with the returns. */
export async function verifyShares(sql: Sql, findings: Findings): Promise<void> {
  for (const { merchant_id, id, shared_amount, shared } of await sql.query<TotalRow>(totalsStatement)) {
    const sentence = `${publicId("payment", id)} says ${shared_amount} shared, but its parts make ${shared}.`;
    report(findings, "wrong_share_total", merchant_id, sentence);
  }
  for (const { merchant_id, id, shared_amount, shared } of await sql.query<TotalRow>(returnsStatement)) {
    const sentence = `${publicId("sharing_part", id)} says ${shared_amount} given back, but its returns make ${shared}.`;
    report(findings, "wrong_share_total", merchant_id, sentence);
  }
}
