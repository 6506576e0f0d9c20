-- Tasks that no fan-out has made are found as labels are: thousands of children at the head of a list need not be read, and no index
-- of the tasks themselves has to follow their updates.

insert into task_labels (key, value, task_id)
select '@top', '', id from tasks where parent_id is null;

-- As before, with the row of a task that no fan-out has made.
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
  delete from expired_histories where task_id = deleted_id;
  delete from task_labels
  where task_id = deleted_id
    and (key, value) in (
      select l.key, l.value from jsonb_each_text(task.labels) as l
      union all
      values ('@creator', task.creator), ('@type', task.type), ('@top', '')
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
