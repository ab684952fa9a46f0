-- Fee rules by channel, family of methods, store and band of amounts; rules that end; promotions with a quota.

alter table fee_rules
  -- Null means any.
  add column channel text,
  add column store text,
  -- From this amount on, and below that one: adjoining bands share the number between them. Null is no limit.
  add column amount_from bigint check (amount_from >= 0),
  add column amount_below bigint check (amount_below > coalesce(amount_from, 0)),
  add column effective_until timestamptz check (effective_until >= effective_from),
  -- When somebody decided that it ends.
  add column ended_at timestamptz,
  -- A promotion: it prices while its quota of the period lasts. Null is a standing rule.
  add column quota_period text check (quota_period in ('day', 'week', 'month', 'ever')),
  add column quota_count bigint check (quota_count > 0),
  add column quota_amount bigint check (quota_amount > 0),
  -- By which days, weeks and months are counted: the merchant's when the rule was made.
  add column quota_time_zone text,
  add constraint fee_rules_quota check (
    (quota_period is null) = (quota_count is null and quota_amount is null)
    and (quota_period is null) = (quota_time_zone is null)
  );

alter table channel_cost_rules
  add column amount_from bigint check (amount_from >= 0),
  add column amount_below bigint check (amount_below > coalesce(amount_from, 0)),
  add column effective_until timestamptz check (effective_until >= effective_from),
  add column ended_at timestamptz;

-- How much of a promotion's quota is taken, by attempts that are open or have succeeded. Only promotions have rows here.
create table fee_quota_usage (
  merchant_id uuid not null,
  fee_rule_id uuid not null,
  -- 2026-11-20, the Monday of a week, 2026-11, or ever.
  period text not null,
  count bigint not null check (count >= 0),
  amount bigint not null check (amount >= 0),
  primary key (merchant_id, fee_rule_id, period),
  foreign key (merchant_id, fee_rule_id) references fee_rules (merchant_id, id)
);

-- The period of the promotion's quota that the attempt has taken its place of; null where a standing rule priced it.
alter table attempts add column quota_period text;
