-- The first schema: tasks with their specs, history, attempts and output, and the nodes.
--
-- What the columns of tasks hold beside `context` is derived from it (../task-row.ts), so that lists and the scheduler can
-- use indexes. A task's row is written three times or more in its life; every index costs each of these writes, so there is
-- one for each question that is really asked and no more. Rows of the other tables are written once.
-- There are no foreign keys: delete_task removes what belongs to a task, and the statements that add to a task which may be
-- deleted at the same moment take a share of its row first.
-- What takes several steps in one transaction is a function here: the driver's own transactions are not safe when a connection
-- is lost in the middle of one (see ../connect.ts).

create table tasks (
  id uuid constraint tasks_pkey primary key,
  version integer not null,
  machine_version integer not null,
  state text not null,
  -- Empty in a final state.
  substate text not null,
  -- json, not jsonb, here and in the history: it is always read as a whole, and comes back as it was written, at a third of the
  -- cost of writing.
  context json not null,
  name text not null,
  type text not null,
  labels jsonb not null,
  creator text not null,
  parent_id uuid,
  schedule_id uuid,
  spec_id uuid not null,
  priority smallint not null,
  -- The node it is bound to; null when any may take it.
  target_node_id text,
  -- The node of the current attempt, else of the last one, else the one it is bound to.
  node_id text,
  attempt integer not null,
  wake_at timestamptz,
  queued_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  constraint tasks_state_known check (
    state in ('pending', 'running', 'completed', 'failed', 'timeout', 'cancelled')
  )
)
with (
  -- Old versions are removed early and statistics follow growth, because most rows change within seconds.
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.1,
  autovacuum_analyze_scale_factor = 0.02
);

-- listTasks by state, newest first. Ids are UUIDv7: their order is the order of creation.
create index tasks_state on tasks (state, id);
-- listTasks by node.
create index tasks_node on tasks (node_id, id) where node_id is not null;
-- listTasks by creator.
create index tasks_creator on tasks (creator, id);
-- listTasks by parent.
create index tasks_parent on tasks (parent_id, id) where parent_id is not null;
-- listTasks by schedule.
create index tasks_schedule on tasks (schedule_id, id) where schedule_id is not null;
-- listQueuedTasks, the tasks that are bound to a node, in the order in which they are to be dispatched.
create index tasks_queued_bound on tasks (target_node_id, priority desc, queued_at, id)
  where substate = 'queued' and target_node_id is not null;
-- listQueuedTasks, the tasks that any node may take.
create index tasks_queued_any on tasks (priority desc, queued_at, id)
  where substate = 'queued' and target_node_id is null;
-- listDueTasks.
create index tasks_wake on tasks (wake_at) where wake_at is not null;
-- listRunningTasks, listStrandedTasks, and the active count of a node.
create index tasks_running on tasks (node_id) where state = 'running';
-- delete_task: whether another task still uses the spec of a deleted one.
create index tasks_shared_spec on tasks (spec_id) where spec_id <> id;

-- One row for each label of each task. Written once, so that labels cost the updates of tasks nothing.
create table task_labels (
  key text not null,
  value text not null,
  task_id uuid not null,
  -- listTasks by label, newest first.
  constraint task_labels_pkey primary key (key, value, task_id)
);

-- What a task does, as its creator wrote it. A retry shares the spec of the task it repeats.
create table specs (
  id uuid constraint specs_pkey primary key,
  content json not null
);

-- The answers to creations that carried a request id. Kept when the tasks are deleted: the answer stays the same.
create table requests (
  creator text not null,
  request_id text not null,
  digest text not null,
  task_ids uuid[] not null,
  -- How often the request came again.
  repeats integer not null default 0,
  created_at timestamptz not null default now(),
  -- insertTasks.
  constraint requests_pkey primary key (creator, request_id)
);

create table transitions (
  task_id uuid not null,
  version integer not null,
  event json not null,
  from_path text not null,
  to_path text not null,
  at timestamptz not null,
  attempt integer not null,
  supervisor_id text not null,
  -- listTransitions.
  constraint transitions_pkey primary key (task_id, version)
);

-- Attempts that are over.
create table attempts (
  task_id uuid not null,
  number integer not null,
  node_id text not null,
  outcome text not null,
  exit_code integer,
  signal text,
  message text not null,
  dispatched_at timestamptz not null,
  ended_at timestamptz not null,
  -- By the clock of the host.
  accepted_host_at timestamptz,
  started_host_at timestamptz,
  exited_host_at timestamptz,
  stdout_bytes bigint not null,
  stderr_bytes bigint not null,
  dropped_bytes bigint not null,
  -- listAttempts.
  constraint attempts_pkey primary key (task_id, number)
);

