-- Sets of nodes of which any one may take a task: what a selection came to when the task was created, each distinct set once.

create table node_sets (
  -- A digest of the ids.
  id text constraint node_sets_pkey primary key,
  -- Sorted.
  node_ids text[] not null,
  -- When a task was last created for it.
  used_at timestamptz not null default now()
);

-- deleteUnusedNodeSets: whether a task still has the set. Tasks for a set have '#' and its id for target_node_id, which no node
-- can be called.
create index tasks_of_node_set on tasks (target_node_id) where target_node_id like '#%';
