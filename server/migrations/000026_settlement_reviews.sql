-- Settlements: more kinds of items, a review above a limit, and what the last run came to.

-- How much more than this is looked at by a person before it is posted; null is never.
alter table settlement_settings
  add column review_above bigint check (review_above >= 0),
  -- The run before: its day, when it was done, and what came of it (settled, in_review, nothing, below_minimum).
  add column last_day text,
  add column last_ran_at timestamptz,
  add column last_outcome text;

alter table settlements
  -- in_review: waits for a person, and nothing is posted. rejected: its range is settled by a later batch.
  add column status text not null default 'posted' check (status in ('in_review', 'posted', 'rejected')),
  -- When it was posted or rejected after a review.
  add column decided_at timestamptz,
  add column share_count bigint not null default 0,
  add column share_amount bigint not null default 0,
  add column freeze_count bigint not null default 0,
  add column freeze_amount bigint not null default 0,
  -- What the reserve paid of refunds.
  add column from_reserve bigint not null default 0,
  -- The part of the amount that is held back.
  add column reserved_amount bigint not null default 0 check (reserved_amount between 0 and amount),
  alter column number drop not null,
  add constraint settlements_posted_has_number check ((status = 'posted') = (number is not null));

alter table settlements drop constraint settlements_check2;
alter table settlements add constraint settlements_sum check (
  brought_forward + payment_amount + refund_amount + share_amount + freeze_amount + adjustment_amount + fee_amount
    + from_available + from_reserve
  = amount + carried_forward
);

-- A transaction is settled once; what was rejected does not count.
alter table settlements
  drop constraint settlements_merchant_id_livemode_currency_first_number_key,
  drop constraint settlements_merchant_id_livemode_currency_cut_off_at_key;
create unique index settlements_first_number on settlements (merchant_id, livemode, currency, first_number)
  where status <> 'rejected';
create unique index settlements_cut_off on settlements (merchant_id, livemode, currency, cut_off_at);
