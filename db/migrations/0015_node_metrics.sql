-- Measurements of hosts: one row for each node and minute, kept for a day. See db/node-metrics.ts.

create table node_metrics (
  node_id text not null,
  -- A whole minute.
  at timestamptz not null,
  memory_used bigint not null,
  memory_total bigint not null,
  disk_used bigint not null,
  disk_total bigint not null,
  load1 real not null,
  load5 real not null,
  load15 real not null,
  cpu_share real not null,
  constraint node_metrics_pkey primary key (node_id, at)
);

-- deleteOldNodeMetrics: the oldest of all nodes.
create index node_metrics_at on node_metrics (at);
