-- Fewer indexes to write on the way through running: an update of a task adds an entry to every index its row is in, whatever
-- columns changed. What never changes about a task (creator, type) is found by rows that are written once, beside its
-- labels; the lists by state and by node leave out the running tasks, which tasks_running has: they are never many.

drop index tasks_creator;
drop index tasks_state;
drop index tasks_node;

-- listTasks by state, newest first, but for running. Ids are UUIDv7: their order is the order of creation.
create index tasks_settled_state on tasks (state, id) where state <> 'running';
-- listTasks by node, state by state, but for running.
create index tasks_settled_node on tasks (node_id, state, id) where node_id is not null and state <> 'running';

-- No label has such a key: one begins with a letter or a digit.
insert into task_labels (key, value, task_id)
select '@creator', creator, id from tasks
union all
select '@type', type, id from tasks;

-- Keys and values belong together: taken for independent, a common pair would count as a rare one.
create statistics task_labels_pairs (mcv) on key, value from task_labels;

-- As before, with the two rows of every task.
create or replace function delete_task(deleted_id uuid) returns text language plpgsql as $$
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
end $$;
