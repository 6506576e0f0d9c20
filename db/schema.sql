-- The schema that the files in migrations/ add up to. Made by `node db/schema-dump.ts`; do not edit.

create table attempts (
  task_id uuid not null,
  number integer not null,
  node_id text not null,
  outcome text not null,
  exit_code integer,
  signal text,
  message text not null,
  dispatched_at timestamp with time zone not null,
  ended_at timestamp with time zone not null,
  accepted_host_at timestamp with time zone,
  started_host_at timestamp with time zone,
  exited_host_at timestamp with time zone,
  stdout_bytes bigint not null,
  stderr_bytes bigint not null,
  dropped_bytes bigint not null,
  constraint attempts_pkey PRIMARY KEY (task_id, number)
);

create table late_reports (
  id bigint generated always as identity not null,
  task_id uuid not null,
  attempt integer not null,
  event json not null,
  why text not null,
  at timestamp with time zone not null,
  supervisor_id text not null,
  constraint late_reports_pkey PRIMARY KEY (id)
);
CREATE INDEX late_reports_task ON late_reports USING btree (task_id, id);

create table migrations (
  version integer not null,
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (version)
);

create table node_group_members (
  group_name text not null,
  node_id text not null,
  constraint node_group_members_pkey PRIMARY KEY (group_name, node_id),
  constraint node_group_members_group_fkey FOREIGN KEY (group_name) REFERENCES node_groups(name) ON DELETE CASCADE,
  constraint node_group_members_node_fkey FOREIGN KEY (node_id) REFERENCES nodes(id) ON DELETE CASCADE
);
CREATE INDEX node_group_members_node ON node_group_members USING btree (node_id);

create table node_groups (
  name text not null,
  parent text,
  description text not null,
  created_at timestamp with time zone not null default now(),
  constraint node_groups_pkey PRIMARY KEY (name),
  constraint node_groups_parent_fkey FOREIGN KEY (parent) REFERENCES node_groups(name)
);
CREATE INDEX node_groups_parent ON node_groups USING btree (parent) WHERE (parent IS NOT NULL);

create table nodes (
  id text not null,
  epoch integer not null,
  boot_id text not null,
  labels jsonb not null,
  facts jsonb not null,
  slots integer not null,
  supervisor_id text,
  previous_supervisor_id text,
  created_at timestamp with time zone not null default now(),
  connected_at timestamp with time zone,
  seen_at timestamp with time zone,
  left_at timestamp with time zone,
  agent_labels jsonb not null default '{}'::jsonb,
  server_labels jsonb not null default '{}'::jsonb,
  constraint nodes_pkey PRIMARY KEY (id)
)
with (autovacuum_vacuum_scale_factor=0.5, autovacuum_vacuum_threshold=500, fillfactor=50);

create table output_pieces (
  task_id uuid not null,
  attempt integer not null,
  stream text not null,
  start_offset bigint not null,
  end_offset bigint not null,
  content bytea not null,
  arrival bigint generated always as identity not null,
  host_at timestamp with time zone not null,
  constraint output_pieces_pkey PRIMARY KEY (task_id, attempt, stream, start_offset),
  constraint output_pieces_length CHECK (((end_offset - start_offset) = length(content)))
);

create table output_streams (
  task_id uuid not null,
  attempt integer not null,
  stream text not null,
  end_offset bigint not null,
  constraint output_streams_pkey PRIMARY KEY (task_id, attempt, stream),
  constraint output_streams_stream_known CHECK ((stream = ANY (ARRAY['stdout'::text, 'stderr'::text, 'result'::text])))
)
with (fillfactor=50);

create table requests (
  creator text not null,
  request_id text not null,
  digest text not null,
  task_ids uuid[] not null,
  repeats integer not null default 0,
  created_at timestamp with time zone not null default now(),
  constraint requests_pkey PRIMARY KEY (creator, request_id)
);
CREATE INDEX requests_created ON requests USING brin (created_at);

create table schedule_fires (
  schedule_id uuid not null,
  due_at timestamp with time zone not null,
  is_manual boolean not null,
  task_id uuid,
  why text not null,
  at timestamp with time zone not null,
  constraint schedule_fires_pkey PRIMARY KEY (schedule_id, due_at)
);

create table schedule_transitions (
  schedule_id uuid not null,
  version integer not null,
  event json not null,
  from_path text not null,
  to_path text not null,
  at timestamp with time zone not null,
  supervisor_id text not null,
  constraint schedule_transitions_pkey PRIMARY KEY (schedule_id, version)
);

create table schedules (
  id uuid not null,
  name text not null,
  version integer not null,
  machine_version integer not null,
  state text not null,
  context json not null,
  spec json not null,
  draft json not null,
  creator text not null,
  wake_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint schedules_name_key UNIQUE (name),
  constraint schedules_pkey PRIMARY KEY (id),
  constraint schedules_state_known CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'ended'::text])))
);
CREATE INDEX schedules_wake ON schedules USING btree (wake_at) WHERE (wake_at IS NOT NULL);

