-- Which processes work, so that readiness can tell when nobody does. No merchant's: a few rows, one for each process.

create table worker_heartbeats (
  id uuid primary key,
  started_at timestamptz not null,
  seen_at timestamptz not null
);
