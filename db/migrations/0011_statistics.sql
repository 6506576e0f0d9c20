-- Statistics by roll-up: tasks that have ended are counted by hour, day and month of their creation, whether they are stored or not.

-- Tasks that have ended and are not counted yet: each has one row here, made by the statement that ended it, or is in the counts.
-- No index: it is written as fast as it can be, and read and emptied as a whole.
create table task_ends (
  created_at timestamptz not null,
  type text not null,
  state text not null,
  -- Empty for none.
  node_id text not null,
  -- Null for what never started.
  waiting_ms double precision,
  running_ms double precision
)
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

create table task_counts (
  -- hour, day or month, all of UTC. Every task is in one of each.
  span text not null,
  starts_at timestamptz not null,
  node_id text not null,
  type text not null,
  state text not null,
  tasks bigint not null,
  -- readStatistics.
  constraint task_counts_pkey primary key (span, starts_at, node_id, type, state),
  constraint task_counts_span_known check (span in ('hour', 'day', 'month'))
)
with (fillfactor = 80);

-- How long they waited and ran, by classes of length: see duration_class.
create table task_durations (
  span text not null,
  starts_at timestamptz not null,
  -- waiting or running.
  kind text not null,
  class smallint not null,
  tasks bigint not null,
  total_ms double precision not null,
  longest_ms double precision not null,
  -- readStatistics.
  constraint task_durations_pkey primary key (span, starts_at, kind, class),
  constraint task_durations_span_known check (span in ('hour', 'day', 'month'))
)
with (fillfactor = 80);

-- The class of a duration: 0 below a millisecond, then each is 5 % wide.
create function duration_class(ms double precision) returns smallint language sql immutable strict as $$
  select (case when ms < 1 then 0 else 1 + floor(ln(ms) / ln(1.05::double precision)) end)::smallint
$$;

-- Counts at most so many of the tasks that have ended, each once, and returns how many: none while another supervisor does.
create function roll_up_task_ends(batch integer) returns integer language plpgsql as $$
declare
  taken_count integer;
begin
  -- "musters" in ASCII. Given back with the transaction, when its counts can be seen.
  if not pg_try_advisory_xact_lock(x'6d757374657273'::bigint) then
    return 0;
  end if;
  with taken as (
    delete from task_ends where ctid = any (array(select ctid from task_ends limit batch)) returning *
  ), counts as materialized (
    select date_trunc('hour', created_at, 'UTC') as hour, node_id, type, state, count(*) as tasks
    from taken
    group by 1, 2, 3, 4
  ), counted as (
    insert into task_counts as known (span, starts_at, node_id, type, state, tasks)
    select s.span, date_trunc(s.span, hour, 'UTC'), node_id, type, state, sum(tasks)
    from counts cross join (values ('hour'), ('day'), ('month')) as s (span)
    group by 1, 2, 3, 4, 5
    on conflict (span, starts_at, node_id, type, state) do update set tasks = known.tasks + excluded.tasks
  ), durations as materialized (
    select date_trunc('hour', created_at, 'UTC') as hour, d.kind, duration_class(d.ms) as class, count(*) as tasks,
           sum(d.ms) as total_ms, max(d.ms) as longest_ms
    from taken cross join lateral (values ('waiting', waiting_ms), ('running', running_ms)) as d (kind, ms)
    where d.ms is not null
    group by 1, 2, 3
  ), timed as (
    insert into task_durations as known (span, starts_at, kind, class, tasks, total_ms, longest_ms)
    select s.span, date_trunc(s.span, hour, 'UTC'), kind, class, sum(tasks), sum(total_ms), max(longest_ms)
    from durations cross join (values ('hour'), ('day'), ('month')) as s (span)
    group by 1, 2, 3, 4
    on conflict (span, starts_at, kind, class) do update
    set tasks = known.tasks + excluded.tasks, total_ms = known.total_ms + excluded.total_ms,
        longest_ms = greatest(known.longest_ms, excluded.longest_ms)
  )
  select count(*) into taken_count from taken;
  return taken_count;
end $$;

-- What has ended so far.
insert into task_ends (created_at, type, state, node_id, waiting_ms, running_ms)
select created_at, type, state, coalesce(node_id, ''),
       extract(epoch from started_at - created_at) * 1000,
       extract(epoch from finished_at - started_at) * 1000
from tasks
where state not in ('pending', 'running');
