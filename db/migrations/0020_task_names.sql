-- Tasks are found by a text that their names contain. Names never change, so nothing of this is written by an update of a task: a
-- task has one row more beside its labels, and each distinct name is written once.

-- What stands at each place of a text, three characters at a time. A text of fewer has itself. Not an extension: creating one may be
-- refused to whom a database belongs.
create function trigrams(of_text text) returns text[] language plpgsql immutable strict parallel safe as $$
declare
  found text[] := '{}';
begin
  for place in 1..greatest(length(of_text) - 2, 1) loop
    found[place] := substr(of_text, place, 3);
  end loop;
  return found;
end $$;

create table task_names (
  -- In lower case.
  name text constraint task_names_pkey primary key,
  -- When a task was last created with it, or up to an hour before: most tasks have a name that was there before.
  used_at timestamptz not null default now()
)
-- An update of the time finds room beside the row, and so adds nothing to the indexes.
with (fillfactor = 90);

-- No label has such keys. Children of fan-outs have one of their own: thousands of them may have the name of one that is none.
insert into task_labels (key, value, task_id)
select case when parent_id is null then '@name' else '@child' end, lower(name), id from tasks;

insert into task_names (name) select distinct lower(name) from tasks;

-- listTasks by text: the names that contain it. What waits to be put in order is read by every search: not much at a time.
create index task_names_trigrams on task_names using gin (trigrams(name)) with (gin_pending_list_limit = 256);

-- Where there are many tasks, what was written is counted before anybody asks.
analyze task_labels, task_names;

-- As before, with the row of its name.
create or replace function delete_task(deleted_id uuid) returns text language plpgsql as $$
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
end $$;
