-- What operators do: to merchants' accounts (each operation with its reason, maker and checker), and at all (the audit trail).

alter type ledger_transaction_kind add value 'funds_frozen';
alter type ledger_transaction_kind add value 'funds_released';
alter type ledger_transaction_kind add value 'adjustment_made';

-- Whether money may enter and leave a merchant's account of a mode and currency. No row: open and not frozen.
create table account_controls (
  merchant_id uuid not null,
  livemode boolean not null,
  currency text not null,
  status text not null default 'open' check (status in ('open', 'closed')),
  credit_frozen boolean not null default false,
  debit_frozen boolean not null default false,
  -- Whether a frozen debit stops refunds too; they are the payer's right otherwise.
  refunds_frozen boolean not null default false check (debit_frozen or not refunds_frozen),
  updated_at timestamptz not null,
  primary key (merchant_id, livemode, currency)
);

create table account_operations (
  merchant_id uuid not null,
  id uuid not null,
  livemode boolean not null,
  currency text not null,
  type text not null check (
    type in ('open', 'freeze', 'unfreeze', 'freeze_amount', 'release_amount', 'close', 'adjust', 'reverse')
  ),
  -- What freeze and unfreeze are about: money that enters, that leaves, or both.
  scope text check (scope in ('credit', 'debit', 'all')),
  include_refunds boolean not null default false,
  -- Which account freeze_amount and adjust move.
  account text check (account in ('pending', 'available')),
  -- Adjust: to the merchant or from it.
  direction text check (direction in ('credit', 'debit')),
  amount bigint check (amount > 0),
  -- Freeze_amount: how much was released again. Release_amount: of which freeze.
  released bigint not null default 0,
  freeze_id uuid,
  -- Reverse: the transaction that is taken back.
  reversed_number bigint,
  reason text not null,
  status text not null check (status in ('pending', 'done', 'declined')),
  -- What was asked for and decided: there are the checker and the comment.
  approval_id uuid,
  -- The transaction that books it, if it moved money.
  number bigint,
  -- Balances and controls before and after.
  before jsonb,
  after jsonb,
  created_at timestamptz not null,
  done_at timestamptz,
  primary key (merchant_id, id),
  check (released between 0 and coalesce(amount, 0)),
  check ((status = 'done') = (done_at is not null)),
  foreign key (merchant_id, freeze_id) references account_operations (merchant_id, id)
);
create index account_operations_book on account_operations (merchant_id, livemode, currency, id);

-- Everything that operators change, written before it is tried. Only the outcome is filled in, once.
create table operator_actions (
  id uuid primary key,
  user_id uuid not null references users (id),
  -- How they came: 'api' or 'cli'.
  source text not null check (source in ('api', 'cli')),
  -- What they did: the operation's name, and where, without what was sent.
  operation text not null,
  target text not null,
  reason text,
  address text,
  request_id text,
  started_at timestamptz not null,
  -- Null while it is not known how it ended: under way, or the process died.
  status integer,
  -- The catalogue's code, where it was refused or failed.
  code text,
  -- Public id of what it made or changed.
  object_id text,
  finished_at timestamptz,
  check ((status is null) = (finished_at is null))
);
create index operator_actions_user on operator_actions (user_id, id);

-- What is approved and calls a channel, or runs transactions of its own, is done after the decision has committed; due_at says
-- when a worker sees to it. A problem is why it could not be done: then a person must look.
alter table approvals add column carried_out_at timestamptz;
alter table approvals add column problem text;
alter table approvals drop constraint approvals_due;
alter table approvals add constraint approvals_due check (
  case status when 'pending' then due_at is not null when 'approved' then true else due_at is null end
);
alter table approvals add constraint approvals_carried_out check (
  (carried_out_at is null and problem is null) or (status = 'approved' and due_at is null)
);
