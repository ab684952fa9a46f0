-- Ways to rows that are rare among many. None is written by what happens most: creating a payment, booking a success.

-- A payment is found by its channel's number. Written once for each paid attempt.
create index attempts_channel_trade_no on attempts (merchant_id, channel_trade_no) where channel_trade_no is not null;

-- Payments that ended unpaid.
create index payments_ended on payments (merchant_id, app_id, livemode, status, id) where closed_at is not null;

-- Each channel's attempts are claimed by themselves, so that one that does not answer holds up no other.
drop index attempts_due;
create index attempts_due on attempts (channel, due_at) where due_at is not null;

-- Entries of accounts that no payment moves, such as refund_in_transit.
create index ledger_transactions_not_payments on ledger_transactions (merchant_id, livemode, number)
  where kind <> 'payment_succeeded';
