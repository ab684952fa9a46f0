/** SQL that looks up what lines are about which the books do not have: the few of a day, not all of its lines. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { Matching } from "./match-lines-store.ts";

/** Merchants who have collected through the account, or may. */
const MERCHANTS = `select merchant_id from ledger_accounts where scope = $1 and kind in ('channel_receivable', 'direct_collected')
     union select merchant_id from channel_bindings where channel_account_id = $1`;

const findIdsStatement = platformStatement(
  "reconciliation.find_ids",
  `update reconciliation_lines l set our_id = a.id
   from (${MERCHANTS}) m
   join attempts a on a.merchant_id = m.merchant_id and a.channel_account_id = $1 and a.channel_trade_no is not null
   where l.bill = $2 and l.our_id is null and l.our_no is null and l.entry = 'payment'
     and a.channel_trade_no = l.channel_trade_no`,
);

/** Gives lines that bear only the channel's number ours, where an attempt has it. */
export async function findIdsOfLines(tx: Transaction, { channel_account_id, bill }: Matching): Promise<void> {
  await tx.query(findIdsStatement, [channel_account_id, bill]);
}

/** The differences of this matching that only the channel's side has: $1 account, $2 day, $3 run. */
const UNMATCHED = `d.channel_account_id = $1 and d.day = $2::date and d.run = $3::uuid and d.side = 'channel' and d.layer = 1
     and d.state <> 'resolved' and d.type <> 'duplicate'`;

const lookUpAttemptsStatement = platformStatement(
  "reconciliation.look_up_attempts",
  `update reconciliation_differences d set merchant_id = a.merchant_id, our_status = a.status, our_amount = a.amount,
     our_fee = a.cost_amount, type = case a.status when 'succeeded' then 'cross_day' else 'status' end,
     state = case a.status when 'succeeded' then 'carried' else 'open' end
   from (${MERCHANTS}) m join attempts a on a.merchant_id = m.merchant_id
   where ${UNMATCHED} and a.id = d.our_id and a.channel_account_id = $1`,
);

const lookUpRefundsStatement = platformStatement(
  "reconciliation.look_up_refunds",
  `update reconciliation_differences d set merchant_id = r.merchant_id, our_status = r.status, our_amount = -r.amount,
     our_fee = -r.cost_amount, type = case r.status when 'succeeded' then 'late_refund' else 'refund_missing' end,
     state = case when r.status = 'succeeded' or (d.channel_status = 'pending' and r.status <> 'failed')
       then 'carried' else 'open' end
   from (${MERCHANTS}) m join refunds r on r.merchant_id = m.merchant_id
     join attempts a on a.merchant_id = r.merchant_id and a.id = r.attempt_id
   where ${UNMATCHED} and r.id = d.our_id and a.channel_account_id = $1`,
);

const lookUpOriginalsStatement = platformStatement(
  "reconciliation.look_up_originals",
  `update reconciliation_differences d set merchant_id = a.merchant_id, type = 'refund_missing'
   from (${MERCHANTS}) m join attempts a on a.merchant_id = m.merchant_id
   where ${UNMATCHED} and d.entry = 'refund' and d.our_status is null and a.channel_account_id = $1
     and (a.id = d.original_id or (d.original_id is null and a.channel_trade_no = d.channel_trade_no))`,
);

const lookUpDuplicatesStatement = platformStatement(
  "reconciliation.look_up_duplicates",
  `update reconciliation_differences d set merchant_id = t.merchant_id
   from (${MERCHANTS}) m join ledger_transactions t on t.merchant_id = m.merchant_id
   where d.channel_account_id = $1 and d.day = $2::date and d.run = $3::uuid and d.type = 'duplicate'
     and t.source_id = d.our_id and t.kind in ('payment_succeeded', 'duplicate_payment_succeeded', 'refund_succeeded',
       'duplicate_refund_succeeded')`,
);

// What neither side says to have moved is no difference; nor an order that was paid and reversed within the bill.
const dropAgreedStatement = platformStatement(
  "reconciliation.drop_agreed",
  `update reconciliation_differences d set run = $4::uuid
   where ${UNMATCHED} and d.our_status is distinct from 'succeeded' and (
     (coalesce(d.our_status, 'closed') in ('closed', 'failed') and d.channel_status in ('closed', 'failed'))
     or d.our_id in (
       select o.our_id from reconciliation_differences o
       where o.channel_account_id = $1 and o.day = $2::date and o.run = $3::uuid and o.side = 'channel' and o.our_id is not null
       group by o.our_id having sum(o.channel_amount) = 0 and bool_or(o.channel_status = 'revoked')
     ))`,
);

// The books had matched it on a day before: this is the same once more.
const findRepeatedStatement = platformStatement(
  "reconciliation.find_repeated",
  `update reconciliation_differences d set type = 'duplicate', state = 'open'
   from ledger_channel_movements m
   join reconciliation_days before on before.channel_account_id = $1 and before.matched_at is not null
   where ${UNMATCHED} and d.state = 'carried' and d.our_status = 'succeeded' and m.merchant_id = d.merchant_id
     and m.source_id = d.our_id and m.occurred_at < $4::timestamptz
     and before.day = (m.occurred_at at time zone $5)::date
     and not exists (
       select from reconciliation_differences o
       where o.channel_account_id = $1 and o.our_id = d.our_id and o.side = 'ours' and o.state <> 'resolved'
     )`,
);

/** Runs of nobody: what bears it was in no matching. */
const NO_RUN = "00000000-0000-0000-0000-000000000000";

/** Says what of ours each line is about that the books do not have, and what kind of difference that makes it. */
export async function lookUpNumbers(tx: Transaction, m: Matching): Promise<void> {
  const values = [m.channel_account_id, m.day, m.run];
  await tx.query(lookUpAttemptsStatement, values);
  await tx.query(lookUpRefundsStatement, values);
  await tx.query(lookUpOriginalsStatement, values);
  await tx.query(lookUpDuplicatesStatement, values);
  await tx.query(dropAgreedStatement, [...values, NO_RUN]);
}

/** Tells lines that another day's bill had already from those whose pair is still to come. */
export async function findRepeatedLines(tx: Transaction, m: Matching, time_zone: string): Promise<void> {
  await tx.query(findRepeatedStatement, [m.channel_account_id, m.day, m.run, toRfc3339(m.from), time_zone]);
}
