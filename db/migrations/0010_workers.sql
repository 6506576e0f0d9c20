-- Workers: what agents say of their slots and kept commands, and what somebody has asked of them.
--
-- A row is written when a worker stops or begins to take work, and when it has been busy for a second; short attempts write none.
-- The operation is a wish, not a message: `operation_seq` rises with each, `operated_seq` is the last one that the agent has taken on.

create table workers (
  node_id text not null constraint workers_node_fkey references nodes (id) on delete cascade,
  name text not null,
  kind text not null constraint workers_kind_check check (kind in ('slot', 'kept')),
  -- The session that said so; an older one changes nothing.
  epoch integer not null,
  state text not null
    constraint workers_state_check
    check (state in ('starting', 'idle', 'busy', 'backing_off', 'crashed', 'stopped')),
  -- Times by the clock of the host.
  since timestamptz,
  task_id uuid,
  attempt integer not null,
  failures integer not null,
  next_start_at timestamptz,
  pid integer,
  why text not null,
  command text not null,
  keep_policy text,
  -- What a busy worker does when its work has ended: stop, restart or null.
  asked text,
  operation text constraint workers_operation_check check (operation in ('start', 'stop', 'restart')),
  operation_seq integer not null default 0,
  operated_seq integer not null default 0,
  constraint workers_pkey primary key (node_id, name)
);

-- listPendingOperations.
create index workers_pending on workers (node_id) where operation_seq > operated_seq;