-- Reports of former attempts and sessions. They changed nothing.
create table late_reports (
  id bigint generated always as identity constraint late_reports_pkey primary key,
  task_id uuid not null,
  attempt integer not null,
  event json not null,
  why text not null,
  at timestamptz not null,
  supervisor_id text not null
);

-- listLateReports.
create index late_reports_task on late_reports (task_id, id);

-- How much of a stream is stored. Whoever adds to the stream locks this row first.
create table output_streams (
  task_id uuid not null,
  attempt integer not null,
  stream text not null,
  end_offset bigint not null,
  constraint output_streams_pkey primary key (task_id, attempt, stream),
  constraint output_streams_stream_known check (stream in ('stdout', 'stderr'))
)
with (fillfactor = 50);

-- The bytes of a stream without gap or overlap: each piece begins where the one before it ends.
create table output_pieces (
  task_id uuid not null,
  attempt integer not null,
  stream text not null,
  start_offset bigint not null,
  end_offset bigint not null,
  content bytea not null,
  -- Orders the pieces of both streams as they came in.
  arrival bigint generated always as identity,
  -- By the clock of the host.
  host_at timestamptz not null,
  -- readOutputRange, listOutput.
  constraint output_pieces_pkey primary key (task_id, attempt, stream, start_offset),
  constraint output_pieces_length check (end_offset - start_offset = length(content))
);

create table nodes (
  id text constraint nodes_pkey primary key,
  -- +1 with every session.
  epoch integer not null,
  boot_id text not null,
  labels jsonb not null,
  facts jsonb not null,
  slots integer not null,
  -- Holder of the last session, and of the one before it.
  supervisor_id text,
  previous_supervisor_id text,
  created_at timestamptz not null default now(),
  -- Start of the session; null once it has been closed.
  connected_at timestamptz,
  seen_at timestamptz,
  -- When its agent said goodbye; null since the next session.
  left_at timestamptz
)
with (
  -- Every sign of life is an update. It touches no index, and with room on the page it stays there.
  fillfactor = 50,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_scale_factor = 0.5
);

-- Stores pieces of output, each given by its place in the arrays, and returns what became of each; see insertOutput.
create function insert_output(
  node_ids text[], epochs integer[], task_ids uuid[], attempts integer[], streams text[], starts bigint[], contents bytea[],
  host_ms double precision[]
) returns setof text language plpgsql as $$
declare
  piece record;
  stored_end bigint;
  piece_end bigint;
begin
  -- Holds the sessions: no epoch rises before this statement is over.
  perform 1 from nodes where id = any(node_ids) order by id for share;
  -- Holds the streams that are there, in one order for all, so that two batches do not wait for each other.
  perform 1 from output_streams as s
  where (s.task_id, s.attempt, s.stream) in (select * from unnest(task_ids, attempts, streams))
  order by s.task_id, s.attempt, s.stream
  for update;
  for piece in
    select p.*, n.id is not null as is_current
    from unnest(node_ids, epochs, task_ids, attempts, streams, starts, contents, host_ms) with ordinality
      as p (node_id, epoch, task_id, attempt, stream, start_offset, content, host_ms, place)
    left join nodes as n on n.id = p.node_id and n.epoch = p.epoch
    order by p.place
  loop
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
end $$;

-- Deletes a final task with everything that belongs to it alone, and returns deleted, not_final or unknown; see deleteTask.
create function delete_task(deleted_id uuid) returns text language plpgsql as $$
declare
  task record;
begin
  -- From here on nobody adds output or late reports to it: they take a share of this row first.
  select t.state, t.spec_id, t.labels into task from tasks as t where t.id = deleted_id for update;
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
  where task_id = deleted_id and (key, value) in (select l.key, l.value from jsonb_each_text(task.labels) as l);
  delete from tasks where id = deleted_id;
  -- Waits for a retry that is just being created with this spec; the next command sees its task.
  perform 1 from specs where id = task.spec_id for update;
  delete from specs as s
  where s.id = task.spec_id
    and not exists (select 1 from tasks where id = s.id)
    and not exists (select 1 from tasks where spec_id = s.id and spec_id <> id);
  return 'deleted';
end $$;
