-- Nodes as actors: whether an operator lets them take work. A node has a row here from its first drain on.

create table node_actors (
  node_id text constraint node_actors_pkey primary key
    constraint node_actors_node_fkey references nodes (id) on delete cascade,
  version integer not null,
  machine_version integer not null,
  state text not null,
  context json not null,
  -- When it must be looked at; derived from the context.
  wake_at timestamptz,
  updated_at timestamptz not null,
  constraint node_actors_state_known check (state in ('active', 'draining', 'stopping', 'drained'))
);

-- listDrainingNodes.
create index node_actors_draining on node_actors (node_id) where state in ('draining', 'stopping');

create table node_transitions (
  node_id text not null constraint node_transitions_node_fkey references nodes (id) on delete cascade,
  version integer not null,
  event json not null,
  from_path text not null,
  to_path text not null,
  at timestamptz not null,
  supervisor_id text not null,
  -- listNodeTransitions.
  constraint node_transitions_pkey primary key (node_id, version)
);

-- Deletes a node that is gone, with everything that belongs to it alone, and returns deleted, unknown, connected or has_tasks;
-- see deleteNode.
create function delete_node(deleted_id text, dead_after interval) returns text language plpgsql as $$
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
end $$;
