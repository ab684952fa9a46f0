-- Transfers that a person has confirmed, in and out: a number of the bank's is taken once for each account, whichever
-- merchant the money is for. They belong to the platform's register of accounts.

create table bank_transfers (
  channel_account_id uuid not null references channel_accounts (id),
  direction text not null check (direction in ('in', 'out')),
  -- The bank's number of the transfer, as the person who confirmed it typed it.
  bank_reference text not null,
  merchant_id uuid not null,
  -- Our number of the attempt (in) or of the refund (out).
  number text not null,
  amount bigint not null check (amount > 0),
  currency text not null,
  -- When the bank booked it.
  booked_at timestamptz not null,
  created_at timestamptz not null,
  primary key (channel_account_id, direction, bank_reference)
);

-- An attempt is found by the number that its channel gave it, where the channel gives one.
create index attempts_order_no on attempts (channel, channel_order_no) where channel_order_no is not null;
