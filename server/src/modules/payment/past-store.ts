/** SQL on past attempts; see store.ts. Ids are in the order of time, so that a period is a range of the primary key. */
import { tenantStatement } from "../../kit/sql/statement.ts";

/** By account, of the newest `$4` since the id `$3`. Unknown ones count as failed: the payer did not get to pay. */
export const countOutcomesStatement = tenantStatement(
  "attempt.count_outcomes",
  `select channel_account_id, (count(*) filter (where status = 'succeeded'))::int as succeeded,
     (count(*) filter (where status in ('failed', 'unknown')))::int as failed
   from (select channel_account_id, status from attempts
         where merchant_id = $1 and livemode = $2 and id >= $3 order by id desc limit $4::int) newest
   group by channel_account_id`,
);

export const sumSucceededStatement = tenantStatement(
  "attempt.sum_succeeded",
  `select coalesce(sum(amount), 0)::bigint as amount from attempts
   where merchant_id = $1 and channel_account_id = $2 and currency = $3 and id >= $4 and status = 'succeeded'
     and finished_at >= $5::timestamptz`,
);

export const selectPastStatement = tenantStatement(
  "attempt.select_past",
  `select a.id, a.payment_id, a.app_id, a.channel_account_id, a.method, a.amount, a.currency, p.store, p.metadata,
     a.payer, a.routing, a.created_at
   from attempts a join payments p on p.merchant_id = a.merchant_id and p.id = a.payment_id
   where a.merchant_id = $1 and a.livemode = $2 and a.app_id = $3 and a.id >= $4 and a.id < $5
     and ($6::uuid is null or a.id > $6::uuid) and (a.routing ->> 'instead_of') is null
   order by a.id limit $7::int`,
);
