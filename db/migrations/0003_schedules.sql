-- Schedules: actors that create tasks at given times. Few rows, each changed once for every due time.

create table schedules (
  id uuid constraint schedules_pkey primary key,
  -- listSchedules.
  name text not null constraint schedules_name_key unique,
  version integer not null,
  machine_version integer not null,
  state text not null,
  context json not null,
  -- The task it creates: as its creator wrote it, and as the supervisor understands it.
  spec json not null,
  draft json not null,
  creator text not null,
  -- When it must be looked at; derived from the context.
  wake_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint schedules_state_known check (state in ('active', 'paused', 'ended'))
);

-- listDueSchedules.
create index schedules_wake on schedules (wake_at) where wake_at is not null;

create table schedule_transitions (
  schedule_id uuid not null,
  version integer not null,
  event json not null,
  from_path text not null,
  to_path text not null,
  at timestamptz not null,
  supervisor_id text not null,
  -- listScheduleTransitions.
  constraint schedule_transitions_pkey primary key (schedule_id, version)
);

-- What became of each due time.
create table schedule_fires (
  schedule_id uuid not null,
  due_at timestamptz not null,
  is_manual boolean not null,
  -- Null where it made no task.
  task_id uuid,
  -- Why it made none; empty where it did.
  why text not null,
  at timestamptz not null,
  -- A due time is fired once, whoever tries. listFires.
  constraint schedule_fires_pkey primary key (schedule_id, due_at)
);
