-- A channel may close the refund of a second success. The money is still the payer's, so another one is started, under
-- another number: only one that has not failed counts.

drop index refunds_automatic;
create unique index refunds_automatic on refunds (merchant_id, attempt_id)
  where out_refund_no is null and status <> 'failed';
