-- Groups of nodes: a tree, a node in any number of them. Small tables that people change by hand, so foreign keys cost nothing.

create table node_groups (
  name text constraint node_groups_pkey primary key,
  -- The group that includes this one; null at the top.
  parent text constraint node_groups_parent_fkey references node_groups (name),
  description text not null,
  created_at timestamptz not null default now()
);

-- listGroupNodeIds: the groups below one; delete_node_group.
create index node_groups_parent on node_groups (parent) where parent is not null;

create table node_group_members (
  group_name text not null
    constraint node_group_members_group_fkey references node_groups (name) on delete cascade,
  node_id text not null constraint node_group_members_node_fkey references nodes (id) on delete cascade,
  constraint node_group_members_pkey primary key (group_name, node_id)
);

-- The removal of a node.
create index node_group_members_node on node_group_members (node_id);

-- Creates a group (is_new) or changes one, and returns saved, exists, unknown, unknown_parent, cycle or too_many; see
-- saveNodeGroup. A null description or a null parent leaves what is; an empty parent puts the group at the top.
create function save_node_group(
  saved_name text, new_parent text, new_description text, is_new boolean, groups_max integer
) returns text language plpgsql as $$
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
end $$;

-- Deletes a group without children, and returns deleted, has_children or unknown; see deleteNodeGroup.
create function delete_node_group(deleted_name text) returns text language plpgsql as $$
begin
  lock table node_groups in share row exclusive mode;
  if exists (select 1 from node_groups where parent = deleted_name) then
    return 'has_children';
  end if;
  delete from node_groups where name = deleted_name;
  return case when found then 'deleted' else 'unknown' end;
end $$;