create table specs (
  id uuid not null,
  content json not null,
  constraint specs_pkey PRIMARY KEY (id)
);

create table task_labels (
  key text not null,
  value text not null,
  task_id uuid not null,
  constraint task_labels_pkey PRIMARY KEY (key, value, task_id)
);

create table task_progress (
  task_id uuid not null,
  attempt integer not null,
  fraction double precision not null,
  message text not null,
  constraint task_progress_pkey PRIMARY KEY (task_id),
  constraint task_progress_task_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE
);

create table tasks (
  id uuid not null,
  version integer not null,
  machine_version integer not null,
  state text not null,
  substate text not null,
  context json not null,
  name text not null,
  type text not null,
  labels jsonb not null,
  creator text not null,
  parent_id uuid,
  schedule_id uuid,
  spec_id uuid not null,
  priority smallint not null,
  target_node_id text,
  node_id text,
  attempt integer not null,
  wake_at timestamp with time zone,
  queued_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  constraint tasks_pkey PRIMARY KEY (id),
  constraint tasks_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'timeout'::text, 'cancelled'::text])))
)
with (autovacuum_analyze_scale_factor=0.02, autovacuum_vacuum_insert_scale_factor=0.1, autovacuum_vacuum_scale_factor=0.05);
CREATE INDEX tasks_parent ON tasks USING btree (parent_id, id) WHERE (parent_id IS NOT NULL);
CREATE INDEX tasks_queued_any ON tasks USING btree (priority DESC, queued_at, id) WHERE ((substate = 'queued'::text) AND (target_node_id IS NULL));
CREATE INDEX tasks_queued_bound ON tasks USING btree (target_node_id, priority DESC, queued_at, id) WHERE ((substate = 'queued'::text) AND (target_node_id IS NOT NULL));
CREATE INDEX tasks_running ON tasks USING btree (node_id) WHERE (state = 'running'::text);
CREATE INDEX tasks_schedule ON tasks USING btree (schedule_id, id) WHERE (schedule_id IS NOT NULL);
CREATE INDEX tasks_settled_node ON tasks USING btree (node_id, state, id) WHERE ((node_id IS NOT NULL) AND (state <> 'running'::text));
CREATE INDEX tasks_settled_state ON tasks USING btree (state, id) WHERE (state <> 'running'::text);
CREATE INDEX tasks_shared_spec ON tasks USING btree (spec_id) WHERE (spec_id <> id);
CREATE INDEX tasks_wake ON tasks USING btree (wake_at) WHERE (wake_at IS NOT NULL);

create table transitions (
  task_id uuid not null,
  version integer not null,
  event json not null,
  from_path text not null,
  to_path text not null,
  at timestamp with time zone not null,
  attempt integer not null,
  supervisor_id text not null,
  constraint transitions_pkey PRIMARY KEY (task_id, version)
);

