-- What is large and goes as a whole (output, and the steps of tasks) is kept apart by the day of the task's creation. A day whose
-- tasks are all old enough is dropped: its space is given back at once, and nothing has to be cleaned up behind it.
--
-- Ids begin with the time of creation, so a day is a range of ids, and whoever looks for a task looks into one table only.

-- Every partition by day. A dropped one stays here while there are tasks of its day: it says that what they had has expired.
create table day_partitions (
  -- transitions or output_pieces.
  parent text not null,
  first_id uuid not null,
  -- Not included.
  end_id uuid not null,
  name text not null,
  expired_at timestamptz,
  constraint day_partitions_pkey primary key (parent, first_id)
);

-- The first id of a moment.
create function first_id_at(moment timestamptz) returns uuid language sql immutable strict as $$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

alter table transitions rename to transitions_first;
alter index transitions_pkey rename to transitions_first_pkey;
create table transitions (like transitions_first including constraints) partition by range (task_id);
-- listTransitions.
alter table transitions add constraint transitions_pkey primary key (task_id, version);

-- An identity cannot be had by partitions before PostgreSQL 17.
create sequence output_arrivals;
select setval('output_arrivals', (select last_value from output_pieces_arrival_seq));
alter table output_pieces alter column arrival drop identity;
alter table output_pieces rename to output_pieces_first;
alter index output_pieces_pkey rename to output_pieces_first_pkey;
create table output_pieces (like output_pieces_first including constraints) partition by range (task_id);
alter table output_pieces alter column arrival set default nextval('output_arrivals');
-- readOutputRange, listOutput.
alter table output_pieces add constraint output_pieces_pkey primary key (task_id, attempt, stream, start_offset);

-- What is there becomes the first partition, until the day after tomorrow, or later if there is anything later.
do $$
declare
  parent text;
  last_id uuid;
  last_at timestamptz;
  end_id uuid;
begin
  foreach parent in array array['transitions', 'output_pieces'] loop
    execute format('select task_id from %I order by task_id desc limit 1', parent || '_first') into last_id;
    last_at := to_timestamp(('x' || left(replace(last_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
    end_id := first_id_at(date_trunc('day', greatest(now(), last_at), 'UTC') + interval '2 days');
    execute format(
      'alter table %I attach partition %I for values from (minvalue) to (%L)', parent, parent || '_first', end_id
    );
    -- Whatever belongs to no day that was made in time.
    execute format('create table %I partition of %I default', parent || '_other', parent);
    insert into day_partitions values (parent, '00000000-0000-0000-0000-000000000000', end_id, parent || '_first');
  end loop;
end $$;

-- Makes the partitions of today and of so many days after it, where they are missing, and returns how many. Waits for no more than
-- half a second, because whoever writes waits behind it.
create function make_days(of_parent text, ahead integer) returns integer language plpgsql as $$
declare
  day timestamptz;
  made integer := 0;
begin
  perform set_config('lock_timeout', '500ms', true);
  for n in 0..ahead loop
    day := date_trunc('day', now(), 'UTC') + make_interval(days => n);
    if exists (
      select 1 from day_partitions where parent = of_parent and end_id > first_id_at(day)
        and first_id < first_id_at(day + interval '1 day')
    ) then
      continue;
    end if;
    begin
      insert into day_partitions
      values (
        of_parent, first_id_at(day), first_id_at(day + interval '1 day'),
        of_parent || to_char(day at time zone 'UTC', '"_"YYYYMMDD')
      );
      execute format(
        'create table %I partition of %I for values from (%L) to (%L)', of_parent || to_char(day at time zone 'UTC', '"_"YYYYMMDD'),
        of_parent, first_id_at(day), first_id_at(day + interval '1 day')
      );
      made := made + 1;
    exception
      -- Another supervisor makes it, somebody holds the table, or rows of that day are among the others already: then the rest
      -- of that day goes there too.
      when unique_violation or duplicate_table or lock_not_available or check_violation then
        null;
    end;
  end loop;
  return made;
end $$;

-- Drops the days whose tasks are all final, and were so more than so long ago, and returns how many. A day with a child of what is
-- not final stays. No task can come to a day that has passed.
create function expire_days(of_parent text, keep_ms double precision) returns integer language plpgsql as $$
declare
  old_before timestamptz := now() - make_interval(secs => keep_ms / 1000);
  part record;
  dropped integer := 0;
begin
  perform set_config('lock_timeout', '500ms', true);
  for part in
    select p.* from day_partitions as p
    where p.parent = of_parent and p.expired_at is null and p.end_id <= first_id_at(old_before)
    order by p.first_id
  loop
    if exists (
      select 1 from tasks as t
      where t.id >= part.first_id and t.id < part.end_id
        and (
          t.state in ('pending', 'running') or t.finished_at >= old_before
          or exists (select 1 from tasks as o where o.id = t.parent_id and o.state in ('pending', 'running'))
        )
    ) then
      continue;
    end if;
    begin
      update day_partitions as p set expired_at = now()
      where p.parent = of_parent and p.first_id = part.first_id and p.expired_at is null;
      if found then
        execute format('drop table %I', part.name);
        dropped := dropped + 1;
      end if;
    exception
      when lock_not_available then
        null;
    end;
  end loop;
  -- Nobody asks for what has expired of tasks that have gone as well.
  delete from day_partitions as p
  where p.parent = of_parent and p.expired_at is not null
    and not exists (select 1 from tasks as t where t.id >= p.first_id and t.id < p.end_id);
  return dropped;
end $$;

-- Whether what a task had has gone with its day.
create function is_day_expired(of_parent text, of_task uuid) returns boolean language sql stable as $$
  select exists (
    select 1 from day_partitions
    where parent = of_parent and expired_at is not null and first_id <= of_task and end_id > of_task
  )
$$;
