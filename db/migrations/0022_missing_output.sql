-- Output that was acknowledged and is not here any more, since the database was restored from a backup: counted, and no reason to
-- refuse what follows it.

-- How much of what lies before end_offset is not in output_pieces.
alter table output_streams add column missing_bytes bigint not null default 0;

drop function insert_output(text[], integer[], uuid[], integer[], text[], bigint[], bytea[], double precision[]);

-- As before, but a piece that may leave a gap is stored behind one, and the gap is counted.
-- Stores pieces of output, each given by its place in the arrays, and returns what became of each; see insertOutput.
create function insert_output(
  node_ids text[], epochs integer[], task_ids uuid[], attempts integer[], streams text[], starts bigint[], contents bytea[],
  host_ms double precision[], may_leave_gap boolean[] default null
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
  missing bigint;
  -- By place: stored at once.
  is_stored boolean[];
begin
  -- Holds the sessions: no epoch rises before this statement is over.
  perform 1 from nodes where id = any(node_ids) order by id for share;
  -- Holds the streams that are there, in one order for all, so that two batches do not wait for each other.
  perform 1 from output_streams as s
  where (s.task_id, s.attempt, s.stream) in (select * from unnest(task_ids, attempts, streams))
  order by s.task_id, s.attempt, s.stream
  for update;
  with piece as (
    select p.*, p.start_offset = 0 and length(p.content) > 0
             and count(*) over (partition by p.task_id, p.attempt, p.stream) = 1 as is_first
    from unnest(node_ids, epochs, task_ids, attempts, streams, starts, contents, host_ms) with ordinality
      as p (node_id, epoch, task_id, attempt, stream, start_offset, content, host_ms, place)
  ),
  -- All of an attempt or none, since the order of arrival counts.
  whole as (
    select p.*, bool_and(p.is_first) over (partition by p.task_id, p.attempt) as is_whole from piece as p
  ),
  fresh as (
    select w.* from whole as w join nodes as n on n.id = w.node_id and n.epoch = w.epoch
    where w.is_whole and not (w.task_id < expired_before and is_day_expired('output_pieces', w.task_id))
  ),
  -- A share of the tasks, so that delete_task sees the streams or this function sees that a task is gone.
  present as materialized (
    select t.id from tasks as t where t.id in (select f.task_id from fresh as f) order by t.id for key share
  ),
  added as (
    insert into output_streams as s (task_id, attempt, stream, end_offset)
    select f.task_id, f.attempt, f.stream, length(f.content) from fresh as f join present on present.id = f.task_id
    order by f.task_id, f.attempt, f.stream
    on conflict do nothing
    returning s.task_id, s.attempt, s.stream
  ),
  stored as (
    insert into output_pieces (task_id, attempt, stream, start_offset, end_offset, content, host_at)
    select f.task_id, f.attempt, f.stream, 0, length(f.content), f.content, to_timestamp(f.host_ms / 1000)
    from fresh as f join added using (task_id, attempt, stream)
    order by f.place
  )
  select array_agg(a.task_id is not null order by p.place) into is_stored
  from piece as p left join added as a using (task_id, attempt, stream);
  for piece in
    select p.*, n.id is not null as is_current
    from unnest(node_ids, epochs, task_ids, attempts, streams, starts, contents, host_ms) with ordinality
      as p (node_id, epoch, task_id, attempt, stream, start_offset, content, host_ms, place)
    left join nodes as n on n.id = p.node_id and n.epoch = p.epoch
    order by p.place
  loop
    if is_stored[piece.place] then
      return next 'stored';
      continue;
    end if;
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
    missing := greatest(piece.start_offset - stored_end, 0);
    if missing > 0 and may_leave_gap[piece.place] is not true then
      return next 'gap';
      continue;
    end if;
    if missing > 0 then
      update output_streams as s
      set end_offset = s.end_offset + missing, missing_bytes = s.missing_bytes + missing
      where s.task_id = piece.task_id and s.attempt = piece.attempt and s.stream = piece.stream;
      stored_end := piece.start_offset;
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
    return next case when missing > 0 then 'missing' else 'stored' end;
  end loop;
end $$;
