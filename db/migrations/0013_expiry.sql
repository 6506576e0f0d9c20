-- Output and history may go before their task does. That they were there, and went, is written down: nothing looks as if it had
-- never been.

-- A stream keeps its row, so that bytes that come again are known to have been stored. Null while its pieces are there.
alter table output_streams add column expired_at timestamptz;

-- Tasks whose transitions and late reports have gone.
create table expired_histories (
  -- isHistoryExpired.
  task_id uuid constraint expired_histories_pkey primary key,
  expired_at timestamptz not null default now()
);

-- As before; bytes that come for a stream that has expired are counted and not stored.
create or replace function insert_output(
  node_ids text[], epochs integer[], task_ids uuid[], attempts integer[], streams text[], starts bigint[], contents bytea[],
  host_ms double precision[]
) returns setof text language plpgsql as $$
declare
  piece record;
  stored_end bigint;
  is_expired boolean;
  -- Live tasks are younger: they are spared the look at their day.
  expired_before uuid := coalesce(
    (
      select p.end_id from day_partitions as p
      where p.parent = 'output_pieces' and p.expired_at is not null
      order by p.end_id desc limit 1
    ),
    '00000000-0000-0000-0000-000000000000'
  );
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
    select s.end_offset, s.expired_at is not null into stored_end, is_expired from output_streams as s
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
      select s.end_offset, s.expired_at is not null into strict stored_end, is_expired from output_streams as s
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream
      for update;
    end if;
    piece_end := piece.start_offset + length(piece.content);
    if piece.start_offset > stored_end then
      return next 'gap';
      continue;
    end if;
    if piece_end > stored_end then
      is_expired := is_expired
        or (piece.task_id < expired_before and is_day_expired('output_pieces', piece.task_id));
      if not is_expired then
        insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
        values (
          piece.task_id, piece.attempt, piece.stream, stored_end, piece_end,
          -- Without the bytes that are stored already.
          substr(piece.content, (stored_end - piece.start_offset + 1)::integer), to_timestamp(piece.host_ms / 1000)
        );
      end if;
      update output_streams as s set end_offset = piece_end
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream;
    end if;
    return next 'stored';
  end loop;
end $$;

-- As before, with the note of its history.
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