CREATE OR REPLACE FUNCTION delete_node_group(deleted_name text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
begin
  lock table node_groups in share row exclusive mode;
  if exists (select 1 from node_groups where parent = deleted_name) then
    return 'has_children';
  end if;
  delete from node_groups where name = deleted_name;
  return case when found then 'deleted' else 'unknown' end;
end $function$;

CREATE OR REPLACE FUNCTION delete_task(deleted_id uuid)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
declare
  task record;
begin
  -- From here on nobody adds output or late reports to it: they take a share of this row first.
  select t.state, t.spec_id, t.labels, t.creator, t.type into task from tasks as t where t.id = deleted_id for update;
  if not found then
    return 'unknown';
  end if;
  if task.state in ('pending', 'running') then
    return 'not_final';
  end if;
  -- The streams before their pieces: whoever is adding to one holds its row.
  delete from output_streams where task_id = deleted_id;
  delete from output_pieces where task_id = deleted_id;
  delete from transitions where task_id = deleted_id;
  delete from attempts where task_id = deleted_id;
  delete from late_reports where task_id = deleted_id;
  delete from task_labels
  where task_id = deleted_id
    and (key, value) in (
      select l.key, l.value from jsonb_each_text(task.labels) as l
      union all
      values ('@creator', task.creator), ('@type', task.type)
    );
  delete from tasks where id = deleted_id;
  -- Waits for a retry that is just being created with this spec; the next command sees its task.
  perform 1 from specs where id = task.spec_id for update;
  delete from specs as s
  where s.id = task.spec_id
    and not exists (select 1 from tasks where id = s.id)
    and not exists (select 1 from tasks where spec_id = s.id and spec_id <> id);
  return 'deleted';
end $function$;

CREATE OR REPLACE FUNCTION insert_output(node_ids text[], epochs integer[], task_ids uuid[], attempts integer[], streams text[], starts bigint[], contents bytea[], host_ms double precision[])
 RETURNS SETOF text
 LANGUAGE plpgsql
AS $function$
declare
  piece record;
  stored_end bigint;
  piece_end bigint;
  -- By place: stored at once.
  is_stored boolean[];
begin
  -- Holds the sessions: no epoch rises before this statement is over.
  perform 1 from nodes where id = any(node_ids) order by id for share;
  -- Holds the streams that are there, in one order for all, so that two batches do not wait for each other.
  perform 1 from output_streams as s
  where (s.task_id, s.attempt, s.stream) in (select * from unnest(task_ids, attempts, streams))
  order by s.task_id, s.attempt, s.stream
  for update;
  with piece as (
    select p.*, p.start_offset = 0 and length(p.content) > 0
             and count(*) over (partition by p.task_id, p.attempt, p.stream) = 1 as is_first
    from unnest(node_ids, epochs, task_ids, attempts, streams, starts, contents, host_ms) with ordinality
      as p (node_id, epoch, task_id, attempt, stream, start_offset, content, host_ms, place)
  ),
  -- All of an attempt or none, since the order of arrival counts.
  whole as (
    select p.*, bool_and(p.is_first) over (partition by p.task_id, p.attempt) as is_whole from piece as p
  ),
  fresh as (
    select w.* from whole as w join nodes as n on n.id = w.node_id and n.epoch = w.epoch where w.is_whole
  ),
  -- A share of the tasks, so that delete_task sees the streams or this function sees that a task is gone.
  present as materialized (
    select t.id from tasks as t where t.id in (select f.task_id from fresh as f) order by t.id for key share
  ),
  added as (
    insert into output_streams as s (task_id, attempt, stream, end_offset)
    select f.task_id, f.attempt, f.stream, length(f.content) from fresh as f join present on present.id = f.task_id
    order by f.task_id, f.attempt, f.stream
    on conflict do nothing
    returning s.task_id, s.attempt, s.stream
  ),
  stored as (
    insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
    select f.task_id, f.attempt, f.stream, 0, length(f.content), f.content, to_timestamp(f.host_ms / 1000)
    from fresh as f join added using (task_id, attempt, stream)
    order by f.place
  )
  select array_agg(a.task_id is not null order by p.place) into is_stored
  from piece as p left join added as a using (task_id, attempt, stream);
  for piece in
    select p.*, n.id is not null as is_current
    from unnest(node_ids, epochs, task_ids, attempts, streams, starts, contents, host_ms) with ordinality
      as p (node_id, epoch, task_id, attempt, stream, start_offset, content, host_ms, place)
    left join nodes as n on n.id = p.node_id and n.epoch = p.epoch
    order by p.place
  loop
    if is_stored[piece.place] then
      return next 'stored';
      continue;
    end if;
    if not piece.is_current then
      return next 'stale';
      continue;
    end if;
    select s.end_offset into stored_end from output_streams as s
    where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream
    for update;
    if not found then
      -- A share of the task, so that delete_task sees the stream or this function sees that the task is gone.
      perform 1 from tasks where id = piece.task_id for key share;
      if not found then
        return next 'stored';
        continue;
      end if;
      insert into output_streams (task_id, attempt, stream, end_offset)
      values (piece.task_id, piece.attempt, piece.stream, 0)
      on conflict do nothing;
      select s.end_offset into strict stored_end from output_streams as s
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream
      for update;
    end if;
    piece_end := piece.start_offset + length(piece.content);
    if piece.start_offset > stored_end then
      return next 'gap';
      continue;
    end if;
    if piece_end > stored_end then
      insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
      values (
        piece.task_id, piece.attempt, piece.stream, stored_end, piece_end,
        -- Without the bytes that are stored already.
        substr(piece.content, (stored_end - piece.start_offset + 1)::integer), to_timestamp(piece.host_ms / 1000)
      );
      update output_streams as s set end_offset = piece_end
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream;
    end if;
    return next 'stored';
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION save_node_group(saved_name text, new_parent text, new_description text, is_new boolean, groups_max integer)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
begin
  -- One change of the tree at a time: two that are fine each could make a cycle together.
  lock table node_groups in share row exclusive mode;
  if is_new = exists (select 1 from node_groups where name = saved_name) then
    return case when is_new then 'exists' else 'unknown' end;
  end if;
  if new_parent <> '' and new_parent <> saved_name
    and not exists (select 1 from node_groups where name = new_parent) then
    return 'unknown_parent';
  end if;
  if exists (
    with recursive above as (
      select new_parent as name
      union
      select g.parent from node_groups as g join above as a on g.name = a.name
    )
    select 1 from above where name = saved_name
  ) then
    return 'cycle';
  end if;
  if is_new then
    if (select count(*) from node_groups) >= groups_max then
      return 'too_many';
    end if;
    insert into node_groups (name, parent, description)
    values (saved_name, nullif(new_parent, ''), coalesce(new_description, ''));
  else
    update node_groups
    set parent = case when new_parent is null then parent else nullif(new_parent, '') end,
        description = coalesce(new_description, description)
    where name = saved_name;
  end if;
  return 'saved';
end $function$;
