-- The schema that the files in migrations/ add up to. Made by `node db/schema-dump.ts`; do not edit.

create sequence output_arrivals;

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

create table day_partitions (
  parent text not null,
  first_id uuid not null,
  end_id uuid not null,
  name text not null,
  expired_at timestamp with time zone,
  constraint day_partitions_pkey PRIMARY KEY (parent, first_id)
);

create table expired_histories (
  task_id uuid not null,
  expired_at timestamp with time zone not null default now(),
  constraint expired_histories_pkey PRIMARY KEY (task_id)
);

create table fetched_files (
  task_id uuid not null,
  sha256 text not null,
  at timestamp with time zone not null default now(),
  constraint fetched_files_pkey PRIMARY KEY (task_id),
  constraint fetched_files_task_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE
);
CREATE INDEX fetched_files_content ON fetched_files USING btree (sha256);

create table file_chunks (
  content_id bigint not null,
  start_offset bigint not null,
  content bytea not null,
  constraint file_chunks_pkey PRIMARY KEY (content_id, start_offset),
  constraint file_chunks_content_fkey FOREIGN KEY (content_id) REFERENCES file_contents(id) ON DELETE CASCADE
);

create table file_contents (
  id bigint generated always as identity not null,
  sha256 text not null,
  uploader text not null,
  size_bytes bigint not null,
  stored_bytes bigint not null default 0,
  is_complete boolean not null default false,
  used_at timestamp with time zone not null default now(),
  constraint file_contents_pkey PRIMARY KEY (id),
  constraint file_contents_bounded CHECK ((stored_bytes <= size_bytes))
);
CREATE INDEX file_contents_used ON file_contents USING btree (used_at);
CREATE UNIQUE INDEX file_contents_complete ON file_contents USING btree (sha256) WHERE is_complete;
CREATE UNIQUE INDEX file_contents_upload ON file_contents USING btree (uploader, sha256) WHERE (NOT is_complete);

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

create table machine_versions (
  machine text not null,
  hash text not null,
  version text not null,
  definition json not null,
  first_seen_at timestamp with time zone not null default now(),
  constraint machine_versions_pkey PRIMARY KEY (machine, hash)
);

create table migrations (
  version integer not null,
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (version)
);

create table node_actors (
  node_id text not null,
  version integer not null,
  machine_version integer not null,
  state text not null,
  context json not null,
  wake_at timestamp with time zone,
  updated_at timestamp with time zone not null,
  constraint node_actors_pkey PRIMARY KEY (node_id),
  constraint node_actors_node_fkey FOREIGN KEY (node_id) REFERENCES nodes(id) ON DELETE CASCADE,
  constraint node_actors_state_known CHECK ((state = ANY (ARRAY['active'::text, 'draining'::text, 'stopping'::text, 'drained'::text])))
);
CREATE INDEX node_actors_draining ON node_actors USING btree (node_id) WHERE (state = ANY (ARRAY['draining'::text, 'stopping'::text]));

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

create table node_metrics (
  node_id text not null,
  at timestamp with time zone not null,
  memory_used bigint not null,
  memory_total bigint not null,
  disk_used bigint not null,
  disk_total bigint not null,
  load1 real not null,
  load5 real not null,
  load15 real not null,
  cpu_share real not null,
  constraint node_metrics_pkey PRIMARY KEY (node_id, at)
);
CREATE INDEX node_metrics_at ON node_metrics USING btree (at);

create table node_sets (
  id text not null,
  node_ids text[] not null,
  used_at timestamp with time zone not null default now(),
  constraint node_sets_pkey PRIMARY KEY (id)
);

create table node_transitions (
  node_id text not null,
  version integer not null,
  event json not null,
  from_path text not null,
  to_path text not null,
  at timestamp with time zone not null,
  supervisor_id text not null,
  constraint node_transitions_pkey PRIMARY KEY (node_id, version),
  constraint node_transitions_node_fkey FOREIGN KEY (node_id) REFERENCES nodes(id) ON DELETE CASCADE
);

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
  arrival bigint not null default nextval('output_arrivals'::regclass),
  host_at timestamp with time zone not null,
  constraint output_pieces_pkey PRIMARY KEY (task_id, attempt, stream, start_offset),
  constraint output_pieces_length CHECK (((end_offset - start_offset) = length(content)))
)
partition by RANGE (task_id);

create table output_streams (
  task_id uuid not null,
  attempt integer not null,
  stream text not null,
  end_offset bigint not null,
  expired_at timestamp with time zone,
  missing_bytes bigint not null default 0,
  constraint output_streams_pkey PRIMARY KEY (task_id, attempt, stream),
  constraint output_streams_stream_known CHECK ((stream = ANY (ARRAY['stdout'::text, 'stderr'::text, 'result'::text])))
)
with (fillfactor=50);

