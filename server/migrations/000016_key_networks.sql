-- Where an API key may call from: addresses and networks in CIDR form; empty means anywhere.
alter table api_keys add column allowed_networks text[] not null default '{}';
