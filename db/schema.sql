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

create table nodes (
  id text not null,
  epoch integer not null,
  boot_id text not null,
  labels jsonb not null,
  facts jsonb not null,
  slots integer not null,
  supervisor_id text,
  created_at timestamp with time zone not null default now(),
  connected_at timestamp with time zone,
  seen_at timestamp with time zone,
  left_at timestamp with time zone,
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
  constraint output_streams_stream_known CHECK ((stream = ANY (ARRAY['stdout'::text, 'stderr'::text])))
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
CREATE INDEX tasks_creator ON tasks USING btree (creator, id);
CREATE INDEX tasks_node ON tasks USING btree (node_id, id) WHERE (node_id IS NOT NULL);
CREATE INDEX tasks_parent ON tasks USING btree (parent_id, id) WHERE (parent_id IS NOT NULL);
CREATE INDEX tasks_queued_any ON tasks USING btree (priority DESC, queued_at, id) WHERE ((substate = 'queued'::text) AND (target_node_id IS NULL));
CREATE INDEX tasks_queued_bound ON tasks USING btree (target_node_id, priority DESC, queued_at, id) WHERE ((substate = 'queued'::text) AND (target_node_id IS NOT NULL));
CREATE INDEX tasks_running ON tasks USING btree (node_id) WHERE (state = 'running'::text);
CREATE INDEX tasks_schedule ON tasks USING btree (schedule_id, id) WHERE (schedule_id IS NOT NULL);
CREATE INDEX tasks_shared_spec ON tasks USING btree (spec_id) WHERE (spec_id <> id);
CREATE INDEX tasks_state ON tasks USING btree (state, id);
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