create table pending_ages (
  minute timestamp with time zone not null,
  oldest_ms bigint not null,
  constraint pending_ages_pkey PRIMARY KEY (minute)
);

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

create table schedule_bases (
  schedule_id uuid not null,
  version integer not null,
  machine_version integer not null,
  state text not null,
  context json not null,
  constraint schedule_bases_pkey PRIMARY KEY (schedule_id)
);

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
  waits_for uuid,
  constraint schedules_name_key UNIQUE (name),
  constraint schedules_pkey PRIMARY KEY (id),
  constraint schedules_state_known CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'ended'::text])))
);
CREATE INDEX schedules_waiting ON schedules USING btree (waits_for) WHERE (waits_for IS NOT NULL);
CREATE INDEX schedules_wake ON schedules USING btree (wake_at) WHERE (wake_at IS NOT NULL);

create table specs (
  id uuid not null,
  content json not null,
  constraint specs_pkey PRIMARY KEY (id)
);
CREATE INDEX specs_file_content ON specs USING btree (((content #>> '{file,put,sha256}'::text[]))) WHERE ((content #>> '{file,put,sha256}'::text[]) IS NOT NULL);

create table step_counts (
  machine text not null,
  minute timestamp with time zone not null,
  from_path text not null,
  event text not null,
  to_path text not null,
  steps bigint not null,
  constraint step_counts_pkey PRIMARY KEY (machine, minute, from_path, event, to_path)
);
CREATE INDEX step_counts_minute ON step_counts USING btree (minute);

create table task_counts (
  span text not null,
  starts_at timestamp with time zone not null,
  node_id text not null,
  type text not null,
  state text not null,
  tasks bigint not null,
  constraint task_counts_pkey PRIMARY KEY (span, starts_at, node_id, type, state),
  constraint task_counts_span_known CHECK ((span = ANY (ARRAY['hour'::text, 'day'::text, 'month'::text])))
)
with (fillfactor=80);

create table task_durations (
  span text not null,
  starts_at timestamp with time zone not null,
  kind text not null,
  class smallint not null,
  tasks bigint not null,
  total_ms double precision not null,
  longest_ms double precision not null,
  constraint task_durations_pkey PRIMARY KEY (span, starts_at, kind, class),
  constraint task_durations_span_known CHECK ((span = ANY (ARRAY['hour'::text, 'day'::text, 'month'::text])))
)
with (fillfactor=80);

create table task_ends (
  created_at timestamp with time zone not null,
  type text not null,
  state text not null,
  node_id text not null,
  waiting_ms double precision,
  running_ms double precision
)
with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=10000);

create table task_labels (
  key text not null,
  value text not null,
  task_id uuid not null,
  constraint task_labels_pkey PRIMARY KEY (key, value, task_id)
);

create table task_names (
  name text not null,
  used_at timestamp with time zone not null default now(),
  constraint task_names_pkey PRIMARY KEY (name)
)
with (fillfactor=90);
CREATE INDEX task_names_trigrams ON task_names USING gin (trigrams(name)) WITH (gin_pending_list_limit='256');

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
CREATE INDEX tasks_of_node_set ON tasks USING btree (target_node_id) WHERE (target_node_id ~~ '#%'::text);
CREATE INDEX tasks_parent ON tasks USING btree (parent_id, id) WHERE (parent_id IS NOT NULL);
CREATE INDEX tasks_queued_any ON tasks USING btree (priority DESC, queued_at, id) WHERE ((substate = 'queued'::text) AND (target_node_id IS NULL));
CREATE INDEX tasks_queued_bound ON tasks USING btree (target_node_id, priority DESC, queued_at, id) WHERE ((substate = 'queued'::text) AND (target_node_id IS NOT NULL));
CREATE INDEX tasks_queued_set ON tasks USING btree (target_node_id) WHERE ((substate = 'queued'::text) AND (target_node_id ~~ '#%'::text));
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
)
partition by RANGE (task_id);

create table workers (
  node_id text not null,
  name text not null,
  kind text not null,
  epoch integer not null,
  state text not null,
  since timestamp with time zone,
  task_id uuid,
  attempt integer not null,
  failures integer not null,
  next_start_at timestamp with time zone,
  pid integer,
  why text not null,
  command text not null,
  keep_policy text,
  asked text,
  operation text,
  operation_seq integer not null default 0,
  operated_seq integer not null default 0,
  constraint workers_pkey PRIMARY KEY (node_id, name),
  constraint workers_node_fkey FOREIGN KEY (node_id) REFERENCES nodes(id) ON DELETE CASCADE,
  constraint workers_kind_check CHECK ((kind = ANY (ARRAY['slot'::text, 'kept'::text]))),
  constraint workers_operation_check CHECK ((operation = ANY (ARRAY['start'::text, 'stop'::text, 'restart'::text]))),
  constraint workers_state_check CHECK ((state = ANY (ARRAY['starting'::text, 'idle'::text, 'busy'::text, 'backing_off'::text, 'crashed'::text, 'stopped'::text])))
);
CREATE INDEX workers_pending ON workers USING btree (node_id) WHERE (operation_seq > operated_seq);

CREATE OR REPLACE FUNCTION append_file_chunk(new_sha256 text, new_uploader text, is_single boolean, new_size bigint, new_offset bigint, new_content bytea)
 RETURNS TABLE(content_id bigint, stored bigint, complete boolean)
 LANGUAGE plpgsql
AS $function$
declare
  upload file_contents;
begin
  update file_contents as c set used_at = now()
  where c.sha256 = new_sha256 and c.is_complete
  returning c.* into upload;
  if found then
    return query select upload.id, upload.size_bytes, true;
    return;
  end if;
  -- Another size means that one of the two is wrong, so that it begins anew: under another id, which a check of the former
  -- chunks cannot take for this one.
  delete from file_contents as c
  where c.uploader = new_uploader and not c.is_complete
    and (case when c.sha256 = new_sha256 then c.size_bytes <> new_size else is_single end);
  insert into file_contents as c (sha256, uploader, size_bytes)
  values (new_sha256, new_uploader, new_size)
  -- An update, so that this upload is held here.
  on conflict (uploader, sha256) where not is_complete do update set used_at = now()
  returning c.* into upload;
  if new_offset = upload.stored_bytes and length(new_content) > 0 then
    insert into file_chunks values (upload.id, new_offset, new_content);
    update file_contents as c set stored_bytes = c.stored_bytes + length(new_content)
    where c.id = upload.id
    returning c.* into upload;
  end if;
  return query select upload.id, upload.stored_bytes, false;
end $function$;

CREATE OR REPLACE FUNCTION complete_file_content(completed_id bigint)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
begin
  update file_contents set is_complete = true, used_at = now()
  where id = completed_id and stored_bytes = size_bytes;
  return found;
exception
  when unique_violation then
    delete from file_contents where id = completed_id;
    return true;
end $function$;

CREATE OR REPLACE FUNCTION delete_node(deleted_id text, dead_after interval)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
declare
  node record;
begin
  -- A session that is being opened at this moment comes before or after.
  select n.left_at, n.seen_at into node from nodes as n where n.id = deleted_id for update;
  if not found then
    return 'unknown';
  end if;
  if node.left_at is null and node.seen_at > now() - dead_after then
    return 'connected';
  end if;
  if exists (select 1 from tasks where node_id = deleted_id and state = 'running')
    or exists (
      select 1 from tasks where node_id = deleted_id and state = 'pending' and target_node_id = deleted_id
    ) then
    return 'has_tasks';
  end if;
  delete from nodes where id = deleted_id;
  return 'deleted';
end $function$;

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
  select t.state, t.spec_id, t.labels, t.creator, t.type, t.name into task from tasks as t where t.id = deleted_id for update;
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
  delete from expired_histories where task_id = deleted_id;
  delete from task_labels
  where task_id = deleted_id
    and (key, value) in (
      select l.key, l.value from jsonb_each_text(task.labels) as l
      union all
      values ('@creator', task.creator), ('@type', task.type), ('@top', ''),
        ('@name', lower(task.name)), ('@child', lower(task.name))
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

CREATE OR REPLACE FUNCTION duration_class(ms double precision)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
  select (case when ms < 1 then 0 else 1 + floor(ln(ms) / ln(1.05::double precision)) end)::smallint
$function$;

CREATE OR REPLACE FUNCTION expire_days(of_parent text, keep_ms double precision)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  old_before timestamptz := now() - make_interval(secs => keep_ms / 1000);
  part record;
  dropped integer := 0;
begin
  perform set_config('lock_timeout', '500ms', true);
  for part in
    select p.* from day_partitions as p
    where p.parent = of_parent and p.expired_at is null and p.end_id <= first_id_at(old_before)
    order by p.first_id
  loop
    if exists (
      select 1 from tasks as t
      where t.id >= part.first_id and t.id < part.end_id
        and (
          t.state in ('pending', 'running') or t.finished_at >= old_before
          or exists (select 1 from tasks as o where o.id = t.parent_id and o.state in ('pending', 'running'))
        )
    ) then
      continue;
    end if;
    begin
      update day_partitions as p set expired_at = now()
      where p.parent = of_parent and p.first_id = part.first_id and p.expired_at is null;
      if found then
        execute format('drop table %I', part.name);
        dropped := dropped + 1;
      end if;
    exception
      when lock_not_available then
        null;
    end;
  end loop;
  -- Nobody asks for what has expired of tasks that have gone as well.
  delete from day_partitions as p
  where p.parent = of_parent and p.expired_at is not null
    and not exists (select 1 from tasks as t where t.id >= p.first_id and t.id < p.end_id);
  return dropped;
end $function$;

CREATE OR REPLACE FUNCTION first_id_at(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE STRICT
AS $function$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$function$;

CREATE OR REPLACE FUNCTION insert_output(node_ids text[], epochs integer[], task_ids uuid[], attempts integer[], streams text[], starts bigint[], contents bytea[], host_ms double precision[], may_leave_gap boolean[] DEFAULT NULL::boolean[])
 RETURNS SETOF text
 LANGUAGE plpgsql
AS $function$
declare
  piece record;
  stored_end bigint;
  is_expired boolean;
  -- Live tasks are younger: they are spared the look at their day.
  expired_before uuid := coalesce(
    (
      select p.end_id from day_partitions as p
      where p.parent = 'output_pieces' and p.expired_at is not null
      order by p.end_id desc limit 1
    ),
    '00000000-0000-0000-0000-000000000000'
  );
  piece_end bigint;
  missing bigint;
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
    select w.* from whole as w join nodes as n on n.id = w.node_id and n.epoch = w.epoch
    where w.is_whole and not (w.task_id < expired_before and is_day_expired('output_pieces', w.task_id))
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
    select s.end_offset, s.expired_at is not null into stored_end, is_expired from output_streams as s
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
      select s.end_offset, s.expired_at is not null into strict stored_end, is_expired from output_streams as s
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream
      for update;
    end if;
    piece_end := piece.start_offset + length(piece.content);
    missing := greatest(piece.start_offset - stored_end, 0);
    if missing > 0 and may_leave_gap[piece.place] is not true then
      return next 'gap';
      continue;
    end if;
    if missing > 0 then
      update output_streams as s
      set end_offset = s.end_offset + missing, missing_bytes = s.missing_bytes + missing
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream;
      stored_end := piece.start_offset;
    end if;
    if piece_end > stored_end then
      is_expired := is_expired
        or (piece.task_id < expired_before and is_day_expired('output_pieces', piece.task_id));
      if not is_expired then
        insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
        values (
          piece.task_id, piece.attempt, piece.stream, stored_end, piece_end,
          -- Without the bytes that are stored already.
          substr(piece.content, (stored_end - piece.start_offset + 1)::integer), to_timestamp(piece.host_ms / 1000)
        );
      end if;
      update output_streams as s set end_offset = piece_end
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream;
    end if;
    return next case when missing > 0 then 'missing' else 'stored' end;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION is_day_expired(of_parent text, of_task uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (
    select 1 from day_partitions
    where parent = of_parent and expired_at is not null and first_id <= of_task and end_id > of_task
  )
$function$;

CREATE OR REPLACE FUNCTION make_days(of_parent text, ahead integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  day timestamptz;
  made integer := 0;
begin
  perform set_config('lock_timeout', '500ms', true);
  for n in 0..ahead loop
    day := date_trunc('day', now(), 'UTC') + make_interval(days => n);
    if exists (
      select 1 from day_partitions where parent = of_parent and end_id > first_id_at(day)
        and first_id < first_id_at(day + interval '1 day')
    ) then
      continue;
    end if;
    begin
      insert into day_partitions
      values (
        of_parent, first_id_at(day), first_id_at(day + interval '1 day'),
        of_parent || to_char(day at time zone 'UTC', '"_"YYYYMMDD')
      );
      execute format(
        'create table %I partition of %I for values from (%L) to (%L)', of_parent || to_char(day at time zone 'UTC', '"_"YYYYMMDD'),
        of_parent, first_id_at(day), first_id_at(day + interval '1 day')
      );
      made := made + 1;
    exception
      -- Another supervisor makes it, somebody holds the table, or rows of that day are among the others already: then the rest
      -- of that day goes there too.
      when unique_violation or duplicate_table or lock_not_available or check_violation then
        null;
    end;
  end loop;
  return made;
end $function$;

CREATE OR REPLACE FUNCTION roll_up_task_ends(batch integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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

CREATE OR REPLACE FUNCTION trigrams(of_text text)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
declare
  found text[] := '{}';
begin
  for place in 1..greatest(length(of_text) - 2, 1) loop
    found[place] := substr(of_text, place, 3);
  end loop;
  return found;
end $function$;
