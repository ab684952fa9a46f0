/**
 * What must hold in the database after whatever happened, said a second time in plain SQL and without the server's code:
 * the books balance, each success is booked exactly once, refunds are within what was paid, and every fact has its event.
 */
import { Client } from "pg";

/** Each query gives the rows that break its rule. */
const rules: Record<string, string> = {
  "a transaction sums to zero in every currency": `
    select merchant_id, livemode, number, currency from ledger_entries
    group by 1, 2, 3, 4 having sum(case when account_id < 0 then -amount else amount end) <> 0`,
  "a balance is the sum of its entries": `
    select b.merchant_id, b.account_kind, b.balance, coalesce(e.total, 0) as total from ledger_balances b
    left join (select merchant_id, livemode, account_id, sum(amount) as total from ledger_entries group by 1, 2, 3) e
      using (merchant_id, livemode, account_id) where b.balance <> coalesce(e.total, 0)`,
  "an entry's balance is the one before and its amount": `
    select * from (select merchant_id, livemode, account_id, number, line, balance_after,
      sum(amount) over (partition by merchant_id, livemode, account_id order by number, line) as total
      from ledger_entries) e where balance_after <> total`,
  "a merchant's book balances to zero": `
    select merchant_id, livemode, currency from ledger_balances
    group by 1, 2, 3 having sum(case when account_id < 0 then -balance else balance end) <> 0`,
  "a succeeded attempt has exactly its posting": `
    select a.id, a.status, a.duplicate, count(t.*) from attempts a
    left join ledger_transactions t on t.merchant_id = a.merchant_id and t.source_id = a.id
      and t.kind = (case when a.duplicate then 'duplicate_payment_succeeded' else 'payment_succeeded' end)::ledger_transaction_kind
    group by a.merchant_id, a.id having count(t.*) <> (a.status = 'succeeded')::int`,
  "a refund has exactly its postings": `
    select r.id, r.status, k.kind from refunds r
    cross join lateral (values
      ('refund_initiated', r.out_refund_no is not null and r.held),
      ('refund_succeeded', r.out_refund_no is not null and r.status = 'succeeded'),
      ('refund_failed', r.out_refund_no is not null and r.status = 'failed' and r.held),
      ('duplicate_refund_succeeded', r.out_refund_no is null and r.status = 'succeeded')) as k (kind, wanted)
    where k.wanted <> exists (select from ledger_transactions t where t.merchant_id = r.merchant_id
      and t.source_id = r.id and t.kind::text = k.kind)`,
  "nothing is booked without what it is about": `
    select t.kind, t.source_id from ledger_transactions t
    where not exists (select from attempts a where a.merchant_id = t.merchant_id and a.id = t.source_id)
      and not exists (select from refunds r where r.merchant_id = t.merchant_id and r.id = t.source_id)
      and not exists (select from settlements s where s.merchant_id = t.merchant_id and s.id = t.source_id)
      and not exists (select from account_operations o where o.merchant_id = t.merchant_id and o.id = t.source_id
        and o.status = 'done' and o.number = t.number and o.livemode = t.livemode)
      and not exists (select from reserve_releases x where x.merchant_id = t.merchant_id and x.id = t.source_id)
      and not exists (select from payouts p where p.merchant_id = t.merchant_id and p.id = t.source_id)
      and not exists (select from sharing_parts p where t.merchant_id in (p.merchant_id, p.receiver_merchant_id) and p.id = t.source_id)
      and not exists (select from sharing_returns r join sharing_parts p on p.merchant_id = r.merchant_id and p.id = r.part_id
        where t.merchant_id in (p.merchant_id, p.receiver_merchant_id) and r.id = t.source_id)
      and not exists (select from reconciliation_postings x where x.merchant_id = t.merchant_id and x.id = t.source_id)
      and not exists (select from commission_parts p where p.merchant_id = t.merchant_id and p.id = t.source_id)
      and not exists (select from commission_settlements s where s.merchant_id = t.merchant_id and s.id = t.source_id)
      and not exists (select from service_fee_deposits d where d.merchant_id = t.merchant_id and d.id = t.source_id)
      and not exists (select from service_fee_payments f where f.merchant_id = t.merchant_id and f.id = t.source_id)`,
  "what is due of invoices is what their payments leave": `
    select i.id, i.amount, i.paid_amount, i.status from service_fee_invoices i
    where i.paid_amount <> coalesce((select sum(f.amount) from service_fee_payments f
      where f.merchant_id = i.merchant_id and f.invoice_id = i.id), 0)`,
  "a payout has exactly its postings": `
    select p.id, p.status, k.kind from payouts p
    cross join lateral (values ('payout_initiated', true), ('payout_failed', p.status = 'failed'),
      ('payout_succeeded', p.status in ('succeeded', 'returned')), ('payout_returned', p.status = 'returned'),
      ('payout_cancelled', p.status = 'cancelled')) as k (kind, wanted)
    where k.wanted <> exists (select from ledger_transactions t where t.merchant_id = p.merchant_id
      and t.source_id = p.id and t.kind::text = k.kind)`,
  "what is in transit is that of payouts whose end is not known": `
    select * from (
      select merchant_id, livemode, currency, sum(balance) as held from ledger_balances
      where account_kind = 'payout_in_transit' group by 1, 2, 3) b
    full join (
      select merchant_id, livemode, currency, sum(transfer_amount + fee_amount) as owed from payouts
      where status in ('created', 'in_review', 'pending', 'sent', 'unknown') group by 1, 2, 3) p
      using (merchant_id, livemode, currency)
    where coalesce(held, 0) <> coalesce(owed, 0)`,
  "what is frozen is what was frozen and not released": `
    select b.merchant_id, b.balance, o.held from (
      select merchant_id, livemode, currency, balance from ledger_balances where account_kind = 'merchant_frozen') b
    full join (select merchant_id, livemode, currency, sum(amount - released) as held from account_operations
      where type = 'freeze_amount' and status = 'done' group by 1, 2, 3) o using (merchant_id, livemode, currency)
    where coalesce(b.balance, 0) <> coalesce(o.held, 0)`,
  "what is held back is what its parts hold": `
    select coalesce(b.merchant_id, r.merchant_id) as merchant_id, b.balance, r.held from (
      select merchant_id, livemode, currency, balance from ledger_balances where account_kind = 'merchant_reserve') b
    full join (select merchant_id, livemode, currency, sum(amount - released_amount - drawn_amount) as held
      from reserves group by 1, 2, 3) r using (merchant_id, livemode, currency)
    where coalesce(b.balance, 0) <> coalesce(r.held, 0)`,
  "a part of a sharing has exactly its postings": `
    select p.id, p.status, o.funding_mode, k.kind from sharing_parts p
    join sharing_orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
    cross join lateral (values
      ('sharing_initiated', o.funding_mode = 'pooled'),
      ('sharing_failed', o.funding_mode = 'pooled' and p.status = 'failed'),
      ('sharing_succeeded', p.status = 'succeeded')) as k (kind, wanted)
    where k.wanted <> exists (select from ledger_transactions t where t.merchant_id = p.merchant_id
      and t.source_id = p.id and t.kind::text = k.kind)`,
  "what is set aside for receivers is that of parts whose end is not known": `
    select * from (
      select merchant_id, livemode, currency, balance from ledger_balances where account_kind = 'sharing_payable') b
    full join (
      select p.merchant_id, p.livemode, p.currency, sum(p.amount) as owed from sharing_parts p
      join sharing_orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
      where o.funding_mode = 'pooled' and p.status in ('created', 'sent', 'unknown') group by 1, 2, 3) p
      using (merchant_id, livemode, currency)
    where coalesce(balance, 0) <> coalesce(owed, 0)`,
  "books that shared owe each other nothing once both are written": `
    select e.source_id, sum(e.amount) from ledger_entries e
    where e.account_kind = 'interbook'
      and (e.source_id in (select id from sharing_parts where status in ('succeeded', 'failed'))
        or e.source_id in (select id from sharing_returns where status in ('succeeded', 'failed')))
    group by 1 having sum(e.amount) <> 0`,
  "a payment's shared amount is that of its parts": `
    select p.id, p.shared_amount, s.* from payments p
    cross join lateral (select coalesce(sum(amount - returned_amount), 0) as shared from sharing_parts s
      where s.merchant_id = p.merchant_id and s.payment_id = p.id and s.status <> 'failed') s
    where p.shared_amount <> s.shared or s.shared > p.amount`,
  "a part's returns are those that were asked for": `
    select p.id, p.returned_amount, p.returning_amount, p.refunding_amount, r.* from sharing_parts p
    cross join lateral (select
      coalesce(sum(amount) filter (where status = 'succeeded'), 0) as returned,
      coalesce(sum(amount) filter (where status in ('created', 'sent', 'unknown') and not carried), 0) as returning_,
      coalesce(sum(amount) filter (where status in ('created', 'sent', 'unknown') and carried), 0) as refunding
      from sharing_returns r where r.merchant_id = p.merchant_id and r.part_id = p.id) r
    where p.returned_amount <> r.returned or p.returning_amount <> r.returning_ or p.refunding_amount <> r.refunding`,
  "nobody gets two parts of one sharing": `
    select order_id, receiver_id from sharing_parts where not retried group by 1, 2 having count(*) > 1`,
  "a sharing that is open has a time to be looked at, and one that has ended has none": `
    select 'order' as kind, id, status from sharing_orders
      where (due_at is not null) <> (status in ('scheduled', 'created', 'processing'))
    union all
    select 'return', id, status from sharing_returns
      where (due_at is not null) <> (status in ('created', 'sent', 'unknown') and not carried)
    union all
    select 'release', id, status from sharing_releases
      where (due_at is not null) <> (status in ('created', 'sent', 'unknown'))`,
  "a refund waits for receivers exactly while one of its returns is open": `
    select r.id, r.status from refunds r
    where (r.status = 'returning') <> exists (select from sharing_returns x where x.merchant_id = r.merchant_id
      and x.refund_id = r.id and not x.carried and x.status in ('created', 'sent', 'unknown'))`,
  "a settlement takes what its transactions made pending, less what it leaves over": `
    select s.id, s.amount, s.carried_forward, s.brought_forward, e.net from settlements s
    cross join lateral (select coalesce(sum(e.amount), 0) as net from ledger_entries e
      where e.merchant_id = s.merchant_id and e.livemode = s.livemode and e.currency = s.currency
        and e.account_kind = 'merchant_pending' and e.transaction_kind <> 'settlement_created'
        and e.number between s.first_number and s.last_number) e
    where s.status = 'posted' and s.brought_forward + e.net <> s.amount + s.carried_forward`,
  "a settlement has exactly its posting": `
    select s.id, s.amount, t.number, e.account_kind, e.amount as posted from settlements s
    left join ledger_transactions t on t.merchant_id = s.merchant_id and t.source_id = s.id
      and t.kind = 'settlement_created' and t.livemode = s.livemode and t.number = s.number
    left join ledger_entries e on e.merchant_id = t.merchant_id and e.livemode = t.livemode and e.number = t.number
    where (s.status = 'posted') <> (e.number is not null) or e.currency <> s.currency or e.amount <>
      case e.account_kind when 'merchant_pending' then -s.amount
        when 'merchant_available' then s.amount - s.reserved_amount
        when 'merchant_reserve' then s.reserved_amount else 0 end`,
  "settlements of a merchant adjoin": `
    select * from (select id, first_number, brought_forward,
        coalesce(lag(last_number) over book, 0) + 1 as next, coalesce(lag(carried_forward) over book, 0) as carried
      from settlements where status = 'posted' window book as (partition by merchant_id, livemode, currency order by first_number)) s
    where first_number <> next or brought_forward <> carried`,
  "a payment's refunded amounts are those of its refunds": `
    select p.id, p.refunded_amount, p.refunding_amount, r.* from payments p
    cross join lateral (select
      coalesce(sum(amount) filter (where status = 'succeeded'), 0) as refunded,
      coalesce(sum(amount) filter (where status in ('returning', 'created', 'sent', 'unknown')), 0) as refunding
      from refunds r where r.merchant_id = p.merchant_id and r.payment_id = p.id and r.out_refund_no is not null) r
    where p.refunded_amount <> r.refunded or p.refunding_amount <> r.refunding or r.refunded + r.refunding > p.amount`,
  "a payment has succeeded exactly when one attempt has won": `
    select p.id, p.status from payments p
    where (p.status = 'succeeded')::int <> (select count(*) from attempts a
      where a.merchant_id = p.merchant_id and a.payment_id = p.id and a.status = 'succeeded' and not a.duplicate)`,
  "what is open has a time to be looked at, and what has succeeded has none": `
    select 'payment' as kind, id, status from payments where (due_at is not null) <> (status in ('created', 'processing'))
    union all
    select 'attempt', id, status from attempts
      where (due_at is null and status in ('created', 'sent', 'unknown') or due_at is not null and status = 'succeeded')
      and unknown_reason is distinct from 'query_window_passed'
    union all
    select 'payout', id, status from payouts
      where (due_at is null) = (status in ('created', 'sent', 'unknown') and channel is distinct from 'bank')
        and status not in ('pending', 'succeeded')
    union all
    select 'refund', id, status from refunds where (due_at is not null) <> (status in ('created', 'sent', 'unknown'))`,
  "a closed payment has no open attempt": `
    select p.id, a.id, a.status from payments p join attempts a on a.merchant_id = p.merchant_id and a.payment_id = p.id
    where p.status in ('closed', 'failed') and a.status in ('created', 'sent', 'unknown')`,
  "a success has exactly one event": `
    select o.kind, o.id, count(e.*) from (
      select merchant_id, id, 'payment.succeeded' as kind from payments where status = 'succeeded'
      union all select merchant_id, id, 'refund.succeeded' from refunds where status = 'succeeded'
      union all select merchant_id, id, 'refund.failed' from refunds where status = 'failed'
      union all select merchant_id, id, 'payout.succeeded' from payouts
        where status in ('succeeded', 'returned') and app_id is not null
      union all select merchant_id, id, 'payout.' || status from payouts
        where status in ('failed', 'returned', 'cancelled') and app_id is not null) o
    left join events e on e.merchant_id = o.merchant_id and e.type = o.kind and e.object_id = o.id
    group by 1, 2 having count(e.*) <> 1`,
};

/** Sentences about what is wrong in the database; none when all is well. */
export async function findFaultsBySql(database_url: string): Promise<string[]> {
  const client = new Client({ connectionString: database_url });
  await client.connect();
  try {
    const faults: string[] = [];
    for (const [rule, sql] of Object.entries(rules)) {
      const { rows } = await client.query(sql);
      for (const row of rows) faults.push(`not so: ${rule}: ${JSON.stringify(row)}`);
    }
    return faults;
  } finally {
    await client.end();
  }
}
