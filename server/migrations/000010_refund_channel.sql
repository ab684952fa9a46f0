-- The attempt's channel, so that each channel's refunds are claimed by themselves.

alter table refunds add column channel text;
update refunds r set channel = a.channel from attempts a where a.merchant_id = r.merchant_id and a.id = r.attempt_id;
alter table refunds alter column channel set not null;

drop index refunds_due;
create index refunds_due on refunds (channel, due_at) where due_at is not null;
