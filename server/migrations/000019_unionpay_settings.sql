-- UnionPay accounts that were made before their middle certificates had names, and before a choice had more than two ways.

update channel_accounts set config = (config - 'undo_same_day')
  || jsonb_build_object('middle_certificates', (
    select jsonb_agg(case jsonb_typeof(item) when 'string' then jsonb_build_object('pem', item) else item end order by place)
    from jsonb_array_elements(config -> 'middle_certificates') with ordinality as given (item, place)))
  || case config -> 'undo_same_day'
    when 'true' then '{"same_day_refund": "undo"}' when 'false' then '{"same_day_refund": "refund"}' else '{}' end::jsonb
where channel = 'unionpay'
  and (config ? 'undo_same_day' or jsonb_path_exists(config, '$.middle_certificates[*] ? (@.type() == "string")'));
